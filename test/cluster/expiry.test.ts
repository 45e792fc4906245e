/**
 * Masters whose ZooKeeper sessions end while they are stopped: each goes on in the same process, and answers whoever connects meanwhile.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deferred } from '../../src/base/wait.js';
import { operations } from '../../src/metadata/operations.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

const ROUNDS = 5;
const WRITERS = 16;
const SESSION_TIMEOUT_MS = 1_000;
const ANSWER_LIMIT_MS = 5_000;

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
  const answers: Promise<string>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const leader = await cluster.leader();
    const stopped = cluster.others(leader);
    const before = stopped.map((standby) => times(standby, 'zookeeper session begun'));
    for (const standby of stopped) standby.signal('SIGSTOP');
    await waitUntil('their sessions have ended', async () => (await registered()) === 1);
    await load.progress(100);
    for (const standby of stopped) standby.signal('SIGCONT');
    const registeredAgain = deferred<void>();
    for (const [index, standby] of stopped.entries()) {
      await waitUntil(`${standby.address} has a session again`, () => {
        if (!standby.isRunning) throw new Error(`${standby.address} ended`);
        answers.push(...stopped.map((one) => stateOf(one, registeredAgain.promise)));
        return times(standby, 'zookeeper session begun') > (before[index] ?? 0);
      });
    }
    registeredAgain.resolve();
    await load.progress(100);
  }
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['PASSIVE']));
  expect(cluster.masters.map(({ pid, isRunning }) => (isRunning ? pid : 'ended'))).toEqual(pids);
  expect(new Set(await cluster.digests()).size).toBe(1);
});

/** @returns what a master says on a connection that was made at once, when it is asked only after `later`; or why it says nothing. */
async function stateOf(master: MasterProcess, later: Promise<void>): Promise<string> {
  const { method, request, response } = operations.masterStatus;
  try {
    await using connection = await master.connect();
    await later;
    return response.decode(await connection.call(method, request.encode({}).finish(), { timeoutMs: ANSWER_LIMIT_MS })).state;
  } catch (error) {
    return String(error);
  }
}

/** @returns how many election nodes there are. */
async function registered(): Promise<number> {
  const ephemerals = (await zooKeeper.servers[0]?.ask('dump')) ?? '';
  return ephemerals.split('-lock-').length - 1;
}

function times(master: MasterProcess, message: string): number {
  return master.stderr.split(message).length - 1;
}
