import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isError } from '../../src/base/errors.js';
import type { Batch } from '../../src/journal/journal.js';
import type { KvStore } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { encodeEntry } from '../../src/metadata/entries.js';
import { APPLIED_KEY, ringKey, STATE_RANGE } from '../../src/metadata/keys.js';
import { verifyStore } from '../../src/metadata/verify-store.js';
import { JournaledState, openReplica, type Request, rebatched } from './journaled-state.js';
import { anyRequest } from './requests.js';

const NEVER = new AbortController().signal;

/** Runs what is not refused, a batch after each `perBatch` requests. */
async function journalOf(requests: readonly Request[], perBatch: number, stores = new MemoryStores(), flushRows = 7) {
  const opened = await openReplica(stores, flushRows);
  const journaled = await JournaledState.begin(opened.replica);
  for (const [i, request] of requests.entries()) {
    tryTo(() => journaled.run(request));
    if (i % perBatch === 0) await journaled.seal();
  }
  await journaled.seal();
  return { ...opened, journaled, batches: journaled.batches };
}

it('a state before the first claim: looks are refused as for now, so that clients ask elsewhere', async () => {
  const { replica } = await openReplica(new MemoryStores(), 7);
  expect(() => replica.state.root()).toThrow(expect.objectContaining({ code: 'unavailable' }));
});

function tryTo(fn: () => void): void {
  try {
    fn();
  } catch (error) {
    if (!isError(error) || isError(error, 'corrupt')) throw error;
  }
}

async function stateRows(kv: KvStore): Promise<string[]> {
  const snapshot = kv.snapshot();
  const out: string[] = [];
  for await (const rows of snapshot.rows(STATE_RANGE, 10)) for (const [key, value] of rows) out.push(`${hex(key)}=${hex(value)}`);
  await snapshot.close();
  return out;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function replay(batches: readonly Batch[], stores: MemoryStores, flushRows: number) {
  const opened = await openReplica(stores, flushRows);
  for (const batch of batches) if (batch.firstSn > opened.replica.end.sn) await opened.replica.applyBatch(batch);
  return opened;
}

describe('replay', () => {
  it('the same entries in other batches and flushes: the same rows, byte for byte, and the same digest (I4)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRequest, { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 30 }),
        async (requests, perBatch, flushRows) => {
          const leader = await journalOf(requests, perBatch);
          const standby = await replay(rebatched(leader.batches, perBatch + 2), new MemoryStores(), flushRows);
          const [there, here] = [await leader.replica.writeBehind.digest(), await standby.replica.writeBehind.digest()];
          expect(here).toEqual(there);
          expect(await stateRows(standby.replica.kv)).toEqual(await stateRows(leader.replica.kv));
          const snapshot = standby.replica.kv.snapshot();
          await verifyStore(snapshot, standby.replica.writeBehind.mark, async () => {}, NEVER);
          await snapshot.close();
          await Promise.all([leader.replica.close(), standby.replica.close()]);
          expect([...leader.failures, ...standby.failures]).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a store that lost its newest writes: the rest of the journal makes it the same again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRequest, { minLength: 5, maxLength: 60 }), fc.nat(100), fc.boolean(), async (requests, pick, power) => {
        const stores = new MemoryStores();
        const leader = await journalOf(requests, 3, stores);
        const whole = await replay(leader.batches, new MemoryStores(), 1_000);
        const expected = await whole.replica.writeBehind.digest();
        stores.crash(power ? 'power' : 'killed', (limit) => pick % (limit + 1));
        const again = await replay(leader.batches, stores, 5);
        expect(await again.replica.writeBehind.digest()).toEqual(expected);
        expect(again.failures).toEqual([]);
        await Promise.all([again.replica.close(), whole.replica.close()]);
      }),
      { numRuns: 60 },
    );
  });

  it('pending changes taken back: the state is as it was, whether a generation was frozen meanwhile or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRequest, { maxLength: 30 }),
        fc.array(anyRequest, { maxLength: 30 }),
        fc.boolean(),
        fc.boolean(),
        async (committed, pending, frozen, flushedBefore) => {
          const leader = await journalOf(committed, 4);
          const { state, writeBehind } = leader.replica;
          const expected = await replay(leader.batches, new MemoryStores(), 1_000);
          if (flushedBefore) await writeBehind.digest();
          const at = state.position();
          state.record();
          for (const [i, request] of pending.entries()) {
            tryTo(() => leader.journaled.run(request));
            if (frozen && i === pending.length >> 1) writeBehind.atBatchEnd();
          }
          state.rollBack(at);
          writeBehind.rollBack(at.sn);
          state.stopRecording();
          expect(await writeBehind.digest()).toEqual(await expected.replica.writeBehind.digest());
          expect(await stateRows(leader.replica.kv)).toEqual(await stateRows(expected.replica.kv));
          await Promise.all([leader.replica.close(), expected.replica.close()]);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('damage', () => {
  it('a flush that is missing from the ring: the store is set aside and rebuilt', async () => {
    const stores = new MemoryStores();
    const { replica, journaled } = await journalOf([], 1, stores);
    for (let i = 0; i < 4; i++) {
      journaled.run({ kind: 'createDirectory', body: { path: `/d${i}` } });
      await journaled.seal();
      await replica.writeBehind.digest();
    }
    await replica.kv.write([{ type: 'del', key: ringKey(replica.writeBehind.mark.flush - 1) }]);
    await replica.close();
    const again = await openReplica(stores);
    expect(again.replica.end.sn).toBe(0);
    await again.replica.close();
  });

  it('a row that vanished: found while the master runs', async () => {
    const stores = new MemoryStores();
    const { replica, journaled } = await journalOf([{ kind: 'createFile', body: { path: '/f' } }], 1, stores);
    await replica.writeBehind.digest();
    const id = journaled.replica.state.nextIds().inodeId - 1;
    const key = Buffer.alloc(9);
    key[0] = 0x70;
    key.writeUInt32BE(id, 5);
    expect(replica.kv.get(key)).toBeDefined();
    await replica.kv.write([{ type: 'del', key }]);
    await replica.close();
    const again = await openReplica(stores);
    await expect
      .poll(() => again.failures)
      .toEqual([expect.objectContaining({ code: 'corrupt', message: expect.stringContaining('do not add up') })]);
    await again.replica.close();
  });

  it('a store of another cluster: refused; of another incarnation: rebuilt; a damaged mark: rebuilt', async () => {
    for (const [change, outcome] of [
      [{ clusterId: 'other' }, 'refused'],
      [{ incarnationId: 'second' }, 'rebuilt'],
      ['garbage', 'rebuilt'],
    ] as const) {
      const stores = new MemoryStores();
      const { replica } = await journalOf([], 1, stores);
      await replica.writeBehind.digest();
      if (change === 'garbage') await replica.kv.write([{ type: 'put', key: APPLIED_KEY, value: Buffer.from('ffff', 'hex') }]);
      await replica.close();
      const identity = { clusterId: 'cluster', incarnationId: 'first', ...(change === 'garbage' ? {} : change) };
      const opened = openReplica(stores, 10, identity);
      if (outcome === 'refused')
        await expect(opened).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('another cluster') });
      else {
        const { replica: again } = await opened;
        expect(again.end.sn).toBe(0);
        await again.close();
      }
    }
  });

  it('a digest entry that tells another digest than was taken here: the replica fails', async () => {
    const { replica, journaled, failures } = await journalOf([{ kind: 'createFile', body: { path: '/f' } }], 1);
    journaled.append({ digest: { ofSn: 0 } });
    await journaled.seal();
    await replica.writeBehind.digest();
    const { ofSn, low, high } = replica.writeBehind.boundaries.newest;
    expect(ofSn).toBe(replica.end.sn);
    journaled.append({ digest: { ofSn, low, high } });
    await journaled.seal();
    await replica.writeBehind.digest();
    expect(failures).toEqual([]);
    const second = replica.writeBehind.boundaries.newest;
    journaled.append({ digest: { ...second, low: (second.low ^ 1) >>> 0 } });
    await journaled.seal();
    expect(failures).toEqual([expect.objectContaining({ code: 'corrupt', message: expect.stringContaining("differs from the leader's") })]);
    await replica.close();
  });

  it('a batch that breaks off for want of a row: the replica has failed; one begun from nothing blames the journal', async () => {
    const stores = new MemoryStores();
    const { replica, batches } = await journalOf([{ kind: 'createDirectory', body: { path: '/d' } }], 1, stores);
    await replica.writeBehind.digest();
    const orphan = { completeFile: { parentId: 1, name: 'nowhere' } };
    const next = (entries: Uint8Array[]): Batch => ({ ...batches[0]!, firstSn: (replica.end.sn + 1) as never, entries });
    const broken = next([
      encodeEntry({ createDirectory: { parentId: 1, names: ['e'], inode: { id: 9, directory: true } } }),
      encodeEntry(orphan),
    ]);
    await expect(replica.applyBatch(broken)).rejects.toMatchObject({ code: 'corrupt' });
    await replica.close();
    const again = await openReplica(stores);
    await expect(again.replica.applyBatch(broken)).rejects.toMatchObject({ code: 'unavailable' });
    expect(again.failures).toEqual([expect.objectContaining({ code: 'corrupt' })]);
    await expect(again.replica.applyBatch(broken)).rejects.toMatchObject({ code: 'unavailable' });
    await again.replica.close();
  });

  it('an entry with a field or a kind of a later version: replay stops and says so', async () => {
    const { replica, batches } = await journalOf([], 1);
    const later = (bytes: string): Batch => ({
      ...batches[0]!,
      firstSn: (replica.end.sn + 1) as never,
      entries: [Buffer.from(bytes, 'hex')],
    });
    await expect(replica.applyBatch(later('0801ba3e020801'))).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('needs version'),
    });
    await expect(replica.applyBatch(later('0801520408017801'))).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('needs version'),
    });
    await expect(replica.applyBatch(later('ff'))).rejects.toMatchObject({ code: 'corrupt' });
    await replica.close();
  });
});
