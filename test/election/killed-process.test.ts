/** Elections among real processes that are killed, stopped and asked to go. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../servers/ports.js';
import { killProcess, tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';

/** Below node_modules, so that packages are found from there. */
const compiled = join(process.cwd(), 'node_modules', '.cache', `understudy-candidate-${process.pid}`);
const folder = mkdtempSync(join(tmpdir(), 'understudy-candidates-'));
const children: ChildProcess[] = [];
let zooKeeper: ZooKeeperEnsemble;

beforeAll(async () => {
  mkdirSync(compiled, { recursive: true });
  const options = ['--ignoreConfig', '--noCheck', '--module', 'nodenext', '--target', 'es2022', '--rootDir', '.', '--outDir', compiled];
  execFileSync('node_modules/.bin/tsc', [...options, fileURLToPath(new URL('./candidate-process.ts', import.meta.url))]);
  zooKeeper = await startZooKeeper();
});

afterEach(async () => {
  for (const child of children.splice(0)) await killProcess(child);
});

afterAll(async () => {
  await zooKeeper?.close();
  rmSync(compiled, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

async function start(kind: string, where: string) {
  const [port] = await freePorts(1);
  const program = join(compiled, 'test', 'election', 'candidate-process.js');
  const child = tracked(spawn(process.execPath, [program, kind, where, `127.0.0.1:${port}`]));
  children.push(child);
  const events: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => events.push(...chunk.toString('utf8').trim().split('\n')));
  return { child, events, isElected: () => events.at(-1) === 'elected' };
}

async function leaderAndWaiting(kind: string, where: string) {
  const leader = await start(kind, where);
  await waitUntil('the first is elected', leader.isElected);
  const waiting = await start(kind, where);
  return { leader, waiting };
}

/** How long `waiting` takes to be elected after `done`. */
async function gapMs(waiting: { isElected(): boolean }, done: () => void): Promise<number> {
  const before = performance.now();
  done();
  await waitUntil('the second is elected', waiting.isElected);
  return performance.now() - before;
}

const seen = async (count: number) => {
  await waitUntil(`${count} sessions wait`, async () => (await zooKeeper.servers[0]!.ask('dump')).split('-lock-').length === count + 1);
};

describe('candidates in processes', () => {
  test('zookeeper: elected one killed, next is elected when its session has timed out', async () => {
    const { leader, waiting } = await leaderAndWaiting('zookeeper', `${zooKeeper.connectString}/killed`);
    await seen(2);
    const gap = await gapMs(waiting, () => leader.child.kill('SIGKILL'));
    expect(gap).toBeLessThan(1_000 + 1_500);
  });

  test('zookeeper: elected one asked to go, next is elected at once', async () => {
    const { leader, waiting } = await leaderAndWaiting('zookeeper', `${zooKeeper.connectString}/asked`);
    await waitUntil('only these two are left', async () => !(await zooKeeper.servers[0]!.ask('dump')).includes('/killed/'));
    await seen(2);
    expect(await gapMs(waiting, () => leader.child.kill('SIGTERM'))).toBeLessThan(300);
  });

  test('zookeeper: elected one stopped, next is elected, and it is deposed when it goes on', async () => {
    const { leader, waiting } = await leaderAndWaiting('zookeeper', `${zooKeeper.connectString}/stopped`);
    await waitUntil('only these two are left', async () => !(await zooKeeper.servers[0]!.ask('dump')).includes('/asked/'));
    await seen(2);
    await gapMs(waiting, () => leader.child.kill('SIGSTOP'));
    leader.child.kill('SIGCONT');
    await waitUntil('the first is deposed', () => leader.events.at(-1) === 'deposed');
  });

  test('embedded: elected one killed, next is elected as soon as its port refuses', async () => {
    const { leader, waiting } = await leaderAndWaiting('embedded', join(folder, 'killed'));
    await waitUntil('the second has begun', async () => waiting.child.pid !== undefined);
    expect(await gapMs(waiting, () => leader.child.kill('SIGKILL'))).toBeLessThan(2_000);
  });

  test('embedded: elected one asked to go, next is elected at once', async () => {
    const { leader, waiting } = await leaderAndWaiting('embedded', join(folder, 'asked'));
    expect(await gapMs(waiting, () => leader.child.kill('SIGTERM'))).toBeLessThan(2_000);
  });
});
