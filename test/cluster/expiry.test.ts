/**
 * Masters whose ZooKeeper sessions end while they are stopped: each goes on in the same process, whatever connects meanwhile.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

const ROUNDS = 8;
const WRITERS = 16;
const SESSION_TIMEOUT_MS = 1_000;

let zooKeeper: ZooKeeperEnsemble;

beforeAll(async () => {
  zooKeeper = await startZooKeeper();
});

afterAll(() => zooKeeper?.close());

test(`zookeeper session: ended ${ROUNDS} times while its master is stopped, the process goes on, registers and is fed again`, async () => {
  const cluster = await Cluster.start({
    masters: 3,
    zookeeper: `${zooKeeper.connectString}/expiry`,
    settings: { 'zookeeper.session.timeout': `${SESSION_TIMEOUT_MS}ms`, 'master.standby.stream.heartbeat.interval': '100ms' },
  });
  const load = await Load.start(await cluster.client(), WRITERS);
  const pids = cluster.masters.map(({ pid }) => pid);
  for (let round = 0; round < ROUNDS; round++) {
    const leader = await cluster.leader();
    const stopped = cluster.others(leader);
    const before = stopped.map((standby) => times(standby, 'zookeeper session begun'));
    for (const standby of stopped) standby.signal('SIGSTOP');
    await waitUntil('their sessions have ended', async () => (await registered()) === 1);
    await load.progress(100);
    for (const standby of stopped) standby.signal('SIGCONT');
    for (const [index, standby] of stopped.entries()) {
      await waitUntil(`${standby.address} has a session again`, () => {
        if (!standby.isRunning) throw new Error(`${standby.address} ended`);
        return times(standby, 'zookeeper session begun') > (before[index] ?? 0);
      });
    }
    await load.progress(100);
  }
  await load.stop();
  await load.expectAllThere();
  expect(cluster.masters.map(({ pid, isRunning }) => (isRunning ? pid : 'ended'))).toEqual(pids);
  expect(new Set(await cluster.digests()).size).toBe(1);
});

/** @returns how many election nodes there are. */
async function registered(): Promise<number> {
  const ephemerals = (await zooKeeper.servers[0]?.ask('dump')) ?? '';
  return ephemerals.split('-lock-').length - 1;
}

function times(master: MasterProcess, message: string): number {
  return master.stderr.split(message).length - 1;
}
