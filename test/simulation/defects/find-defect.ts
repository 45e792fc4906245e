/**
 * Lives worlds with a defect until one of them tells of it.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Defect } from './defect.js';
import type { Life, Lived } from './live-worlds.js';
import { PatchedCopy } from './patched-copy.js';

/** No world takes so long: one that does hangs, which is a finding too. */
const WORLD_MAX_MS = 120_000;

export interface Search {
  /** Root of the project. */
  readonly root: string;
  readonly firstSeed: number;
  readonly worldsMax: number;
}

export interface Finding {
  readonly defect: Defect;
  /** Worlds that were lived, the one that told of it included. */
  readonly worlds: number;
  readonly seconds: number;
  /** What told of it, and where; null where nothing did. */
  readonly found: { readonly seed: number; readonly violation: string } | null;
  /** What worlds told before that, and was not looked for. */
  readonly others: readonly string[];
}

/** The code as it is: whatever a world tells of it is looked for. */
export const NO_DEFECT: Defect = { name: 'none', what: 'the code as it is', violates: /^/, edits: [] };

export async function findDefect(defect: Defect, { root, firstSeed, worldsMax }: Search): Promise<Finding> {
  await using copy = await PatchedCopy.make(root, defect.edits);
  const { storage, violates } = defect;
  const life: Life = { firstSeed, worlds: worldsMax, violates: violates.source, ...(storage === undefined ? {} : { storage }) };
  const beganMs = performance.now();
  let worlds = 0;
  let found: Finding['found'] = null;
  const others: string[] = [];
  for await (const lived of lives(copy.life, life)) {
    worlds += 1;
    if (lived.found !== null) found = { seed: lived.seed, violation: lived.found };
    else others.push(...lived.violations.map((one) => `seed ${lived.seed}: ${one}`));
  }
  return { defect, worlds, seconds: (performance.now() - beganMs) / 1_000, found, others };
}

/** Where a world crashes or hangs its process, those after it are lived in a new one. */
async function* lives(program: string, life: Life): AsyncGenerator<Lived> {
  let { firstSeed, worlds } = life;
  while (worlds > 0) {
    let trouble = 'crash: the process of a world ended';
    const child = spawn(process.execPath, [program, JSON.stringify({ ...life, firstSeed, worlds })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const hung = () => {
      trouble = `hang: a world does not end within ${WORLD_MAX_MS / 1_000} s`;
      child.kill('SIGKILL');
    };
    let limit = setTimeout(hung, WORLD_MAX_MS);
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const told = JSON.parse(line) as Lived | { readonly crash: string };
        if ('crash' in told) trouble = `crash: ${told.crash.split('\n', 1)[0]}`;
        else {
          [firstSeed, worlds] = [told.seed + 1, worlds - 1];
          yield told;
          if (told.found !== null) return;
          clearTimeout(limit);
          limit = setTimeout(hung, WORLD_MAX_MS);
        }
      }
    } finally {
      clearTimeout(limit);
      child.kill('SIGKILL');
    }
    if (worlds === 0) return;
    const found = new RegExp(life.violates).test(trouble) ? trouble : null;
    yield { seed: firstSeed, violations: [trouble], found };
    if (found !== null) return;
    [firstSeed, worlds] = [firstSeed + 1, worlds - 1];
  }
}
