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
import { decodeEntry, type Entry } from '../../src/metadata/entries.js';
import { ServedNamespace } from '../client/served-namespace.js';
import { waitUntil } from '../servers/wait-until.js';
import { MemoryCluster } from './memory-cluster.js';

/** sn, step, kind, path and the other path. */
type Told = readonly [sn: number, step: number, kind: string, path: string, toPath: string];

let served: ServedNamespace;
afterEach(() => served?.[Symbol.asyncDispose]());

const told = ({ sn, step, kind, path, toPath }: ChangeEvent): Told => [sn, step, kind, path, toPath];

/** All changes that the journal has, in order. */
async function journaled(): Promise<Told[]> {
  const all: Told[] = [];
  const journal = MemoryJournal.open(served.cluster.journal, { name: 'reader' });
  for await (const batch of readCommitted(journal, GENESIS)) {
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

async function start(masters: readonly string[], recentBytesMax: number): Promise<void> {
  served = new ServedNamespace(new MemoryCluster(SESSION_TIMEOUT_MS));
  for (const each of masters) await served.cluster.start(each, undefined, { clientsMax: 100, recentBytesMax });
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
});
