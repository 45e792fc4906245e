/**
 * A leader's streams, as standbys ask for them over RPC.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { operations } from '../../src/metadata/operations.js';
import type { MemoryNetwork } from '../../src/rpc/memory-network.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { waitUntil } from '../servers/wait-until.js';
import { LEADER, Leader, newNetwork, newStore } from './fed-standby.js';

/** As the memory journal has it. */
const INCARNATION = '00'.repeat(16);

describe('standby streams', () => {
  let network: MemoryNetwork;
  let leader: Leader;
  const connections: RpcConnection[] = [];

  beforeEach(async () => {
    network = newNetwork();
    leader = await Leader.begin(newStore(), network, 2_000);
  });

  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection.close();
    await leader.close();
  });

  /** Asks for what follows `after`. */
  async function follow(address = 'standby:1', after = leader.recent.end, streamCreditBytes = 1024 * 1024, incarnationId = INCARNATION) {
    const deps = { network: network.host(address.split(':')[0] ?? ''), clock: systemClock, log: silentLog };
    const connection = await connectRpc({ ...RPC_CLIENT_DEFAULTS, streamCreditBytes }, deps, LEADER, new AbortController().signal);
    connections.push(connection);
    const { method, request, response } = operations.followJournal;
    const body = request.encode({ afterSn: after.sn, afterHash: after.hash, address, incarnationId }).finish();
    const items = connection.stream(method, body, { timeoutMs: 60_000 })[Symbol.asyncIterator]();
    return {
      connection,
      next: async () => response.decode((await items.next()).value),
      /** @returns the newest entry of the next batch. */
      async nextSn(): Promise<number> {
        for (;;) {
          const item = await this.next();
          if (item.batch.length > 0) return item.committedSn;
        }
      },
    };
  }

  test('follow: from a point a little behind, a heartbeat first, then every batch in order', async () => {
    const after = leader.recent.end;
    await leader.commit(3);
    const stream = await follow('standby:1', after);
    const first = await stream.next();
    expect([first.batch.length, first.committedSn]).toEqual([0, leader.sn]);
    expect([await stream.nextSn(), await stream.nextSn(), await stream.nextSn()]).toEqual([3, 5, 7]);
    const [fourth] = await Promise.all([stream.nextSn(), leader.commit(1)]);
    expect(fourth).toBe(9);
  });

  test('follow: a standby of another journal, which has the same batches up to here, refused', async () => {
    const { next } = await follow('standby:1', leader.recent.end, 1024 * 1024, 'a copy');
    await expect(next()).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('another journal') });
    expect(leader.streams.list()).toEqual([]);
  });

  test('report: on the connection of its stream, counts up to what is committed; on any other, for nothing', async () => {
    const { method, request } = operations.reportApplied;
    const report = ({ connection }: { connection: RpcConnection }, appliedSn: number, clockMs: number) =>
      connection.call(method, request.encode({ address: 'standby:1', appliedSn, verified: true, clockMs }).finish(), { timeoutMs: 5_000 });
    const [stream, stranger] = [await follow('standby:1'), await follow('stranger:1')];
    await Promise.all([stream.next(), stranger.next()]);
    const known = () => leader.streams.list().find(({ address }) => address === 'standby:1');
    await report(stranger, 2 ** 53 - 1, 1);
    expect(known()).toMatchObject({ appliedSn: leader.sn, isVerified: false, clockAheadMs: null });
    await report(stream, 2 ** 53 - 1, 1);
    expect(known()).toMatchObject({ appliedSn: leader.sn, isVerified: true, clockAheadMs: expect.any(Number) });
  });

  test('follow: a point that is not on the chain, or no longer kept, or not there yet, out of range', async () => {
    const after = leader.recent.end;
    const refused = (point: typeof after) =>
      expect(follow('standby:1', point).then(({ next }) => next())).rejects.toMatchObject({ code: 'out_of_range' });
    await refused({ sn: after.sn, hash: new Uint8Array(32).fill(9) });
    await refused({ sn: (after.sn + 2) as never, hash: after.hash });
    await leader.commit(100);
    await refused(after);
    expect(leader.streams.list()).toEqual([]);
  });

  test('follow: a standby that takes nothing, is dropped when the next batch is no longer kept, and another one misses nothing', async () => {
    const slow = await follow('slow:1', leader.recent.end, 1);
    const quick = await follow('quick:1');
    expect((await slow.next()).batch).toHaveLength(0);
    const reading = (async () => {
      for (let sn = 0; sn < leader.sn || sn < 401; sn = await quick.nextSn());
    })();
    for (let batch = 0; batch < 200; batch++) {
      await leader.commit(1);
      await waitUntil('the quick one is sent it', () => leader.streams.list().some(({ sentSn }) => sentSn === leader.sn));
    }
    await reading;
    expect(leader.streams.list().map(({ address }) => address)).toEqual(['quick:1']);
    await expect(
      (async () => {
        for (;;) await slow.next();
      })(),
    ).rejects.toMatchObject({ code: 'out_of_range' });
  });

  test('follow: more standbys than may be fed, refused; one that comes again takes its own place', async () => {
    await (await follow('one:1')).next();
    const two = await follow('two:1');
    await two.next();
    await expect(follow('three:1').then(({ next }) => next())).rejects.toMatchObject({ code: 'resource_exhausted' });
    await (await follow('two:1')).next();
    expect(
      leader.streams
        .list()
        .map(({ address }) => address)
        .sort(),
    ).toEqual(['one:1', 'two:1']);
    await expect(
      (async () => {
        for (;;) await two.next();
      })(),
    ).rejects.toMatchObject({ code: 'aborted' });
  });

  test('follow: the standby goes, its place is free', async () => {
    const { connection, next } = await follow('one:1');
    await next();
    await connection.close();
    await waitUntil('the leader has noticed', () => leader.streams.list().length === 0);
  });

  test('stop: streams end with the reason, and further ones are refused', async () => {
    const { next } = await follow();
    await next();

    leader.streams.stop(new UnderstudyError('not_leader', 'fenced', { leader: 'other:1' }));
    await expect(
      (async () => {
        for (;;) await next();
      })(),
    ).rejects.toMatchObject({ code: 'not_leader', leader: 'other:1' });
    await expect(follow().then((again) => again.next())).rejects.toMatchObject({ code: 'not_leader' });
  });
});
