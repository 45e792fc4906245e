/**
 * Checkpoints of a replica: made at a boundary, loaded by another one, which is the same then, byte for byte, as one that replayed (I4).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isError, UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { NOTHING_RETAINED } from '../../src/journal/checkpoints.js';
import type { KvStore, KvStores } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { makeCheckpoint } from '../../src/master/make-checkpoint.js';
import { encodeChild, LOADING_KEY, STATE_RANGE } from '../../src/metadata/keys.js';
import type { EntryBody } from '../../src/metadata/plan.js';
import type { CheckpointRecord } from '../../src/metadata/records.js';
import { JournaledState, type Opened, openReplica, type Request } from '../metadata/journaled-state.js';
import { anyRequest } from '../metadata/requests.js';
import { StoredCheckpoints } from '../metadata/stored-checkpoints.js';

const NEVER = new AbortController().signal;

class Leader {
  readonly checkpoints = new StoredCheckpoints();
  readonly opened: Opened;
  readonly journaled: JournaledState;
  #turns: Promise<void> = Promise.resolve();

  static async begin(requests: readonly Request[] = []): Promise<Leader> {
    const opened = await openReplica(new MemoryStores(), 7);
    const leader = new Leader(opened, await JournaledState.begin(opened.replica));
    await leader.run(requests);
    return leader;
  }

  private constructor(opened: Opened, journaled: JournaledState) {
    this.opened = opened;
    this.journaled = journaled;
  }

  async run(requests: readonly Request[]): Promise<void> {
    for (const request of requests) {
      await this.#inTurn(() => {
        try {
          this.journaled.run(request);
        } catch (error) {
          if (!isError(error) || isError(error, 'corrupt')) throw error;
        }
      });
    }
  }

  append(body: EntryBody): Promise<void> {
    return this.#inTurn(() => this.journaled.append(body));
  }

  #inTurn(work: () => void): Promise<void> {
    this.#turns = this.#turns.then(() => {
      work();
      return this.journaled.seal();
    });
    return this.#turns;
  }

  /** Makes one, with the entries that a leader journals for it. @param ofSn not 0: the leader's digest is another one. */
  async make({ ofSn = 0, signal = NEVER } = {}): Promise<CheckpointRecord> {
    const { replica } = this.opened;
    const { boundaries } = replica.writeBehind;
    const deps = { clusterId: 'cluster', checkpoints: this.checkpoints, clock: systemClock };
    const made = await makeCheckpoint(
      replica,
      deps,
      (step) => {
        if (step.type === 'written') return;
        const digest = step.type === 'armed' ? boundaries.newest : boundaries.toldOf(step.sn + ofSn);
        void this.append({ digest: digest ?? { ofSn: step.type === 'taken' ? step.sn : 0, low: 1, high: 1 } });
      },
      signal,
    );
    await this.#turns;
    return made;
  }

  /** A master that begins with `stores`, and follows to the end. */
  async follower(stores: KvStores = new MemoryStores()): Promise<Opened> {
    const opened = await openReplica(stores, 5, undefined, this.checkpoints);
    for (const batch of this.journaled.batches) if (batch.firstSn > opened.replica.end.sn) await opened.replica.applyBatch(batch);
    return opened;
  }
}

async function stateRows(kv: KvStore): Promise<string[]> {
  const snapshot = kv.snapshot();
  const out: string[] = [];
  for await (const rows of snapshot.rows(STATE_RANGE, 100)) {
    for (const [key, value] of rows) out.push(`${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`);
  }
  await snapshot.close();
  return out;
}

const someRequests = (count: number): Request[] =>
  Array.from({ length: count }, (_, at) => ({ kind: 'createFile', body: { path: `/d${at % 7}/f${at}`, recursive: true } }));

describe('checkpoint', () => {
  it('loaded by an empty master: the same rows and digest as one that replayed, byte for byte (I4)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRequest, { maxLength: 40 }), fc.array(anyRequest, { maxLength: 10 }), async (before, after) => {
        const leader = await Leader.begin(before);
        const replayed = await leader.follower();
        const made = await leader.make();
        leader.checkpoints.publish(made);
        await leader.append({ retention: { checkpoints: [made] } });
        await leader.run(after);
        const loaded = await leader.follower();
        expect(loaded.replica.isVerified).toBe(true);
        for (const batch of leader.journaled.batches) if (batch.firstSn > replayed.replica.end.sn) await replayed.replica.applyBatch(batch);
        const digests = [leader.opened, replayed, loaded].map(({ replica }) => replica.writeBehind.digest());
        const [there, one, other] = await Promise.all(digests);
        expect([one, other]).toEqual([there, there]);
        const rows = await stateRows(leader.opened.replica.kv);
        expect(await stateRows(replayed.replica.kv)).toEqual(rows);
        expect(await stateRows(loaded.replica.kv)).toEqual(rows);
        expect(loaded.replica.state.position()).toEqual(leader.opened.replica.state.position());
        expect([...leader.opened.failures, ...replayed.failures, ...loaded.failures]).toEqual([]);
        await Promise.all([leader.opened, replayed, loaded].map(({ replica }) => replica.close()));
      }),
      { numRuns: 40 },
    );
  });

  it('while it is made: the replica goes on applying, and the checkpoint is of the boundary', async () => {
    const leader = await Leader.begin(someRequests(50));
    const making = leader.make();
    await leader.run(someRequests(100).slice(50));
    const made = await making;
    expect(made.sn).toBeLessThan(leader.opened.replica.end.sn);
    leader.checkpoints.publish(made);
    const fresh = await openReplica(new MemoryStores(), 5, undefined, leader.checkpoints);
    expect(fresh.replica.end.sn).toBe(made.sn);
    await fresh.replica.close();
    const loaded = await leader.follower();
    expect(await loaded.replica.writeBehind.digest()).toEqual(await leader.opened.replica.writeBehind.digest());
  });

  it('of which the leader journaled another digest: is not stored, and the replica fails', async () => {
    const leader = await Leader.begin(someRequests(10));
    await expect(leader.make({ ofSn: 1 })).rejects.toMatchObject({ code: 'corrupt' });
    expect(leader.checkpoints.files.size).toBe(0);
    expect(leader.opened.failures).toEqual([expect.objectContaining({ message: expect.stringContaining("differs from the leader's") })]);
  });

  it('of a store that lost a row without an error: is not stored, and the replica fails', async () => {
    const leader = await Leader.begin(someRequests(10));
    await leader.opened.replica.writeBehind.digest();
    const [row] = await stateRows(leader.opened.replica.kv);
    await leader.opened.replica.kv.write([{ type: 'del', key: Buffer.from(row?.split('=')[0] ?? '', 'hex') }]);
    await expect(leader.make()).rejects.toMatchObject({ code: 'unavailable', cause: expect.objectContaining({ code: 'corrupt' }) });
    expect(leader.checkpoints.files.size).toBe(0);
    expect(leader.opened.failures).toEqual([expect.objectContaining({ message: expect.stringContaining('do not add up') })]);
  });

  it('given up, or its replica closed: ends at once, and leaves nothing open', async () => {
    const leader = await Leader.begin(someRequests(10));
    const { replica } = leader.opened;
    const giveUp = new AbortController();
    const deps = { clusterId: 'cluster', checkpoints: leader.checkpoints, clock: systemClock };
    const given = makeCheckpoint(replica, deps, () => giveUp.abort(new UnderstudyError('cancelled', 'given up')), giveUp.signal);
    await expect(given).rejects.toMatchObject({ code: 'cancelled' });
    const waiting = makeCheckpoint(replica, deps, () => {}, NEVER);
    const ended = expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await replica.close();
    await ended;
    expect(leader.opened.failures).toEqual([]);
  });
});

describe('an empty master', () => {
  it('and a damaged checkpoint: takes the one before, and says so until the damaged one is given up', async () => {
    const leader = await Leader.begin(someRequests(20));
    const first = await leader.make();
    leader.checkpoints.publish(first);
    await leader.run(someRequests(40));
    const second = await leader.make();
    leader.checkpoints.publish(second);
    leader.checkpoints.damageNewest(0.6);
    await leader.append({ retention: { checkpoints: [second, first] } });
    const fresh = await openReplica(new MemoryStores(), 5, undefined, leader.checkpoints);
    expect(fresh.replica.end.sn).toBe(first.sn);
    await fresh.replica.close();
    const { replica, failures } = await leader.follower();
    expect(replica.trouble).toMatch(
      new RegExp(`a checkpoint cannot be used: sn=${second.sn} reason=the checkpoint is damaged: .* offset=`),
    );
    expect(await replica.writeBehind.digest()).toEqual(await leader.opened.replica.writeBehind.digest());
    const third = await leader.make();
    await leader.append({ retention: { checkpoints: [third] } });
    for (const batch of leader.journaled.batches) if (batch.firstSn > replica.end.sn) await replica.applyBatch(batch);
    expect(replica.trouble).toBe('');
    expect(failures).toEqual([]);
  });

  it('and none that is sound: replays, if the log still begins with the first entry; else says that nothing is left', async () => {
    const leader = await Leader.begin(someRequests(20));
    leader.checkpoints.publish(await leader.make());
    leader.checkpoints.damageNewest(0.3);
    const { replica } = await leader.follower();
    expect(await replica.writeBehind.digest()).toEqual(await leader.opened.replica.writeBehind.digest());
    const stores = new MemoryStores();
    const made = await leader.make();
    leader.checkpoints.publish(made, made);
    leader.checkpoints.damageNewest(0.3);
    await expect(leader.follower(stores)).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringContaining(`tried=2 collectedTo=${made.sn}`),
    });
    leader.checkpoints.damageNewest(0.3);
    expect((await leader.follower(stores)).replica.end).toEqual(leader.opened.replica.end);
  });

  it("whose store lost its mark to damage: sets it aside, so that none of its rows passes for a checkpoint's", async () => {
    const leader = await Leader.begin(someRequests(20));
    leader.checkpoints.publish(await leader.make());
    const stores = new MemoryStores();
    const store = await stores.open();
    await store.write([{ type: 'put', key: encodeChild(1, 'ghost'), value: new Uint8Array(1) }]);
    await store.close();
    const { replica } = await leader.follower(stores);
    await replica.writeBehind.digest();
    expect(await stateRows(replica.kv)).toEqual(await stateRows((await leader.follower()).replica.kv));
  });

  it('whose checkpoint is collected while it looks: looks again', async () => {
    const leader = await Leader.begin(someRequests(20));
    const first = await leader.make();
    leader.checkpoints.publish(first);
    const [stale, second] = [leader.checkpoints.retention, await leader.make()];
    leader.checkpoints.publish(second, second);
    leader.checkpoints.files.delete(Buffer.from(first.id).toString('hex'));
    let looks = 0;
    leader.checkpoints.published = async () => (looks++ === 0 ? stale : leader.checkpoints.retention);
    const { replica } = await openReplica(new MemoryStores(), 5, undefined, leader.checkpoints);
    expect(replica.end.sn).toBe(second.sn);
  });

  it('killed anywhere in a load: clears away what there is, and loads again', async () => {
    const leader = await Leader.begin(someRequests(12_000));
    const older = await leader.make();
    await leader.run([{ kind: 'remove', body: { path: '/d3/f3', recursive: true } }]);
    const newer = await leader.make();
    const publish = (checkpoint: CheckpointRecord) => {
      leader.checkpoints.retention = NOTHING_RETAINED;
      leader.checkpoints.publish(checkpoint);
    };
    publish(older);
    const whole = await leader.follower();
    await whole.replica.writeBehind.digest();
    const expected = await stateRows(whole.replica.kv);
    const counted = new BreakingStores(1_000);
    await (await openReplica(counted, 5, undefined, leader.checkpoints)).replica.close();
    const writesOfLoad = 1_000 - counted.writesLeft;
    expect(writesOfLoad).toBeGreaterThan(4);
    for (let writes = 0; writes < writesOfLoad; writes++) {
      const stores = new BreakingStores(writes);
      publish(older);
      await expect(openReplica(stores, 5, undefined, leader.checkpoints), `after ${writes} writes`).rejects.toThrow('killed');
      stores.writesLeft = Number.POSITIVE_INFINITY;
      // What the broken load brought and this one does not have must not stay.
      publish(newer);
      const { replica, failures } = await leader.follower(stores);
      await replica.writeBehind.digest();
      expect(await stateRows(replica.kv)).toEqual(expected);
      expect([replica.kv.get(LOADING_KEY), failures]).toEqual([undefined, []]);
      await replica.close();
    }
  });
});

/** Stores that take so many writes and then no more. */
class BreakingStores implements KvStores {
  readonly #stores = new MemoryStores();
  writesLeft: number;

  constructor(writesLeft: number) {
    this.writesLeft = writesLeft;
  }

  async open(): Promise<KvStore> {
    const store = await this.#stores.open();
    const write: KvStore['write'] = (operations) => {
      if (this.writesLeft-- <= 0) return Promise.reject(new Error('killed'));
      return store.write(operations);
    };
    return {
      get: (key) => store.get(key),
      snapshot: () => store.snapshot(),
      close: () => store.close(),
      write,
      [Symbol.asyncDispose]: () => store.close(),
    };
  }

  proved(): Promise<void> {
    return this.#stores.proved();
  }

  setAside(): Promise<void> {
    return this.#stores.setAside();
  }
}
