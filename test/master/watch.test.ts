/**
 * The change feed, from masters of the production code: what watchers are told is held against a naive reading of the journal.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ChangeEvent, WatchOptions } from '../../src/client/change-feed.js';
import type { FileSystem } from '../../src/client/file-system.js';
import { GENESIS } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { readCommitted } from '../../src/journal/read-committed.js';
import type { Master } from '../../src/master/master.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import { decodeEntry, type Entry } from '../../src/metadata/entries.js';
import { ServedNamespace } from '../client/served-namespace.js';
import { waitUntil } from '../servers/wait-until.js';
import { Disk, MemoryCluster } from './memory-cluster.js';

/** sn, step, kind, path and the other path. */
type Told = readonly [sn: number, step: number, kind: string, path: string, toPath: string];

let served: ServedNamespace;
afterEach(() => served?.[Symbol.asyncDispose]());

const told = ({ sn, step, kind, path, toPath }: ChangeEvent): Told => [sn, step, kind, path, toPath];

/** All changes that the journal still has, in order. */
async function journaled(): Promise<Told[]> {
  const all: Told[] = [];
  const journal = MemoryJournal.open(served.cluster.journal, { name: 'reader' });
  const { boundary } = await journal.checkpoints.published();
  for await (const batch of readCommitted(journal, boundary?.point ?? GENESIS)) {
    for (const [at, bytes] of batch.entries.entries()) {
      const sn = batch.firstSn + at;
      leaves(decodeEntry(bytes, sn)).forEach((leaf, step) => {
        const [kind = ''] = Object.keys(leaf).filter(
          (key) => !['timeMs', 'clientId', 'callId', 'lowestUnanswered', 'path', 'toPath'].includes(key),
        );
        if (leaf.path) all.push([sn, step, kind, leaf.path, leaf.toPath ?? '']);
      });
    }
  }
  await journal.close();
  return all;
}

function leaves(entry: Entry): Entry[] {
  return entry.group ? (entry.group.entries ?? []).flatMap(leaves) : [entry];
}

/** Told without a word in common with what masters do. */
function isAbout([, , kind, ...places]: Told, path: string): boolean {
  const names = (text: string) => text.split('/').filter((name) => name !== '');
  const begins = (long: string[], short: string[]) => short.every((name, at) => long[at] === name);
  const takesAlong = ['rename', 'remove', 'load', 'unmount'].includes(kind);
  return places.some((place) => place !== '' && (begins(names(place), names(path)) || (takesAlong && begins(names(path), names(place)))));
}

/** Watches until all entries up to `throughSn()` were looked at. */
async function watchUntil(fs: FileSystem, path: string, options: WatchOptions, throughSn: () => number): Promise<Told[]> {
  const events: Told[] = [];
  for await (const batch of fs.watchBatches(path, options)) {
    events.push(...batch.events.map(told));
    if (batch.throughSn >= throughSn()) break;
  }
  return events;
}

const leads = (master: Master) => master.leadership !== null && master.role.name === 'leading';
const leader = () => served.cluster.masters.find(leads);
const endSn = () => Math.max(0, ...served.cluster.masters.map(({ replica }) => replica?.end.sn ?? 0));

const name = fc.constantFrom('a', 'b', 'ab');
const path = fc.array(name, { minLength: 1, maxLength: 3, size: 'max' }).map((names) => `/${names.join('/')}`);
type Act = (fs: FileSystem) => Promise<unknown>;
const change: fc.Arbitrary<Act> = fc.oneof(
  path.map(
    (at): Act =>
      (fs) =>
        fs.createFile(at, { recursive: true, completeLength: 1 }),
  ),
  path.map(
    (at): Act =>
      (fs) =>
        fs.createDirectory(at, { recursive: true, allowExists: true }),
  ),
  fc.tuple(path, path).map(
    ([from, to]): Act =>
      (fs) =>
        fs.rename(from, to, { overwrite: true }),
  ),
  path.map(
    (at): Act =>
      (fs) =>
        fs.remove(at, { recursive: true }),
  ),
  path.map(
    (at): Act =>
      (fs) =>
        fs.setAttributes(at, { mode: 0o700 }),
  ),
  fc.tuple(path, path).map(
    ([one, other]): Act =>
      (fs) =>
        fs.batch().createDirectory(one, { recursive: true, allowExists: true }).remove(other, { recursive: true }).commit(),
  ),
);

async function start(masters: readonly string[], recentBytesMax: number, more: Partial<MasterSettings> = {}): Promise<void> {
  served = new ServedNamespace(new MemoryCluster(SESSION_TIMEOUT_MS));
  for (const each of masters) await served.cluster.start(each, undefined, { clientsMax: 100, recentBytesMax, ...more });
  await waitUntil('one leads', () => leader() !== undefined);
}

const SESSION_TIMEOUT_MS = 300;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const everyMaster = { masters: NAMES.map((each) => `${each}:19998`), callTimeoutMs: 60_000 };

describe('watch', () => {
  it('whatever happens, with leaders dying: exactly the entries about the path, in order, from whichever entry', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { minLength: 5, maxLength: 20 }), { minLength: 3, maxLength: 3 }),
        fc.array(path, { minLength: 2, maxLength: 2 }),
        fc.constantFrom(2_000, 1_000_000),
        async (acts, paths, recentBytesMax) => {
          await start(['a', 'b', 'c'], recentBytesMax);
          const fs = served.client('o', everyMaster);
          let isOver = false;
          const throughSn = () => (isOver ? endSn() : Number.POSITIVE_INFINITY);
          const watched = ['/', ...paths];
          const fromSn = endSn() + 1;
          const watching = watched.map((each) => watchUntil(served.client('o', everyMaster), each, { fromSn }, throughSn));
          for (const [round, part] of acts.entries()) {
            await Promise.all(part.map((act) => act(fs).catch(() => {})));
            if (round === acts.length - 1) continue;
            await waitUntil('one leads', () => leader() !== undefined);
            const dying = leader() as Master;
            const more = Promise.all(acts[round + 1]?.slice(0, 5).map((act) => act(fs).catch(() => {})) ?? []);
            served.cluster.kill(dying.rpcAddress.split(':')[0] ?? '');
            await served.cluster.start(NAMES[3 + round] ?? '', undefined, { clientsMax: 100, recentBytesMax });
            await more;
          }
          await fs.createFile('/last', { overwrite: true, completeLength: 1 });
          isOver = true;
          const events = await Promise.all(watching);
          const all = await journaled();
          for (const [at, each] of watched.entries()) {
            expect(events[at]).toEqual(all.filter((one) => one[0] >= fromSn && isAbout(one, each)));
          }
          const reader = served.client('o', everyMaster);
          const last = endSn();
          for (let from = 1; from <= last; from += 1 + Math.floor(last / 20)) {
            const later = await watchUntil(reader, watched[from % 3] ?? '/', { fromSn: from }, () => last);
            expect(later).toEqual(all.filter((one) => one[0] >= from && one[0] <= last && isAbout(one, watched[from % 3] ?? '/')));
          }
          await served[Symbol.asyncDispose]();
        },
      ),
      { numRuns: 4, endOnFailure: true },
    );
  }, 120_000);

  it('one that takes nothing for long, while memory goes on without it: goes on from the journal, and has all', async () => {
    await start(['a'], 20_000);
    const fs = served.client();
    const folder = `/${Array.from({ length: 8 }, () => 'd'.repeat(200)).join('/')}`;
    const { sn } = await fs.createDirectory(folder, { recursive: true });
    const slow = fs.watchBatches('/', { fromSn: sn + 1 });
    expect((await slow.next()).value?.throughSn).toBeGreaterThanOrEqual(sn);
    const files = 1_500;
    for (let at = 0; at < files; at += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, more) => fs.createFile(`${folder}/${at + more}`, { completeLength: 1 })));
    }
    const last = endSn();
    const events: Told[] = [];
    for await (const batch of slow) {
      events.push(...batch.events.map(told));
      if (batch.throughSn >= last) break;
    }
    expect(events.length).toBe(files);
    expect(events).toEqual((await journaled()).filter(([at]) => at > sn));
  });

  it('what was collected, or is not there yet: out_of_range, which says from where on there is something', async () => {
    await start(['a', 'b'], 2_000, { checkpointPeriodEntries: 30, checkpointsKept: 1, checkpointPeriodMs: 1 });
    const fs = served.client();
    const watch = async (fromSn: number) => {
      for await (const batch of fs.watchBatches('/', { fromSn, timeoutMs: 5_000 })) return batch.throughSn;
      return 0;
    };
    const boundaries = () => served.cluster.masters.map(({ replica }) => replica?.state.retention().boundarySn ?? 0);
    for (let at = 0; Math.min(...boundaries()) < 50; at++) await fs.createFile(`/${at}`, { completeLength: 1 });
    await expect(watch(1)).rejects.toMatchObject({ code: 'out_of_range', message: expect.stringMatching(/from_sn=1 oldest=\d+/) });
    const oldest = Math.max(...boundaries()) + 1;
    const last = endSn();
    const events = await watchUntil(fs, '/', { fromSn: oldest }, () => last);
    expect(events).toEqual((await journaled()).filter(([sn]) => sn >= oldest && sn <= last));
    const alone = leader() as Master;
    const direct = served.client('o', { masters: [alone.rpcAddress] });
    const far = direct.watchBatches('/', { fromSn: endSn() + 1_000_000 }).next();
    await expect(far).rejects.toMatchObject({ code: 'out_of_range' });
  });

  it('one that collection overtakes: is told what there was, then out_of_range, never what lies behind the gap', async () => {
    await start(['a'], 20_000, { checkpointPeriodEntries: 100, checkpointsKept: 1, checkpointPeriodMs: 1 });
    const fs = served.client();
    const folder = `/${Array.from({ length: 8 }, () => 'd'.repeat(200)).join('/')}`;
    const { sn } = await fs.createDirectory(folder, { recursive: true });
    const slow = fs.watchBatches('/', { fromSn: sn + 1 });
    await slow.next();
    const made: { sn: number; path: string }[] = [];
    const boundary = () => leader()?.replica?.state.retention().boundarySn ?? 0;
    while (made.length < 1_500 || boundary() < sn + 1_000) {
      const names = Array.from({ length: 50 }, (_, more) => `${folder}/${made.length + more}`);
      const answers = names.map(async (at) => ({ sn: (await fs.createFile(at, { completeLength: 1 })).sn, path: at }));
      made.push(...(await Promise.all(answers)));
    }
    made.sort((one, other) => one.sn - other.sn);
    const events: { sn: number; path: string }[] = [];
    const reading = (async () => {
      for await (const batch of slow) events.push(...batch.events.map(({ sn: at, path: place }) => ({ sn: at, path: place })));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'out_of_range' });
    expect(events.length).toBeGreaterThan(0);
    expect(events.length).toBeLessThan(made.length);
    expect(events).toEqual(made.slice(0, events.length));
  });

  it('a master that rebuilds its store: the watcher goes on at another one, and nothing is lost or told twice', async () => {
    await start(['a'], 2_000);
    const { master: other, disk } = await served.cluster.start('b', new Disk(), { clientsMax: 100, recentBytesMax: 2_000 });
    const fs = served.client();
    await waitUntil('it follows', () => (other.replica?.end.sn ?? 0) > 0);
    const { sn } = await fs.createDirectory('/d');
    let isOver = false;
    const watcher = served.client('o', { masters: [other.rpcAddress] });
    const watching = watchUntil(watcher, '/', { fromSn: sn }, () => (isOver ? endSn() : Number.POSITIVE_INFINITY));
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 20; at++) await fs.createFile(`/d/${round}-${at}`, { completeLength: 1 });
      disk.failsToWrite = true;
      await fs.createFile(`/d/${round}`, { completeLength: 1 });
      await waitUntil('it rebuilds', () => other.role.name === 'rebuilding');
      disk.failsToWrite = false;
      await waitUntil('it follows again', () => other.role.name === 'following');
    }
    isOver = true;
    expect(await watching).toEqual((await journaled()).filter(([at]) => at >= sn));
  });

  it('whoever may list a directory may watch it; one that is not there, who may list the one above', async () => {
    await start(['a'], 2_000);
    const [fs, bob] = [served.client('o', { umask: 0 }), served.client('bob')];
    const watch = async (client: FileSystem, at: string, options: WatchOptions = {}) => {
      for await (const _ of client.watchBatches(at, { timeoutMs: 5_000, ...options })) return 'told';
      return 'over';
    };
    await fs.createDirectory('/open');
    await fs.createDirectory('/closed', { mode: 0o700 });
    await fs.createDirectory('/traversed', { mode: 0o711 });
    expect(await watch(bob, '/open')).toBe('told');
    expect(await watch(bob, '/open/not/there')).toBe('told');
    for (const refused of ['/closed', '/closed/x', '/traversed', '/traversed/x']) {
      await expect(watch(bob, refused)).rejects.toMatchObject({ code: 'permission_denied', errno: 'EACCES' });
    }
    expect(await watch(fs, '/closed')).toBe('told');
    await expect(watch(bob, 'open')).rejects.toMatchObject({ errno: 'EINVAL' });
    await expect(watch(bob, '/', { cursor: 'none' })).rejects.toMatchObject({ errno: 'ENOENT' });
    await expect(bob.setCursor('c', { path: '/closed' })).rejects.toMatchObject({ errno: 'EACCES' });
  });

  it('of what is below, a watcher is told what happened where it may look; a superuser all', async () => {
    await start(['a'], 2_000);
    const [fs, bob] = [served.client('o', { umask: 0 }), served.client('bob')];
    await fs.createDirectory('/open');
    await fs.createDirectory('/closed', { mode: 0o700 });
    await fs.createDirectory('/closed/open');
    await fs.createFile('/closed/secret', { completeLength: 1 });
    await fs.createFile('/open/f', { completeLength: 1, mode: 0o600 });
    await fs.setXattr('/open/f', 'user.secret', new Uint8Array(1));
    await fs.rename('/closed/secret', '/closed/open/x');
    await fs.rename('/open/f', '/closed/f');
    await fs.rename('/closed/f', '/open/f');
    const all = await watchUntil(fs, '/', { fromSn: 1 }, endSn);
    const seen = await watchUntil(bob, '/', { fromSn: 1 }, endSn);
    const kinds = (events: readonly Told[]) => events.map(([, , kind, at, to]) => `${kind} ${at}${to === '' ? '' : ` ${to}`}`);
    const hidden = [
      'createDirectory /closed/open',
      'createFile /closed/secret',
      'setXattr /open/f',
      'rename /closed/secret /closed/open/x',
    ];
    expect(kinds(seen)).toEqual(kinds(all).filter((one) => !hidden.includes(one)));
    expect(seen.length).toBe(all.length - hidden.length);
  });

  it('by a cursor: behind where it stands, which only goes on; and in one entry with what was done', async () => {
    await start(['a'], 2_000);
    const fs = served.client();
    await fs.setCursor('outbox', { path: '/in' });
    const made = await fs.createDirectory('/in');
    const first = await fs.createFile('/in/1', { completeLength: 1 });
    await fs.createFile('/in/2', { completeLength: 1 });
    const paths = async () => (await watchUntil(fs, '/in', { cursor: 'outbox' }, () => endSn())).map(([, , , at]) => at);
    expect(await paths()).toEqual(['/in', '/in/1', '/in/2']);
    await fs.batch().createFile('/done-1', { completeLength: 0 }).setCursor('outbox', { sn: first.sn }).commit();
    expect(await paths()).toEqual(['/in/2']);
    await fs.setCursor('outbox', { sn: made.sn });
    expect(await fs.listCursors()).toMatchObject([{ name: 'outbox', path: '/in', sn: first.sn }]);
    await expect(fs.setCursor('outbox', { sn: 1_000_000 })).rejects.toMatchObject({ errno: 'EINVAL' });
    await fs.removeCursor('outbox');
    expect(await fs.listCursors()).toEqual([]);
    await expect(fs.setCursor('outbox', { sn: 1 })).rejects.toMatchObject({ errno: 'ENOENT' });
  });

  it('more watchers than a master has room for: the others are sent elsewhere, and its calls go on', async () => {
    await start(['a'], 2_000);
    const fs = served.client();
    const watchers = Array.from({ length: 256 }, () => fs.watchBatches('/'));
    await Promise.all(watchers.map((watcher) => watcher.next()));
    const late = fs.watchBatches('/', { timeoutMs: 300 }).next();
    await expect(late).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('too many watchers') });
    const next = watchers.map((watcher) => watcher.next());
    const { sn } = await fs.createFile('/f', { completeLength: 1 });
    for (const each of await Promise.all(next)) expect(each.value?.events[0]?.sn).toBe(sn);
    await Promise.all(watchers.map((watcher) => watcher.return()));
    expect((await fs.watchBatches('/').next()).done).toBe(false);
  });
});
