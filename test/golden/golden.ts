/**
 * Golden files: the bytes of each format and version, as they were first written. What is in one can be read for ever.
 *
 * `npm run golden` writes those that are missing, and none that is there: bytes that changed are a new version of their format, with a golden
 * file of its own beside the old one (docs/compatibility.md).
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { fromText, toText } from './hex-text.js';

const FOLDER = import.meta.dirname;

/** @returns the text of the golden file `name`, which is `made` from now on where there is none and it was asked for. */
export function goldenText(name: string, made: string): string {
  const file = path.join(FOLDER, name);
  if (!existsSync(file)) {
    if (process.env.WRITE_GOLDEN === undefined) expect.fail(`there is no golden file test/golden/${name}: ${HOW}`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, made, { flag: 'wx' });
  }
  return readFileSync(file, 'utf8');
}

const HOW = 'of a format or version that is new, make it with npm run golden';

/** Expects that today's encoder makes the bytes of the golden file. @returns those, for today's decoder. */
export function goldenBytes(name: string, made: Uint8Array): Buffer {
  return fromText(goldenAsMade(name, toText(Buffer.from(made))));
}

/** As `goldenBytes`, of a format that is text. */
export function goldenAsMade(name: string, made: string): string {
  const text = goldenText(name, made);
  expect(made, `test/golden/${name} was written once and is written otherwise now: give the format a new version`).toBe(text);
  return text;
}
