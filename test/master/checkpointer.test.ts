/**
 * When checkpoints are made, by whom, and what becomes of a maker that does not do its part: whole masters over the memory twins.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { CheckpointMaker } from '../../src/master/checkpoint-maker.js';
import { Checkpointer } from '../../src/master/checkpointer.js';
import type { MakeStep } from '../../src/master/make-checkpoint.js';
import type { Master } from '../../src/master/master.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import { waitUntil } from '../servers/wait-until.js';
import { MemoryCluster } from './memory-cluster.js';

let cluster = new MemoryCluster();
afterEach(async () => {
  await cluster.close();
  cluster = new MemoryCluster();
});

const soon = { timeout: 8_000, interval: 5 };
const begin = async (settings: Partial<MasterSettings> = {}, names = ['a']) => {
  const masters: Master[] = [];
  for (const name of names) {
    masters.push((await cluster.start(name, undefined, settings)).master);
    if (masters.length === 1) await expect.poll(() => masters[0]?.leadership !== null && masters[0]?.role.name, soon).toBe('leading');
  }
  const leader = masters[0] as Master;
  await expect.poll(() => leader.standbys.list().length, soon).toBe(names.length - 1);
  return { leader, masters };
};
let made = 0;
const mkdir = (master: Master) =>
  master.leadership!.append((state) => ({
    createDirectory: { parentId: 1, names: [`d${++made}`], inode: { id: state.nextIds().inodeId, directory: true } },
  }));
const kept = (master: Master) => master.replica?.state.retention().checkpoints.map(({ sn }) => sn) ?? [];
const NEVER = { checkpointPeriodEntries: 1e9, checkpointPeriodBytes: 1e12, checkpointPeriodMs: 1e9 };

describe('checkpoints come', () => {
  it.each([
    ['after so many entries', { ...NEVER, checkpointPeriodEntries: 30 }],
    ['after so many bytes', { ...NEVER, checkpointPeriodBytes: 4_000 }],
    ['after so long', { ...NEVER, checkpointPeriodMs: 1_500 }],
  ])('%s', async (_, settings) => {
    const { leader } = await begin(settings);
    for (let i = 0; i < 30; i++) await mkdir(leader);
    const { sn } = leader.replica!.end;
    await expect.poll(() => kept(leader).length, soon).toBe(1);
    expect(kept(leader)[0]).toBeGreaterThan(sn);
  });

  it('not where nothing has changed, however long ago the last one was', async () => {
    const { leader } = await begin({ ...NEVER, checkpointPeriodMs: 1 });
    await expect.poll(() => kept(leader).length, soon).toBe(1);
    // The entry that publishes it is the last one.
    const { sn } = leader.replica!.state;
    const before = performance.now();
    await expect.poll(() => performance.now() - before > 1_500, soon).toBe(true);
    expect([kept(leader).length, leader.replica!.end.sn]).toEqual([1, sn]);
  });

  it('switched off: only when they are asked for, and each request gets what holds all that was there', async () => {
    const { leader } = await begin({ checkpointsEnabled: false, checkpointPeriodEntries: 1 });
    await mkdir(leader);
    const asked = [];
    for (let i = 0; i < 4; i++) {
      await mkdir(leader);
      const { sn } = leader.replica!.end;
      asked.push(leader.serving!.checkpointer.checkpoint().then(({ newest }) => expect(newest.sn).toBeGreaterThanOrEqual(sn)));
    }
    await Promise.all(asked);
    const count = kept(leader).length;
    expect(await leader.serving!.checkpointer.checkpoint()).toMatchObject({ made: null });
    expect(kept(leader).length).toBe(count);
  });
});

describe('a checkpoint', () => {
  it('is made by a standby, the nearest first; one that cannot is passed over, at last for the leader itself', async () => {
    const { leader, masters } = await begin(NEVER, ['a', 'b', 'c']);
    await mkdir(leader);
    const { made: first } = await leader.serving!.checkpointer.checkpoint();
    expect(['b:19998', 'c:19998']).toContain(first?.maker);
    // Both are busy with one that never gets its boundary.
    for (const master of masters.slice(1)) master.maker.make(master.replica!, () => {}, new AbortController().signal).catch(() => {});
    await mkdir(leader);
    const { made: second, newest } = await leader.serving!.checkpointer.checkpoint();
    expect(second?.maker).toBe('a:19998');
    for (const master of masters) await expect.poll(() => kept(master)[0], soon).toBe(newest.sn);
  });

  it('is not made by an observer', async () => {
    const { leader } = await begin(NEVER);
    await cluster.start('b', undefined, { isObserver: true });
    await expect.poll(() => leader.standbys.list().length, soon).toBe(1);
    await mkdir(leader);
    expect((await leader.serving!.checkpointer.checkpoint()).made?.maker).toBe('a:19998');
  });

  it('begun by a leader that ends: is given up; the next one tells the journal what is kept, and a new master begins there', async () => {
    const { leader, masters } = await begin({ ...NEVER, checkpointsKept: 1 }, ['a', 'b']);
    for (let i = 0; i < 20; i++) await mkdir(leader);
    const { newest } = await leader.serving!.checkpointer.checkpoint();
    const asked = Promise.allSettled([mkdir(leader), leader.serving!.checkpointer.checkpoint(), leader.serving!.checkpointer.checkpoint()]);
    await leader.close();
    await asked;
    const next = masters[1] as Master;
    await expect.poll(() => next.leadership !== null && next.role.name, soon).toBe('leading');
    expect(kept(next)[0]).toBeGreaterThanOrEqual(newest.sn);
    const { master: fresh } = await cluster.start('c');
    expect(fresh.replica!.end.sn).toBeGreaterThanOrEqual(newest.sn);
    await expect.poll(() => fresh.replica!.end.sn, soon).toBe(next.replica!.end.sn);
    expect((await fresh.replica!.writeBehind.digest()).digest).toEqual((await next.replica!.writeBehind.digest()).digest);
  });

  it('stored sooner than the leader has looked at its own digest: is compared with that all the same', async () => {
    const { leader } = await begin(NEVER);
    const { replica, leadership } = leader;
    const { boundaries } = replica!.writeBehind;
    await leadership!.append(() => ({ digest: boundaries.newest }));
    await expect.poll(() => boundaries.newest.ofSn, soon).toBe(replica!.end.sn);
    const { epoch, hash, sn } = boundaries.markAt(replica!.end.sn)!;
    const make = async (_: unknown, told: (step: MakeStep) => void) => {
      told({ type: 'taken', sn: sn as never });
      return { sn, hash, epoch, id: new Uint8Array(16), bytes: 1, madeMs: 0 };
    };
    const deps = {
      replica: replica!,
      leadership: leadership!,
      maker: { make } as unknown as CheckpointMaker,
      ownAddress: leader.rpcAddress,
    };
    const others = { standbys: () => [], network: cluster.network.host('a'), clock: systemClock, log: silentLog };
    const quick = new Checkpointer({ checkpointsEnabled: false, checkpointsKept: 2, ...NEVER }, { ...deps, ...others });
    expect((await quick.checkpoint()).newest.sn).toBe(sn);
  });

  it('of a boundary before the newest one: is not published, as what it needs may be collected', async () => {
    const { leader } = await begin(NEVER);
    const { replica, leadership } = leader;
    const { boundaries } = replica!.writeBehind;
    await leadership!.append(() => ({ digest: boundaries.newest }));
    await expect.poll(() => boundaries.newest.ofSn, soon).toBe(replica!.end.sn);
    const { epoch, hash, sn } = boundaries.markAt(replica!.end.sn)!;
    await mkdir(leader);
    const { newest } = await leader.serving!.checkpointer.checkpoint();
    expect(newest.sn).toBeGreaterThan(sn);
    // A standby that is behind, asked for the next one, flushes an older boundary first.
    const make = async (_: unknown, told: (step: MakeStep) => void, signal: AbortSignal) => {
      const before = replica!.end.sn;
      told({ type: 'taken', sn: sn as never });
      await waitUntil('the leader has answered', () => signal.aborted || replica!.end.sn > before);
      return { sn, hash, epoch, id: new Uint8Array(16), bytes: 1, madeMs: 0 };
    };
    await mkdir(leader);
    const deps = {
      replica: replica!,
      leadership: leadership!,
      maker: { make } as unknown as CheckpointMaker,
      ownAddress: leader.rpcAddress,
    };
    const others = { standbys: () => [], network: cluster.network.host('a'), clock: systemClock, log: silentLog };
    const lagging = new Checkpointer({ checkpointsEnabled: false, checkpointsKept: 1, ...NEVER }, { ...deps, ...others });
    await expect(lagging.checkpoint()).rejects.toMatchObject({ code: 'aborted' });
    expect(kept(leader)).toEqual([newest.sn]);
  });
});
