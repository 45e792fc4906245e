/**
 * A standby between its two sources: the journal, and the leader's memory.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { MemoryJournalStore } from '../../src/journal/memory-journal-store.js';
import { operations } from '../../src/metadata/operations.js';
import type { MemoryNetwork } from '../../src/rpc/memory-network.js';
import type { Network } from '../../src/rpc/network.js';
import type { ServerCall } from '../../src/rpc/rpc.js';
import { waitUntil } from '../servers/wait-until.js';
import { LEADER, Leader, newNetwork, newStore, PING_TIMEOUT_MS, Standby } from './fed-standby.js';

describe('follower', () => {
  let store: MemoryJournalStore;
  let network: MemoryNetwork;
  let leader: Leader;
  let standby: Standby;

  beforeEach(async () => {
    store = newStore();
    network = newNetwork();
    leader = await Leader.begin(store, network);
    await leader.commit(5);
    standby = await Standby.begin(store, network);
  });

  afterEach(async () => {
    await standby.close();
    await leader.close();
    expect(standby.failures).toEqual([]);
  });

  const fed = () => waitUntil('the standby is fed', () => standby.follower.isFed);
  const same = () => waitUntil('the standby has everything', () => standby.sn === leader.sn);

  /** Resolves after some heartbeats. */
  const beats = async (count: number) => {
    for (let beat = 0; beat < count; beat++) {
      const before = standby.caughtUp;
      await waitUntil('a heartbeat', () => standby.caughtUp > before);
    }
  };

  test('all read: fed from memory, without a look at the journal', async () => {
    await fed();
    const reads = standby.reads;
    standby.withheld = true;
    await leader.commit(50);
    await same();
    await beats(3);
    expect(standby.reads).toBe(reads);
    await waitUntil('the leader knows', () => leader.streams.list()[0]?.appliedSn === leader.sn);
    expect(leader.streams.list()[0]).toMatchObject({ address: 'standby:1', sentSn: leader.sn, isVerified: true });
  });

  test('poke: the leader is told at once what is applied', async () => {
    await fed();
    await leader.commit(1);
    leader.streams.poke();
    await waitUntil('the leader knows', () => leader.streams.list()[0]?.appliedSn === leader.sn);
  });

  test('the stream breaks again and again: nothing is missed, applied twice, or out of order', async () => {
    for (let round = 0; round < 10; round++) {
      await fed();
      const commits = leader.commit(20);
      network.killConnections('leader');
      await commits;
      await leader.commit(3);
      await same();
    }
    expect(standby.gone).toEqual([]);
  });

  test('batches that the leader did not keep: from the journal, then fed again', async () => {
    await fed();
    leader.follow = (call) => call.fail(new UnderstudyError('out_of_range', 'not kept'));
    network.killConnections('leader');
    await waitUntil('the stream has ended', () => !standby.follower.isFed);
    await leader.commit(10);
    await same();
    leader.follow = (call) => leader.streams.follow(call, () => new UnderstudyError('not_leader', ''));
    await fed();
    await leader.commit(1);
    await same();
  });

  test('a batch that does not follow: not applied, the stream ends, the journal brings the right one', async () => {
    await fed();
    await leader.commit(1, true);
    const sealed = leader.newest;
    for (const wrong of [flipped(sealed, 80), flipped(sealed, sealed.length - 1), sealed.subarray(0, 50), new Uint8Array(9)]) {
      leader.follow = (call) => void send(call, [heartbeat(), item(wrong)]);
      network.killConnections('leader');
      await same();
    }
    expect(standby.failures).toEqual([]);
    expect(standby.gone).toEqual([]);
  });

  test('a gap: not applied, the journal brings what is missing', async () => {
    await fed();
    standby.withheld = true;
    await leader.commit(1, true);
    await leader.commit(1);
    await waitUntil('the stream has ended', () => !standby.follower.isFed);
    expect(standby.sn).toBe(leader.sn - 4);
    standby.withheld = false;
    await same();
  });

  test('the leader dies after it fed us: told once it refuses, and again; caught up until then', async () => {
    await fed();
    await leader.commit(5);
    await same();
    const before = performance.now();
    leader.die();
    await waitUntil('it is told', () => standby.gone.length > 0);
    expect(performance.now() - before).toBeLessThan(200);
    expect(standby.gone[0]).toBe(`${LEADER} 1 it refuses connections`);
  });

  test('a port that refuses, and never fed us: proves nothing', async () => {
    await standby.close();
    leader.die();
    standby = await Standby.begin(store, network);
    await same();
    await beats(30);
    expect(standby.gone).toEqual([]);
  });

  test('the leader hangs, its host does not: told after the time-out and not before', async () => {
    await fed();
    leader.streams.poke = () => {};
    leader.report = () => {};
    const before = performance.now();
    await waitUntil('it is told', () => standby.gone.length > 0);
    expect(standby.gone[0]).toContain('does not answer');
    expect(performance.now() - before).toBeGreaterThan(PING_TIMEOUT_MS * 0.7);
    expect(performance.now() - before).toBeLessThan(PING_TIMEOUT_MS * 4);
  });

  test("the leader's process stops, and it may be silent for longer than a connection: told, as its host answers", async () => {
    await standby.close();
    let stopped = false;
    const host = network.host('standby');
    // Forty times as fast.
    const setTimer = (delayMs: number, fn: () => void) => systemClock.setTimer(delayMs / 40, fn);
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 40, setTimer };
    const connect: Network['connect'] = async (address, signal) => {
      const stream = await host.connect(address, signal);
      const listen = stream.listen.bind(stream);
      stream.listen = (events) => listen({ ...events, data: (chunk) => (stopped ? undefined : events.data(chunk)) });
      return stream;
    };
    standby = await Standby.begin(store, network, { leaderPingTimeoutMs: 10_000, clock, network: { connect, listen: host.listen } });
    await fed();
    stopped = true;
    await waitUntil('the stream has ended', () => !standby.follower.isFed);
    await waitUntil('it is told', () => standby.gone.length > 0, 2_000);
    expect(standby.gone[0]).toContain('does not answer');
  });

  test('a leader without heartbeats that answers: is left alone', async () => {
    await fed();
    leader.streams.poke = () => {};
    let pings = 0;
    leader.report = (call) => {
      pings += 1;
      leader.streams.report(call);
    };
    await waitUntil('it was asked', () => pings >= 3);
    expect(standby.follower.isFed).toBe(true);
    expect(standby.gone).toEqual([]);
  });

  test('the network between them is cut: the stream ends, and nobody is blamed', async () => {
    await fed();
    network.cut('leader', 'standby');
    await waitUntil('the stream has ended', () => !standby.follower.isFed);
    await leader.commit(3);
    await same();
    expect(standby.gone).toEqual([]);
    network.heal('leader', 'standby');
    await fed();
  });

  test('stop: while it is fed, the replica stands still', async () => {
    await fed();
    await standby.follower.stop();
    const { sn } = standby;
    await leader.commit(3);
    await waitUntil('the leader has noticed', () => leader.streams.list().length === 0);
    expect(standby.sn).toBe(sn);
    standby.follower.start(standby.replica);
    await same();
  });
});

const { response } = operations.followJournal;
const heartbeat = () => response.encode({ committedSn: 1, timeMs: 1 }).finish();
const item = (batch: Uint8Array) => response.encode({ batch, committedSn: 1, timeMs: 1 }).finish();

async function send(call: ServerCall, items: readonly Uint8Array[]): Promise<void> {
  try {
    for (const one of items) await call.item(one);
  } catch {
    call.fail(new UnderstudyError('cancelled', 'the standby has gone'));
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
