/**
 * The stream to standbys between real processes, and what its end tells: leaders killed and stopped, standbys stopped and continued.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

const WRITERS = 16;
const KILLS = 3;
/** As long as the servers grant: no takeover here may wait for it. */
const SESSION_TIMEOUT_MS = 4_000;
const PING_TIMEOUT_MS = 500;
/** A busy machine takes its time; what it took is printed. */
const GAP_MAX_MS = 2_000;

let zooKeeper: ZooKeeperEnsemble;
let chroots = 0;

beforeAll(async () => {
  zooKeeper = await startZooKeeper();
});

afterAll(() => zooKeeper?.close());

function start(): Promise<Cluster> {
  return Cluster.start({
    masters: 3,
    zookeeper: `${zooKeeper.connectString}/stream-${++chroots}`,
    settings: {
      'zookeeper.session.timeout': `${SESSION_TIMEOUT_MS}ms`,
      'master.leader.ping.timeout': `${PING_TIMEOUT_MS}ms`,
      'master.standby.stream.heartbeat.interval': '100ms',
    },
  });
}

/** Waits until `standby` is fed by `leader`, having been `before` many times. */
async function fed(standby: MasterProcess, leader: MasterProcess, before = 0): Promise<void> {
  const times = () => standby.stderr.split(`fed by the leader leader=${leader.address}`).length - 1;
  await waitUntil(`${standby.address} is fed by ${leader.address}`, () => times() > before);
}

test('leader: killed, found dead by its standbys: another one serves long before its session ends', async () => {
  const cluster = await start();
  const load = await Load.start(await cluster.client(), WRITERS);
  const gapsMs: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const leader = await cluster.leader();
    for (const standby of cluster.others(leader)) await fed(standby, leader);
    await load.progress(200);
    const killedAt = performance.now();
    await leader.end('SIGKILL');
    await load.progress(200);
    gapsMs.push(load.longestGapMs(killedAt));
    await leader.start();
  }
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
  console.log(`SIGKILL to the next acknowledged write, by ZooKeeper: ${gapsMs.join(', ')} ms`);
  expect(Math.max(...gapsMs)).toBeLessThan(GAP_MAX_MS);
});

test('leader: hangs, and its host does not: found by the ping, fenced when it goes on, and fed by its successor', async () => {
  const cluster = await start();
  const load = await Load.start(await cluster.client(), WRITERS);
  const leader = await cluster.leader();
  for (const standby of cluster.others(leader)) await fed(standby, leader);
  const stoppedAt = performance.now();
  leader.signal('SIGSTOP');
  const successor = await cluster.leader(cluster.others(leader));
  const electedMs = Math.round(performance.now() - stoppedAt);
  await load.progress(200);
  leader.signal('SIGCONT');
  await fed(leader, successor);
  await load.progress(200);
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
  console.log(`SIGSTOP of the leader to its successor: ${electedMs} ms`);
  expect(electedMs).toBeLessThan(PING_TIMEOUT_MS + GAP_MAX_MS);
});

test('standby: stopped while others write and continued, catches up by the journal and is fed again; nobody is blamed', async () => {
  const cluster = await start();
  const load = await Load.start(await cluster.client(), WRITERS);
  const leader = await cluster.leader();
  const [standby] = cluster.others(leader) as [MasterProcess];
  await fed(standby, leader);
  standby.signal('SIGSTOP');
  await load.progress(2_000);
  // As long as a leader keeps a connection that says nothing.
  await waitUntil(
    'the leader has given it up',
    () => leader.stderr.includes(`no longer follows from memory standby=${standby.address}`),
    30_000,
  );
  await load.progress(200);
  standby.signal('SIGCONT');
  await fed(standby, leader, 1);
  await load.progress(200);
  await load.stop();
  expect(new Set(await cluster.digests()).size).toBe(1);
  expect(await cluster.leader()).toBe(leader);
  expect((await leader.status()).epoch).toBe(1);
});
