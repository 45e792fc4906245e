/** Copies, backups and restores of journals, from and to every kind of storage. */
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { BackupFolder, beginBackup, clearBackup, publishBackup, writeBackup } from '../../src/journal/backup-folder.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { DirectorySurvey } from '../../src/journal/directory-survey.js';
import { type FormatOptions, formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import { type Batch, endOf, GENESIS, type Journal } from '../../src/journal/journal.js';
import type { JournalContents } from '../../src/journal/journal-contents.js';
import type { JournalSurvey } from '../../src/journal/journal-survey.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { ObjectSurvey } from '../../src/journal/object-survey.js';
import { readCommitted } from '../../src/journal/read-committed.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { CheckpointReader } from '../../src/metadata/checkpoint-reader.js';
import { type Digest, digestText } from '../../src/metadata/digest.js';
import { decodeEntry } from '../../src/metadata/entries.js';
import { contentsOf, type Extent, takeContents } from '../../src/metadata/journal-contents-of.js';
import { replayContents } from '../../src/metadata/replay-contents.js';
import { type Restore, RestoredContents, type Until } from '../../src/metadata/restored-contents.js';
import { type JournalProblem, type Verdict, verifyJournal } from '../../src/metadata/verify-journal.js';
import { errorOf } from '../contract/journal-contract.js';
import { digestOfReplay, LedJournal } from './led-journal.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };

/** Somewhere a journal can be. */
interface Site {
  format(options?: FormatOptions): Promise<unknown>;
  open(): Promise<Journal>;
  survey(): Promise<JournalSurvey>;
}

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'understudy-copies-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const SITES: Record<string, (name: string, latencyMs?: number) => Site> = {
  directory(name) {
    const settings = {
      folder: path.join(root, name),
      segmentBytes: 16 << 10,
      batchBytesMax: 4 << 10,
      pollIntervalMs: 1,
      freeBytesReserve: 0,
    };
    return {
      format: (options) => formatDirectoryJournal(settings, deps, options),
      open: () => DirectoryJournal.open(settings, deps),
      survey: () => DirectorySurvey.open(settings, deps),
    };
  },
  objects(_name, latencyMs = 0) {
    const objects = new MemoryObjects({ clock: systemClock, latencyMs });
    const settings = { batchBytesMax: 4 << 10, pollIntervalMs: 1, giveUpMs: 2_000 };
    return {
      format: (options) => formatObjectJournal(settings, { ...deps, store: objects.open() }, options),
      open: () => ObjectJournal.open(settings, { ...deps, store: objects.open() }),
      survey: () => ObjectSurvey.open(settings, { ...deps, store: objects.open() }),
    };
  },
};
const KINDS = Object.keys(SITES);
const at = (kind: string, name: string): Site => SITES[kind]!(name);

async function verified(site: Site): Promise<{ verdict: Verdict; problems: JournalProblem[] }> {
  await using survey = await site.survey();
  await using journal = await site.open();
  const problems: JournalProblem[] = [];
  const openStore = () => new MemoryStores().open();
  const problem = (found: JournalProblem) => void problems.push(found);
  return {
    verdict: await verifyJournal({ survey, checkpoints: journal.checkpoints, identity: journal, clock: systemClock, openStore, problem }),
    problems,
  };
}

async function copy(from: Site, to: Site, extent: Extent = 'everything'): Promise<void> {
  await using source = await from.open();
  await takeContents(source, extent, (contents) => to.format({ contents }));
}

async function batchesOf(site: Site, from = GENESIS): Promise<Batch[]> {
  await using journal = await site.open();
  const batches = [];
  for await (const batch of readCommitted(journal, from)) batches.push(batch);
  return batches;
}

/** Two epochs, several batches in each; with `kept`, checkpoints, of which older ones have been collected. */
async function story(site: Site, kept = 0): Promise<Map<number, Digest>> {
  await site.format();
  const digests = new Map<number, Digest>();
  for (const name of ['/a', '/b', '/c']) {
    await using journal = await site.open();
    await using leader = await LedJournal.claim(journal);
    await leader.files(name, 12);
    if (kept > 0) await leader.checkpoint(kept);
    await leader.files(`${name}/more`, 5);
    leader.run({ kind: 'createFile', body: { path: `${name}/x`, recursive: false } });
    leader.append({ registerClient: { clientId: digests.size + 1 } });
    leader.append({ registerClient: { clientId: digests.size + 2 } });
    await leader.commit();
    for (const [sn, digest] of leader.digests) digests.set(sn, digest);
  }
  return digests;
}

for (const from of KINDS) {
  for (const to of KINDS) {
    describe(`copy: from ${from} to ${to}`, () => {
      test('of all that was ever written: the same chain, and masters lead on it', async () => {
        const [source, target] = [at(from, 'source'), at(to, 'target')];
        await story(source);
        await copy(source, target);
        const batches = await batchesOf(target);
        expect(batches.map(({ hash }) => hash)).toEqual((await batchesOf(source)).map(({ hash }) => hash));
        expect(await verified(target)).toMatchObject({ problems: [], verdict: { fromSn: 0 } });
        {
          await using journal = await target.open();
          await using leader = await LedJournal.claim(journal);
          expect(leader.writer.epoch).toBe(4);
          await leader.files('/d', 3);
        }
        expect(await verified(target)).toMatchObject({ problems: [] });
        await using original = await source.open();
        await using copied = await target.open();
        expect(copied.clusterId).toBe(original.clusterId);
        expect(copied.incarnationId).not.toBe(original.incarnationId);
      });

      test('of one that was collected: the checkpoints that the log names, and what is behind the oldest', async () => {
        const [source, target] = [at(from, 'source'), at(to, 'target')];
        await story(source, 2);
        await copy(source, target);
        const [original, copied] = [await verified(source), await verified(target)];
        expect(copied.problems).toEqual([]);
        expect(copied.verdict).toMatchObject({ checkpoints: 2, fromSn: original.verdict.fromSn, endSn: original.verdict.endSn });
        expect(copied.verdict.fromSn).toBeGreaterThan(0);
        await using journal = await target.open();
        const retention = await journal.checkpoints.published();
        expect(retention.checkpoints).toHaveLength(2);
        // Who has nothing is told to begin with a checkpoint.
        expect(await errorOf(batchesOf(target))).toMatchObject({ code: 'out_of_range' });
        await using reader = await CheckpointReader.open(journal.checkpoints.read(retention.checkpoints[0]!));
        const { sn, hash } = reader.head;
        const behind = await batchesOf(target, { sn: sn as never, hash });
        expect(endOf(behind.at(-1)!).sn).toBe(original.verdict.endSn);
        const state = (await copiedState(target)).digest;
        expect(state).toEqual((await copiedState(source)).digest);
      });
    });
  }
}

test('contents that end before what they have to hold: refused, not taken for all of it', async () => {
  const source = at('directory', 'source');
  await story(source);
  await using journal = await source.open();
  await using survey = await source.survey();
  const { committedSn } = await survey.summary();
  const contents = await contentsOf(journal, 'everything', { toSn: committedSn + 1 });
  const reading = (async () => {
    for await (const _ of contents.batches());
  })();
  expect(await errorOf(reading)).toMatchObject({ code: 'unavailable', message: expect.stringContaining(`sn=${committedSn}`) });
});

async function copiedState(site: Site) {
  await using journal = await site.open();
  const contents = await contentsOf(journal, 'newest checkpoint');
  return await replayContents(contents, { kv: await new MemoryStores().open(), clock: systemClock });
}

async function backup(site: Site, folder = path.join(root, 'backup')): Promise<BackupFolder> {
  await using journal = await site.open();
  await beginBackup(folder);
  const draft = await takeContents(
    journal,
    'newest checkpoint',
    async (contents) => {
      await clearBackup(folder);
      return writeBackup(folder, contents, { incarnationId: journal.incarnationId, epochHighest: 3 });
    },
    async () => {
      await using survey = await site.survey();
      return { toSn: (await survey.summary()).committedSn };
    },
  );
  await publishBackup(folder, { ...draft, digest: null, madeMs: 1 });
  return BackupFolder.open(folder);
}

async function restoring(taken: BackupFolder, until: Until): Promise<RestoredContents> {
  const [ref] = (await taken.retention()).checkpoints;
  let checkpoint: Restore['checkpoint'] = null;
  if (ref !== undefined) {
    await using reader = await CheckpointReader.open(taken.checkpoint(ref));
    checkpoint = { head: reader.head, id: ref.id, bytes: await taken.checkpointBytes(ref) };
  }
  const claim = { host: '', owner: 'root', group: 'wheel' };
  const writerId = systemRandom.bytes(16);
  return new RestoredContents(taken, { until, epochHighest: taken.manifest.epochHighest, claim, nowMs: 5, writerId, checkpoint });
}

for (const kind of KINDS) {
  describe(`backup and restore: ${kind}`, () => {
    test('to the end: the same state, then a claim and what is kept; masters lead in a higher epoch', async () => {
      const [source, target] = [at(kind, 'source'), at(kind, 'target')];
      await story(source, 2);
      const taken = await backup(source);
      await taken.check();
      expect(taken.manifest.checkpoint).not.toBeNull();
      await target.format({ contents: await restoring(taken, 'end') });
      const { verdict, problems } = await verified(target);
      expect(problems).toEqual([]);
      expect(verdict).toMatchObject({ checkpoints: 1, fromSn: taken.manifest.from.sn, endSn: taken.manifest.to.sn + 2 });
      const last = await batchesOf(target, { sn: taken.manifest.to.sn as never, hash: Buffer.from(taken.manifest.to.hash, 'hex') });
      expect(last.map(({ epoch, entries, firstSn }) => [epoch, Object.keys(decodeEntry(entries[0]!, firstSn))])).toEqual([
        [4, expect.arrayContaining(['claim'])],
        [4, expect.arrayContaining(['retention'])],
      ]);
      await using journal = await target.open();
      const writer = await journal.claim({
        from: endOf(last.at(-1)!),
        entry: () => ({ bytes: Buffer.from('claim'), timeMs: 9 }),
        deliver: () => undefined,
      });
      expect(writer.epoch).toBe(5);
    });

    test('until any entry: exactly the state that the journal had then', async () => {
      const source = at(kind, 'source');
      await story(source);
      const taken = await backup(source);
      expect(taken.manifest.from.sn).toBe(0);
      const { sn: end } = taken.manifest.to;
      await using original = await source.open();
      for (const sn of [1, 2, 14, end - 1, end - 2, end]) {
        const target = at(kind, `target-${sn}`);
        const contents = await restoring(taken, { sn });
        await target.format({ contents });
        expect(contents.restoredSn).toBe(sn);
        await using restored = await target.open();
        expect(digestText(await digestOfReplay(restored, sn)), `sn=${sn}`).toBe(digestText(await digestOfReplay(original, sn)));
        expect(await verified(target)).toMatchObject({ problems: [], verdict: { endSn: sn + 2 } });
      }
    });

    test('until a time: all that is not later', async () => {
      const source = at(kind, 'source');
      await story(source);
      const taken = await backup(source);
      const entries = (await batchesOf(source)).flatMap((batch) => batch.entries.map((bytes, i) => decodeEntry(bytes, batch.firstSn + i)));
      const timeMs = entries[20]!.timeMs;
      const contents = await restoring(taken, { timeMs });
      await at(kind, 'target').format({ contents });
      expect(contents.restoredSn).toBe(entries.findLastIndex((entry) => entry.timeMs <= timeMs) + 1);
    });

    test('until what the backup does not hold: refused, and nothing is left', async () => {
      const source = at(kind, 'source');
      await story(source, 2);
      const taken = await backup(source);
      const target = at(kind, 'target');
      for (const sn of [taken.manifest.from.sn - 1, taken.manifest.to.sn + 1]) {
        const contents = await restoring(taken, { sn });
        expect(await errorOf(target.format({ contents }) as Promise<unknown>)).toMatchObject({ code: 'out_of_range' });
      }
      await target.format({ contents: await restoring(taken, { sn: taken.manifest.from.sn }) });
      expect(await verified(target)).toMatchObject({ problems: [], verdict: { checkpoints: 1 } });
    });

    test('while a leader writes, checkpoints and collects: whole', async () => {
      const source = SITES[kind]!('source', 1); // without it a store in memory answers before any timer
      await source.format();
      await using journal = await source.open();
      await using leader = await LedJournal.claim(journal);
      await leader.files('/begin', 5);
      await leader.checkpoint(2);
      let isDone = false;
      const busy = (async () => {
        for (let i = 0; !isDone; i++) {
          await leader.files(`/d${i}`, 25);
          await leader.checkpoint(2);
        }
      })();
      for (let i = 0; i < 3; i++) {
        const taken = await backup(source, path.join(root, `live-${i}`));
        await taken.check();
        const { sn, digest } = await replayContents(taken, { kv: await new MemoryStores().open(), clock: systemClock });
        expect(digest).toEqual(leader.digests.get(sn));
      }
      isDone = true;
      await busy;
    });
  });
}

const check = async (folder: string) => (await BackupFolder.open(folder)).check();

describe('backup: damaged', () => {
  test('a bit in any of its files, a file that is missing, a MANIFEST that is not there: refused', async () => {
    const source = at('directory', 'source');
    await story(source, 2);
    const folder = path.join(root, 'backup');
    await backup(source, folder);
    for (const name of await readdir(folder)) {
      const whole = await readFile(path.join(folder, name));
      const bad = Buffer.from(whole);
      bad[bad.length >> 1]! ^= 1;
      await writeFile(path.join(folder, name), bad);
      expect(await errorOf(check(folder)), name).toMatchObject({ code: 'corrupt' });
      await writeFile(path.join(folder, name), whole.subarray(0, whole.length - 1));
      expect(await errorOf(check(folder)), name).toMatchObject({ code: 'corrupt' });
      await rm(path.join(folder, name));
      const code = name === 'MANIFEST' ? 'failed_precondition' : 'corrupt';
      expect(await errorOf(check(folder)), name).toMatchObject({ code });
      await writeFile(path.join(folder, name), whole);
    }
    await (await BackupFolder.open(folder)).check();
  });

  test('a folder that holds something: refused', async () => {
    await (await open(path.join(root, 'mine'), 'w')).close();
    expect(await errorOf(beginBackup(root))).toMatchObject({ code: 'already_exists' });
  });
});

test('copy: overtaken by collection, begins again; at last it says so', async () => {
  const source = at('directory', 'source');
  await story(source);
  await using journal = await source.open();
  const begun: number[] = [];
  const overtaken = new UnderstudyError('out_of_range', 'what follows has been collected');
  const take = (times: number) => async (contents: JournalContents) => {
    if (begun.push(contents.begin.point.sn) < times) throw overtaken;
    return begun.length;
  };
  expect(await takeContents(journal, 'everything', take(3))).toBe(3);
  expect(await errorOf(takeContents(journal, 'everything', take(100)))).toBe(overtaken);
});
