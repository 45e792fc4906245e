/** Forks: of every entry that can be reached, from and to every kind of storage; what they are from then on; what is refused. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { DirectorySurvey } from '../../src/journal/directory-survey.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { GENESIS } from '../../src/journal/journal.js';
import type { JournalContents } from '../../src/journal/journal-contents.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { sameDigest } from '../../src/metadata/digest.js';
import { dumpEntries } from '../../src/metadata/dump-entries.js';
import { forkState } from '../../src/metadata/forked-contents.js';
import { pairKey } from '../../src/metadata/keys.js';
import { stateAt } from '../../src/metadata/state-at.js';
import { type JournalProblem, verifyJournal } from '../../src/metadata/verify-journal.js';
import { waitUntil } from '../servers/wait-until.js';
import { Calls, type MutationName } from './calls.js';
import { JournaledState, openReplica } from './journaled-state.js';
import { digestOfReplay, LedJournal } from './led-journal.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const CLAIM = { host: 'fork@here', owner: 'root', group: 'wheel' };
const openStore = () => new MemoryStores().open();

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'understudy-fork-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const settingsOf = (name: string) => {
  const limits = { segmentBytes: 16 << 10, batchBytesMax: 4 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
  return { folder: path.join(root, name), ...limits };
};
const open = (name: string) => DirectoryJournal.open(settingsOf(name), deps);

async function keep(chunks: AsyncIterable<Uint8Array>) {
  const kept: Uint8Array[] = [];
  for await (const chunk of chunks) kept.push(chunk);
  async function* read() {
    yield* kept;
  }
  return { bytes: Buffer.concat(kept).length, read };
}

/** A writer's marks come a little later than its commits, and others read up to the marks. */
async function known(name: string, sn: number): Promise<void> {
  await using survey = await DirectorySurvey.open(settingsOf(name), deps);
  await waitUntil(`entry ${sn} of ${name} is known to be committed`, async () => (await survey.summary()).committedSn >= sn);
}

async function forkedAt(from: string, sn: number): Promise<JournalContents> {
  await known(from, sn);
  await using journal = await open(from);
  const state = await stateAt(journal, sn, { clock: systemClock, openStore });
  expect(state.mark.sn).toBe(sn);
  return await forkState(journal.clusterId, state, { ...deps, claim: CLAIM, keep });
}

async function problemsOf(name: string): Promise<JournalProblem[]> {
  await using survey = await DirectorySurvey.open(settingsOf(name), deps);
  await using journal = await open(name);
  const problems: JournalProblem[] = [];
  const { checkpoints } = journal;
  await verifyJournal({
    survey,
    checkpoints,
    identity: journal,
    clock: systemClock,
    openStore,
    problem: (found) => void problems.push(found),
  });
  return problems;
}

it('the state at any entry: that which its leader had; a batch that goes on behind it is cut', async () => {
  await formatDirectoryJournal(settingsOf('source'), deps);
  await using journal = await open('source');
  await using leader = await LedJournal.claim(journal);
  await leader.files('/a', 7);
  await leader.checkpoint(2);
  await leader.files('/b', 7);
  await known('source', leader.sn);
  for (const [sn, digest] of leader.digests) {
    const { mark } = await stateAt(journal, sn, { clock: systemClock, openStore });
    expect(sameDigest(mark.digest, digest)).toBe(true);
  }
  for (const clientId of [1, 2, 3]) leader.append({ registerClient: { clientId } });
  await leader.commit();
  await known('source', leader.sn);
  const inside = leader.sn - 1;
  const { mark } = await stateAt(journal, inside, { clock: systemClock, openStore });
  expect(mark.sn).toBe(inside);
  expect(sameDigest(mark.digest, await digestOfReplay(journal, inside))).toBe(true);
});

it('what was collected, and what is yet to come, cannot be forked', async () => {
  await formatDirectoryJournal(settingsOf('source'), deps);
  await using journal = await open('source');
  await using leader = await LedJournal.claim(journal);
  await leader.files('/a', 40);
  await leader.checkpoint(1);
  const oldest = await leader.checkpoint(1);
  await known('source', leader.sn);
  const refusal = (sn: number) => stateAt(journal, sn, { clock: systemClock, openStore }).then(() => 'done', String);
  expect(await refusal(oldest.sn - 1)).toContain(
    `what this entry stands on was collected: take a later one: sn=${oldest.sn - 1} oldest=${oldest.sn}`,
  );
  expect(await refusal(oldest.sn)).toBe('done');
  expect(await refusal(leader.sn)).toBe('done');
  expect(await refusal(leader.sn + 1)).toContain(`the journal ends earlier: sn=${leader.sn + 1} end=${leader.sn}`);
});

it('a fork: is sound, says what it is of, has the feature, and can be led and forked in turn', async () => {
  await formatDirectoryJournal(settingsOf('first'), deps);
  await using journal = await open('first');
  await using leader = await LedJournal.claim(journal);
  await leader.files('/a', 3);
  let origin = { name: 'first', clusterId: journal.clusterId, sn: leader.sn };
  for (const name of ['second', 'third']) {
    const made = await formatDirectoryJournal(settingsOf(name), deps, { contents: await forkedAt(origin.name, origin.sn) });
    expect(made).toMatchObject({ forkedFrom: `${origin.clusterId}@${origin.sn}` });
    expect(made.clusterId).not.toBe(origin.clusterId);
    expect(await problemsOf(name)).toEqual([]);
    await using survey = await DirectorySurvey.open(settingsOf(name), deps);
    const { forkedFrom, committedSn, boundary } = await survey.summary();
    const own = name === 'second' ? ['claim', 'enableFeatures', 'fork', 'retention'] : ['claim', 'fork', 'retention'];
    expect({ forkedFrom, committedSn, boundary: boundary?.sn }).toEqual({
      forkedFrom: `${origin.clusterId}@${origin.sn}`,
      committedSn: origin.sn + own.length,
      boundary: origin.sn,
    });
    await using forked = await open(name);
    const kinds: string[] = [];
    for await (const { kind } of dumpEntries(forked, {
      from: (await forked.checkpoints.published()).boundary?.point ?? GENESIS,
      fromSn: 1,
      toSn: 1_000,
    }))
      kinds.push(kind);
    expect(kinds).toEqual(own);
    await using next = await LedJournal.claim(forked);
    await next.files(`/${name}`, 2);
    expect(await problemsOf(name)).toEqual([]);
    origin = { name, clusterId: made.clusterId, sn: next.sn };
  }
});

it('mounts of a fork are read-only for good, and what their storage had yet to see is dropped', async () => {
  const calls = new Calls(await JournaledState.begin((await openReplica()).replica));
  const { replica } = calls.journaled;
  calls.run('mount', { path: '/m', uri: '/somewhere' });
  for (const name of ['a', 'b']) calls.run('createDirectory', { path: `/m/${name}`, recursive: true });
  expect(replica.state.mounts.get(1)).toMatchObject({ workSeq: 2, workDone: 0, readOnly: false });
  const fork = { clusterId: 'production', sn: 7, forkedMs: 1 };
  calls.journaled.append({ fork: { fork } });
  expect(replica.state.forks.get('fork')).toEqual(fork);
  expect(replica.state.mounts.get(1)).toMatchObject({ workSeq: 2, workDone: 2, readOnly: true });
  expect([1, 2].map((seq) => replica.state.work.get(pairKey(1, seq)))).toEqual([null, null]);
  const refused: [MutationName, object][] = [
    ['createDirectory', { path: '/m/c' }],
    ['createFile', { path: '/m/f', completeLength: 1 }],
    ['rename', { from: '/m/a', to: '/m/c' }],
    ['remove', { path: '/m/a' }],
    ['setAttributes', { path: '/m/a', mode: 0o700 }],
    ['updateMount', { path: '/m', readOnly: false }],
    ['mount', { path: '/n', uri: '/elsewhere' }],
  ];
  for (const [name, body] of refused) {
    expect(calls.errno(name, body), name).toBe('EROFS');
    expect(() => calls.run(name, body), name).toThrow(/in a fork all mounts are read-only: .*forked_from=production at=7/);
  }
  calls.run('mount', { path: '/n', uri: '/elsewhere', readOnly: true });
  calls.run('updateMount', { path: '/m', readOnly: true, shared: true });
  calls.run('createDirectory', { path: '/beside' });
  await replica.close();
});
