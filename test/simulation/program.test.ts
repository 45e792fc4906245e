/**
 * `npm run simulate` as a program: what it prints and how it ends, and that the same seeds make the same worlds in whatever process.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { Tally } from './tally.js';
import { World } from './world.js';

const FROM = 41;
const WORLDS = 3;

let built = '';

function run(program: string, args: readonly string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { maxBuffer: 1 << 26 }, (_error, stdout) =>
      resolve({ code: child.exitCode ?? -1, stdout }),
    );
  });
}

const simulate = (...args: string[]) => run(path.join(built, 'test/simulation/main.js'), args);

beforeAll(async () => {
  // Beside what `npm run simulate` makes, which others may make or use now; inside the package, whose name for generated code is used.
  mkdirSync(path.join(ROOT, 'dist-proof'), { recursive: true });
  built = mkdtempSync(path.join(ROOT, 'dist-proof/test-'));
  const made = await run(path.join(ROOT, 'node_modules/typescript/bin/tsc'), [
    '-p',
    path.join(ROOT, 'tsconfig.proof.json'),
    '--outDir',
    built,
  ]);
  expect(made).toEqual({ code: 0, stdout: '' });
}, 120_000);

afterAll(() => rmSync(built, { recursive: true, force: true }));

test('the same seeds in this process, and in two others: the same worlds', { timeout: 120_000 }, async () => {
  const here = new Tally();
  for (let seed = FROM; seed < FROM + WORLDS; seed++) here.add({ outcome: await World.run(seed), cpuMs: 0 });
  const json = path.join(built, 'summary.json');
  const { code, stdout } = await simulate('--seeds', `${WORLDS}`, '--from', `${FROM}`, '--jobs', '2', '--json', json);
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/^worlds that went wrong +0$/m);
  const summary = JSON.parse(readFileSync(json, 'utf8'));
  expect(summary).toMatchObject({ worlds: WORLDS, events: here.sums.events, acknowledged: here.sums.acknowledged, failures: [] });
  expect(summary.trace).toBe(here.trace());
});

test('one seed: its timeline, with the leader and the faults that the settings name', { timeout: 60_000 }, async () => {
  const settings = { lifeMs: 500, faults: [{ atMs: 100, fault: 'kill a master', seed: 1 }] };
  const { code, stdout } = await simulate('--seed', '41', '--settings', JSON.stringify(settings));
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/^ +100\.000 {2}world +\*{5} +kill a master/m);
  expect(stdout).toMatch(/leading epoch=1/);
  expect(stdout).toContain('no violation');
});

test('a wrong command line: said, exit code 2', async () => {
  expect((await simulate('--seeds', 'many')).code).toBe(2);
});
