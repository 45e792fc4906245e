/**
 * A fault put into the production code on purpose, which simulated worlds have to find: what proves that they could.
 *
 * It is kept as edits of the source, each of a piece that stands there exactly once: a table that does not keep up with the code fails its
 * test. Nothing of a defect is in any build; `npm run simulate:defects` lives worlds on a copy of the source.
 */
import type { Storage } from '../world-settings.js';

export interface Edit {
  /** Below the root of the project. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Defect {
  readonly name: string;
  /** As an operator would say it. */
  readonly what: string;
  /** What worlds have to say of it. */
  readonly violates: RegExp;
  readonly edits: readonly Edit[];
  /** It can show only in worlds whose journal is there; default: in all. */
  readonly storage?: Storage;
  /** The test that fails with it, and the file to run, where that takes what hardly any world has: no world is lived with it then. */
  readonly elsewhere?: { readonly file: string; readonly test: string };
}

/** @returns the source with the edit made. @throws unless what is to be replaced stands there exactly once. */
export function edited(source: string, { file, find, replace }: Edit): string {
  const at = source.indexOf(find);
  if (at < 0) throw new Error(`what is to be edited is not there: file=${file} find=${find}`);
  if (source.includes(find, at + 1)) throw new Error(`what is to be edited stands there more than once: file=${file} find=${find}`);
  return source.slice(0, at) + replace + source.slice(at + find.length);
}
