/**
 * Real masters under a nemesis, a minute on each journal, side by side, with a seed that is drawn; and the control, that a cluster which loses what it
 * has acknowledged is told from one that does not. `npm run chaos` runs longer, and replays a seed.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { whatGlusterLacks } from '../servers/gluster.js';

const SEEDS = 2 ** 31;
const LIMIT_MS = 360_000;
const MINUTES = '1';

interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
  /** What `--json` wrote; undefined where it came to nothing. */
  readonly outcome: { readonly violations: readonly string[]; readonly faults: number } | undefined;
}

function chaos(...args: string[]): Promise<Ran> {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-chaos-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const json = path.join(folder, 'outcome.json');
  return new Promise((resolve) => {
    const child = execFile('npm', ['run', '--silent', 'chaos', '--', '--json', json, ...args], { cwd: ROOT }, (_, stdout, stderr) => {
      let outcome: Ran['outcome'];
      try {
        outcome = JSON.parse(readFileSync(json, 'utf8'));
      } catch {
        outcome = undefined;
      }
      resolve({ exitCode: child.exitCode, output: stdout + stderr, outcome });
    });
    onTestFinished(() => void child.kill());
  });
}

const lacksRoot = process.getuid?.() === 0 ? undefined : 'root';
const lacks: Readonly<Record<string, string | undefined>> = { dir: lacksRoot, s3: lacksRoot, gluster: lacksRoot ?? whatGlusterLacks() };

for (const [journal, lack] of Object.entries(lacks)) {
  const name = `chaos on ${journal}: nothing acknowledged is lost or doubled, the history can be explained, service comes back`;
  if (lack !== undefined) console.log(`SKIPPED: "${name}": this machine lacks ${lack}`);
  test.skipIf(lack !== undefined).concurrent(name, { timeout: LIMIT_MS }, async () => {
    const seed = String(1 + Math.floor(Math.random() * SEEDS));
    const { exitCode, output, outcome } = await chaos('--minutes', MINUTES, '--seed', seed, '--journal', journal);
    console.log(output);
    expect(outcome?.violations, output).toEqual([]);
    expect(outcome?.faults).toBeGreaterThan(3);
    expect(exitCode).toBe(0);
  });
}

test.skipIf(lacksRoot !== undefined).concurrent(
  'control: a journal that is rolled back with nobody left to know is a violation',
  {
    timeout: LIMIT_MS,
  },
  async () => {
    const { exitCode, output, outcome } = await chaos(
      '--minutes',
      '0.1',
      '--journal',
      'dir',
      '--only',
      'journal rolled back, metastores gone',
    );
    expect(outcome?.violations.join('\n'), output).toMatch(/I1: \d+ acknowledged files are lost/);
    expect(exitCode).toBe(1);
  },
);
