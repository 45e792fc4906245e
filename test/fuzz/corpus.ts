/**
 * Inputs that are kept: `corpus/<target>/valid-<n>` as the production encoders made them, `new-<hash>` that reached code which none before it did,
 * `broke-<hash>` that once broke something. All are tried in every run.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Tests and programs run in the repository's folder. */
const FOLDER = path.resolve('test/fuzz/corpus');
/** Larger ones, and more, are tried but not kept. */
const KEPT_BYTES_MAX = 4_200;
const KEPT_MAX = 40;

export function readCorpus(target: string): Buffer[] {
  return names(target).map((name) => readFileSync(path.join(FOLDER, target, name)));
}

/** @returns the names of the targets that have a folder. */
export function corpusTargets(): string[] {
  return readdirSync(FOLDER).sort();
}

export function writeSeeds(target: string, seeds: readonly Uint8Array[]): void {
  mkdirSync(path.join(FOLDER, target), { recursive: true });
  for (const [at, seed] of seeds.entries()) writeFileSync(path.join(FOLDER, target, `valid-${at + 1}`), seed);
}

/** @returns where it is now; undefined where there are enough. */
export function keep(target: string, kind: 'new' | 'broke', input: Buffer): string | undefined {
  if (kind === 'new' && (input.length > KEPT_BYTES_MAX || names(target).filter((name) => name.startsWith('new-')).length >= KEPT_MAX))
    return undefined;
  const file = path.join(FOLDER, target, `${kind}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, input);
  return path.relative('.', file);
}

function names(target: string): string[] {
  try {
    return readdirSync(path.join(FOLDER, target)).sort();
  } catch {
    return [];
  }
}
