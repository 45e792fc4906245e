/**
 * Whole masters over the memory twins: what becomes of one whose store or journal misbehaves.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { deferred } from '../../src/base/wait.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { findIncumbent } from '../../src/master/incumbent.js';
import type { Master } from '../../src/master/master.js';
import { encodeChild, RETENTION_KEY } from '../../src/metadata/keys.js';
import { operations } from '../../src/metadata/operations.js';
import { errorOf } from '../contract/journal-contract.js';
import { MemoryCluster } from './memory-cluster.js';

let cluster = new MemoryCluster();
afterEach(async () => {
  await cluster.close();
  cluster = new MemoryCluster();
});

const soon = { timeout: 8_000, interval: 5 };
const leads = (master: Master) => expect.poll(() => master.leadership !== null && master.role.name, soon).toBe('leading');
const mkdir = (master: Master, name: string) =>
  master.leadership!.append((state) => ({
    createDirectory: { parentId: 1, names: [name], inode: { id: state.nextIds().inodeId, directory: true } },
  }));
const has = (master: Master, name: string) => master.replica?.state.child(1, name) != null;

describe('a master', () => {
  it('whose disk is full for a moment: goes on with the store it had', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master, disk } = await cluster.start('b');
    await mkdir(leader, 'one');
    await expect.poll(() => has(master, 'one'), soon).toBe(true);
    await master.replica!.writeBehind.digest();
    const flushed = master.replica!.writeBehind.mark.sn;
    disk.failsToWrite = disk.failsToOpen = true;
    await mkdir(leader, 'two');
    await expect.poll(() => master.role.name, soon).toBe('rebuilding');
    await expect.poll(() => master.status().reason, soon).toContain('the disk is full');
    disk.failsToWrite = disk.failsToOpen = false;
    await expect.poll(() => has(master, 'two'), soon).toBe(true);
    expect(disk.asides).toBe(0);
    expect(master.replica!.writeBehind.mark.sn).toBeGreaterThanOrEqual(flushed);
    await expect.poll(() => master.status().reason, soon).toBe('');
  });

  it('asked for what it has before anybody has led: has nothing to show, is none the worse for it, and leads', async () => {
    const claim = deferred<undefined>();
    cluster.journal.intercept = ({ kind }) => (kind === 'take' ? claim.promise : undefined);
    const { master, disk } = await cluster.start('a');
    const { getStatus } = operations;
    const asked = { peer: 'p:1', signal: new AbortController().signal };
    const told = await errorOf(master.calls.call(getStatus, { path: '/', freshness: { stale: true } }, asked));
    expect(told).toMatchObject({ code: 'unavailable', message: expect.stringContaining('no master has led yet') });
    cluster.journal.intercept = undefined;
    claim.resolve(undefined);
    await leads(master);
    expect([disk.asides, master.because]).toEqual([0, 'claimed']);
  });

  it('elected while it lacks much: lets one lead that lacks less', async () => {
    const { master: first } = await cluster.start('a');
    await leads(first);
    for (let count = 0; count < 250; count++) await mkdir(first, `d${count}`);
    await cluster.close();
    const { master: slow } = await cluster.start('slow', undefined, {}, 40);
    await expect.poll(() => slow.role.name, soon).toBe('claiming');
    const { master: fast } = await cluster.start('b');
    await leads(fast);
    expect(slow.replica?.end.sn).toBeLessThan(250);
  });

  it('alone, with a store that damage has changed: never serves it, rebuilds, leads', async () => {
    const { master, disk } = await cluster.start('a');
    await leads(master);
    await mkdir(master, 'one');
    await master.replica!.writeBehind.digest();
    await master.close();
    const store = await disk.open();
    await store.write([{ type: 'del', key: encodeChild(1, 'one') }]);
    await store.close();
    const { master: again } = await cluster.start('a', disk);
    await expect
      .poll(() => {
        expect(again.leadership !== null && !has(again, 'one')).toBe(false);
        return again.role.name;
      }, soon)
      .toBe('leading');
    expect(disk.asides).toBe(1);
  });

  it('whose record of checkpoints is damaged: goes on with what it knows, and begins with a new store when it is opened again', async () => {
    const { master: leader, disk } = await cluster.start('a');
    await leads(leader);
    const { master: standby, disk: other } = await cluster.start('b');
    disk.damaged = other.damaged = RETENTION_KEY;
    await mkdir(leader, 'one');
    await expect.poll(() => has(standby, 'one'), soon).toBe(true);
    expect([leader.role.name, standby.role.name]).toEqual(['leading', 'following']);
    await standby.close();
    const { master: again } = await cluster.start('b', other);
    expect(other.asides).toBe(1);
    await expect.poll(() => has(again, 'one'), soon).toBe(true);
  });

  it('that leads, and whose root is damaged: another one leads, and it begins with a new store', async () => {
    const settings = { inodeCacheMax: 1 };
    const { master: leader, disk } = await cluster.start('a', undefined, settings);
    await leads(leader);
    const { master: standby } = await cluster.start('b', undefined, settings);
    await mkdir(leader, 'one');
    await expect.poll(() => standby.replica!.isVerified && has(standby, 'one'), soon).toBe(true);
    await leader.replica!.writeBehind.digest();
    has(leader, 'one');
    disk.damaged = encodeChild(0, '');
    await leads(standby);
    expect(disk.asides).toBe(1);
    await mkdir(standby, 'two');
    await expect.poll(() => leader.replica !== null && has(leader, 'two'), soon).toBe(true);
  });

  it('that leads with a wrong clock: says so, and is let be all the same by whoever is elected', async () => {
    const { master: leader } = await cluster.start('a', undefined, { clockSkewMaxMs: -1 });
    await leads(leader);
    await expect.poll(() => leader.status().reason, soon).toContain('clock');
    const journal = MemoryJournal.open(cluster.journal, { name: 'b' });
    const deps = { clock: systemClock, log: silentLog, network: cluster.network.host('b'), journal };
    const signal = AbortSignal.timeout(5_000);
    expect(await findIncumbent(deps, { address: 'a:19998', epoch: 1 }, 'b:19998', signal)).toEqual({ address: 'a:19998', epoch: 1 });
  });

  it('elected while its disk stays full: lets another lead, and closes without waiting', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master: ill, disk } = await cluster.start('b');
    const { master: sound } = await cluster.start('c');
    await expect.poll(() => sound.replica!.end.sn, soon).toBe(leader.replica!.end.sn);
    disk.failsToWrite = disk.failsToOpen = true;
    await mkdir(leader, 'x');
    await expect.poll(() => ill.role.name, soon).toBe('rebuilding');
    await leader.close();
    await leads(sound);
    expect(has(sound, 'x')).toBe(true);
    const before = performance.now();
    await ill.close();
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it('restarted as a standby: knows who leads', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master, disk } = await cluster.start('b');
    await mkdir(leader, 'one');
    await expect.poll(() => has(master, 'one'), soon).toBe(true);
    await master.replica!.writeBehind.digest();
    await master.close();
    const { master: again } = await cluster.start('b', disk);
    expect(again.status().leader).toBe('a:19998');
    expect(again.notLeader()).toMatchObject({ code: 'not_leader', leader: 'a:19998' });
  });

  it('killed while it feeds the others: one of them leads long before its session ends, and feeds the last', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const others = [(await cluster.start('b')).master, (await cluster.start('c')).master];
    await expect.poll(() => leader.standbys.list().length, soon).toBe(2);
    await mkdir(leader, 'one');
    const before = performance.now();
    cluster.kill('a');
    await expect.poll(() => others.filter(({ role }) => role.name === 'leading').length, soon).toBe(1);
    expect(performance.now() - before).toBeLessThan(1_000);
    const [next, last] = others[0]!.role.name === 'leading' ? [others[0]!, others[1]!] : [others[1]!, others[0]!];
    await mkdir(next, 'two');
    await expect.poll(() => next.standbys.list().map(({ address }) => address), soon).toEqual([last.rpcAddress]);
    await expect.poll(() => has(last, 'one') && has(last, 'two'), soon).toBe(true);
  });

  it('that stops: the next one leads at once, with everything', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master: standby } = await cluster.start('b');
    const written = mkdir(leader, 'last');
    const before = performance.now();
    await Promise.all([leader.close(), written]);
    await leads(standby);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(has(standby, 'last')).toBe(true);
    expect(standby.replica!.state.epoch).toBe(2);
  });
});
