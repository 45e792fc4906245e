/** Elections among real processes that are killed, stopped and asked to go. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mustBeBuilt } from '../servers/built.js';
import { freePorts } from '../servers/ports.js';
import { killProcess, tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';

const program = fileURLToPath(new URL('./candidate-child.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'understudy-candidates-'));
const children: ChildProcess[] = [];
let zooKeeper: ZooKeeperEnsemble;

beforeAll(async () => {
  mustBeBuilt();
  zooKeeper = await startZooKeeper();
});

afterEach(async () => {
  for (const child of children.splice(0)) await killProcess(child);
});

afterAll(async () => {
  await zooKeeper?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(kind: string, where: string) {
  const [port] = await freePorts(1);
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
