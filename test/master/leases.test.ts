/**
 * Files whose writers are gone, and files that are read: what masters do about them by themselves, whoever leads.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccessTimes } from '../../src/master/access-times.js';
import type { Master } from '../../src/master/master.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import type { Inode } from '../../src/metadata/records.js';
import { Disk, MemoryCluster } from './memory-cluster.js';
import { RawClient } from './raw-client.js';

const soon = { timeout: 10_000, interval: 5 };
const BLOCK = 1_024;
let cluster: MemoryCluster;

beforeEach(() => {
  cluster = new MemoryCluster();
  return () => cluster.close();
});

async function leader(name: string, settings: Partial<MasterSettings>): Promise<Master> {
  const { master } = await cluster.start(name, new Disk(), settings);
  await leads(master);
  return master;
}

/** One that the leader feeds: it takes over at once. */
async function standby(name: string, of: Master, settings: Partial<MasterSettings>): Promise<Master> {
  const { master } = await cluster.start(name, new Disk(), settings);
  await expect.poll(() => of.standbys.list().length, soon).toBe(1);
  return master;
}

const leads = (master: Master) => expect.poll(() => master.leadership !== null && master.role.name, soon).toBe('leading');
const file = (master: Master, name: string) => master.replica?.state.child(1, name) ?? null;
const isComplete = (master: Master, name: string) => expect.poll(() => file(master, name)?.complete, soon);

describe('a file whose writer is gone', () => {
  it('is completed at the length told, by the leader of then, while one that is written on stays open', async () => {
    const settings = { leaseTimeoutMs: 1_000 };
    const first = await leader('a', settings);
    const second = await standby('b', first, settings);
    const [silent, alive] = [await RawClient.register(cluster, 'a'), await RawClient.register(cluster, 'a')];
    await silent.mutate('createFile', { path: '/silent', blockBytes: BLOCK });
    await silent.mutate('addBlocks', { path: '/silent', blocks: 64, length: 3 * BLOCK });
    await alive.mutate('createFile', { path: '/alive', blockBytes: BLOCK });
    await expect.poll(() => second.replica?.isVerified && second.replica.end.sn === first.replica?.end.sn, soon).toBe(true);

    cluster.kill('a');
    await leads(second);
    await alive.goTo('b');
    expect(await alive.refusalOf('addBlocks', { path: '/silent', blocks: 1 })).toMatchObject({ errno: 'EBUSY' });
    await expect
      .poll(async () => {
        await alive.mutate('renewLease', {});
        return file(second, 'silent')?.complete;
      }, soon)
      .toBe(true);
    expect(file(second, 'silent')).toMatchObject({ length: 3 * BLOCK, more: null });
    expect(file(second, 'alive')).toMatchObject({ complete: false, more: { lease: { clientId: alive.clientId } } });

    await silent.goTo('b');
    for (const name of ['addBlocks', 'completeFile'] as const) {
      const refused = await silent.refusalOf(name, { path: '/silent', blocks: 1 });
      expect(refused).toMatchObject({ errno: 'ETXTBSY', message: expect.stringContaining('the file is complete') });
    }
    await silent.mutate('appendFile', { path: '/silent' });
    expect(await alive.refusalOf('completeFile', { path: '/silent' })).toMatchObject({ errno: 'EBUSY' });
  });

  it('whose session has ended: is removed without waiting where that is asked for, unless it was complete before', async () => {
    const master = await leader('a', { leaseTimeoutMs: 8_000, leaseRecovery: 'remove' });
    const writer = await RawClient.register(cluster, 'a');
    await writer.mutate('createFile', { path: '/new' });
    await writer.mutate('createFile', { path: '/appended', completeLength: 5 });
    await writer.mutate('appendFile', { path: '/appended' });
    await writer.closeSession();
    const before = performance.now();
    await isComplete(master, 'appended').toBe(true);
    await expect.poll(() => file(master, 'new'), soon).toBeNull();
    expect(file(master, 'appended')).toMatchObject({ length: 5 });
    expect(performance.now() - before).toBeLessThan(6_000);
  });

  it('stays as it is while the clock cannot be believed', async () => {
    const leaseTimeoutMs = 100;
    const master = await leader('a', { leaseTimeoutMs, clockSkewMaxMs: -1, clientsMax: 100 });
    const silent = await RawClient.register(cluster, 'a');
    await silent.mutate('createFile', { path: '/silent' });
    const before = performance.now();
    // Each of these shows that a whole round has passed.
    for (let round = 0; performance.now() - before < 4 * leaseTimeoutMs; round++) {
      const ended = await RawClient.register(cluster, 'a');
      await ended.mutate('createFile', { path: `/${round}` });
      await ended.closeSession();
      await isComplete(master, String(round)).toBe(true);
    }
    expect(file(master, 'silent')?.complete).toBe(false);
  });

  it('was slow by a time-out that was shortened meanwhile: keeps its lease until it has renewed, and is told the new one', async () => {
    const leaseTimeoutMs = 2_000;
    const master = await leader('a', { leaseTimeoutMs });
    const slow = await RawClient.register(cluster, 'a');
    await slow.mutate('createFile', { path: '/slow' });
    // A leadership that has just begun ends no lease.
    const begunMs = performance.now();
    const pastGate = async () => {
      await slow.mutate('renewLease', {});
      return performance.now() - begunMs;
    };
    await expect.poll(pastGate, soon).toBeGreaterThan(leaseTimeoutMs);
    expect(await slow.mutate('renewLease', {})).toMatchObject({ leaseTimeoutMs });
    const shortenedMs = performance.now();
    Object.assign(master.sessionSettings, { leaseTimeoutMs: 100 });
    await expect.poll(() => performance.now() - shortenedMs, soon).toBeGreaterThan(leaseTimeoutMs / 2);
    expect(file(master, 'slow')?.complete).toBe(false);
    expect(await slow.mutate('renewLease', {})).toMatchObject({ leaseTimeoutMs: 100 });
    await isComplete(master, 'slow').toBe(true);
    expect(performance.now() - shortenedMs).toBeGreaterThan(leaseTimeoutMs);
  });

  it('is completed however many there are, of many clients, in bounded steps', async () => {
    const master = await leader('a', { leaseTimeoutMs: 4_000, clientsMax: 100 });
    const [gone, alive] = [await RawClient.register(cluster, 'a'), await RawClient.register(cluster, 'a')];
    const many = Array.from({ length: 700 }, (_, at) => `/gone-${at}`);
    await Promise.all(many.map((path) => gone.mutate('createFile', { path })));
    await Promise.all(many.map((path) => alive.mutate('createFile', { path: path.replace('gone', 'alive') })));
    const last = await RawClient.register(cluster, 'a');
    await last.mutate('createFile', { path: '/last' });
    for (const client of [gone, last]) await client.closeSession();
    await expect
      .poll(async () => {
        await alive.mutate('renewLease', {});
        return file(master, 'last')?.complete && many.every((path) => file(master, path.slice(1))?.complete);
      }, soon)
      .toBe(true);
    expect(many.every((path) => file(master, path.slice(1).replace('gone', 'alive'))?.complete === false)).toBe(true);
  });
});

describe('addBlocks', () => {
  it('sent again, to the next leader, too: hands out the same blocks', async () => {
    const first = await leader('a', {});
    const second = await standby('b', first, {});
    const writer = await RawClient.register(cluster, 'a');
    await writer.mutate('createFile', { path: '/f' });
    await writer.mutate('addBlocks', { path: '/f', blocks: 10 });
    const answer = await writer.mutate('addBlocks', { path: '/f', blocks: 64 });
    expect(answer.inode?.more?.lease?.blocks).toBe(74);
    expect(await writer.again('addBlocks', { path: '/f', blocks: 64 })).toEqual(answer);
    await expect.poll(() => second.replica?.isVerified && second.replica.end.sn === first.replica?.end.sn, soon).toBe(true);
    cluster.kill('a');
    await leads(second);
    await writer.goTo('b');
    expect(await writer.again('addBlocks', { path: '/f', blocks: 64 })).toEqual(answer);
    expect((await writer.mutate('addBlocks', { path: '/f', blocks: 1 })).inode?.more?.lease?.blocks).toBe(75);
  });
});

describe('access times', () => {
  it('where they are kept: a read moves them, and nothing else of the file', async () => {
    const master = await leader('a', { accessTimePrecisionMs: 10 });
    const reader = await RawClient.register(cluster, 'a');
    await reader.mutate('createFile', { path: '/f', completeLength: 1 });
    const before = file(master, 'f') as Inode;
    await expect
      .poll(async () => {
        await reader.locations('/f');
        return file(master, 'f')?.accessedMs;
      }, soon)
      .toBeGreaterThan(before.accessedMs);
    expect({ ...file(master, 'f'), accessedMs: 0 }).toEqual({ ...before, accessedMs: 0 });
  });

  it('where they are not: a read leaves nothing behind', async () => {
    const master = await leader('a', {});
    const reader = await RawClient.register(cluster, 'a');
    await reader.mutate('createFile', { path: '/f', completeLength: 1 });
    await reader.locations('/f');
    expect(master.accessTimes.noted).toBe(0);
  });

  it('notes: one a file within the precision, so many and no more, each taken once', () => {
    const times = new AccessTimes({ accessTimePrecisionMs: 100 });
    const read = (id: number, accessedMs: number, nowMs: number) => times.note({ id, accessedMs } as Inode, nowMs);
    read(1, 0, 99);
    expect(times.noted).toBe(0);
    read(1, 0, 100);
    read(1, 0, 500);
    read(2, 400, 500);
    expect(times.take(1)).toEqual([{ inodeId: 1, accessedMs: 100 }]);
    expect(times.take(5)).toEqual([{ inodeId: 2, accessedMs: 500 }]);
    for (let id = 1; id <= 70_000; id++) read(id, 0, 1_000);
    expect(times.noted).toBe(65_536);
  });
});
