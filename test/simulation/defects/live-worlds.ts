/**
 * Lives one world after the other, in a process of its own: what hangs or crashes there ends this process, not the one that asked.
 *
 * Argument: a `Life`, as JSON. Tells a line for each world, as it ends: a `Lived`, as JSON. Ends with the first violation that was looked for.
 */
import { drawSettings } from '../swarm.js';
import { World } from '../world.js';
import type { Storage } from '../world-settings.js';

export interface Life {
  readonly firstSeed: number;
  /** Worlds to be lived. */
  readonly worlds: number;
  /** Only worlds whose journal is there. */
  readonly storage?: Storage;
  /** What is looked for: a regular expression. */
  readonly violates: string;
}

export interface Lived {
  readonly seed: number;
  /** Their first lines. */
  readonly violations: readonly string[];
  /** The one that was looked for. */
  readonly found: string | null;
}

/** That a check gave up tells of nothing. */
const UNDECIDED = /^history: not decided/;

async function live({ firstSeed, worlds, storage, violates }: Life): Promise<void> {
  const wanted = new RegExp(violates);
  for (let seed = firstSeed, lived = 0; lived < worlds; seed++) {
    if (storage !== undefined && drawSettings(seed).storage !== storage) continue;
    lived += 1;
    const told = await World.run(seed).then(
      (outcome) => outcome.violations,
      (error: unknown) => [`crash: ${String(error)}`],
    );
    const violations = told.map((one) => one.split('\n', 1)[0] ?? '');
    const found = violations.find((one) => wanted.test(one) && !UNDECIDED.test(one)) ?? null;
    tell({ seed, violations, found });
    if (found !== null) return;
  }
}

function tell(lived: Lived | { readonly crash: string }): void {
  process.stdout.write(`${JSON.stringify(lived)}\n`);
}

process.on('uncaughtException', (error) => {
  tell({ crash: String(error) });
  process.exitCode = 1;
  process.stdout.end(() => process.exit());
});
await live(JSON.parse(process.argv[2] ?? '') as Life);
