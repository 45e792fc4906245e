/**
 * Real masters and workers under a nemesis, a minute on each journal, with a seed that is drawn; and the control, that a cluster which loses what it
 * has acknowledged is told from one that does not. `npm run chaos` runs longer, and replays a seed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { whatGlusterLacks } from '../servers/gluster.js';
import { killProcess, tracked } from '../servers/processes.js';

const SEEDS = 2 ** 31;
const LIMIT_MS = 600_000;
const MINUTES = '1';

interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
  /** What `--json` wrote; undefined where it came to nothing. */
  readonly outcome: { readonly violations: readonly string[]; readonly troubles: readonly string[]; readonly faults: number } | undefined;
}

/** Runs the program; it is ended with the test. */
async function chaos(...args: string[]): Promise<Ran> {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-chaos-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const json = path.join(folder, 'outcome.json');
  execFileSync('flock', ['package.json', process.execPath, 'scripts/build-if-older.mjs'], { cwd: ROOT });
  const program = path.join(ROOT, 'dist-proof', 'test', 'chaos', 'main.js');
  const child = tracked(spawn(process.execPath, [program, '--json', json, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }));
  onTestFinished(() => killProcess(child, 'SIGTERM'));
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, output: output.join(''), outcome: existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : undefined };
}

const lacksRoot = process.getuid?.() === 0 ? undefined : 'root';
const lacks: Readonly<Record<string, string | undefined>> = { dir: lacksRoot, s3: lacksRoot, gluster: lacksRoot ?? whatGlusterLacks() };

for (const [journal, lack] of Object.entries(lacks)) {
  chaosTest(
    `chaos on ${journal}: nothing acknowledged is lost or doubled, no byte is wrong, the history can be explained, service comes back`,
    lack,
    async () => {
      const seed = String(1 + Math.floor(Math.random() * SEEDS));
      console.log(`chaos on ${journal} with seed ${seed}`);
      const { exitCode, output, outcome } = await chaos('--minutes', MINUTES, '--seed', seed, '--journal', journal);
      console.log(output);
      expect(outcome?.violations, output).toEqual([]);
      expect(outcome?.troubles, output).toEqual([]);
      expect(outcome?.faults).toBeGreaterThan(1);
      expect(exitCode).toBe(0);
    },
  );
}

chaosTest('control: a journal that is rolled back with nobody left to know is a violation', lacksRoot, async () => {
  const fault = 'journal rolled back, metastores gone';
  const { exitCode, output, outcome } = await chaos('--minutes', '0.1', '--journal', 'dir', '--only', fault);
  expect(outcome?.violations.join('\n'), output).toMatch(/I1: \d+ acknowledged files are lost/);
  expect(exitCode).toBe(1);
});

/** @param lack of this machine, for want of which the test is skipped, and says so. */
function chaosTest(name: string, lack: string | undefined, run: () => Promise<void>): void {
  if (lack !== undefined) console.log(`SKIPPED: "${name}": this machine lacks ${lack}`);
  test.skipIf(lack !== undefined)(name, { timeout: LIMIT_MS }, run);
}
