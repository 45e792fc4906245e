/** Whole journals of earlier versions: they are read to their end, replayed to the same state, and go on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { GENESIS } from '../../src/journal/journal.js';
import { readCommitted } from '../../src/journal/read-committed.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { CheckpointReader } from '../../src/metadata/checkpoint-reader.js';
import { digestText } from '../../src/metadata/digest.js';
import { decodeEntry } from '../../src/metadata/entries.js';
import { Replay } from '../../src/metadata/replay.js';
import { LedJournal } from '../metadata/led-journal.js';
import { goldenText } from './golden.js';
import { folderToText, textToFolder } from './journal-folder.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const SMALL = { segmentBytes: 8 << 10, batchBytesMax: 4 << 10, pollIntervalMs: 1 };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-golden-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Two epochs, the first of several segments, with a checkpoint and most kinds of entries. */
async function makeJournal(at: string): Promise<void> {
  await formatDirectoryJournal({ folder: at, ...SMALL }, deps);
  await using journal = await DirectoryJournal.open({ folder: at, ...SMALL }, deps);
  {
    await using leader = await LedJournal.claim(journal);
    await leader.files('/a/b', 12);
    leader.run({ kind: 'setAttributes', body: { path: '/a/b/file-1', owner: 'grace', mode: 0o600 } });
    leader.append({ clientId: 0, registerClient: { clientId: 1 } });
    await leader.commit();
    await leader.tellDigest();
    await leader.checkpoint(2);
  }
  await using leader = await LedJournal.claim(journal);
  leader.run({ kind: 'completeFile', body: { path: '/a/b/file-2', length: 1 << 20 } });
  leader.run({ kind: 'rename', body: { from: '/a/b/file-3', to: '/a/ü' } });
  leader.append({ clientId: 1, callId: 1, refusal: { errorCode: 5, errorMessage: 'no such path' } });
  await leader.commit();
  leader.run({ kind: 'remove', body: { path: '/a/b', recursive: true } });
  await leader.commit();
  leader.append({ expireClients: { clientIds: [1] } });
  await leader.commit();
}

/** What a journal says, in a few lines. */
async function contents(journal: DirectoryJournal): Promise<string> {
  const replay = new Replay(await new MemoryStores().open(), { clock: systemClock, identity: journal });
  const lines: string[] = [];
  for await (const batch of readCommitted(journal, GENESIS)) {
    await replay.apply(batch);
    const kinds = batch.entries.map((bytes, i) => Object.keys(decodeEntry(bytes, batch.firstSn + i)).filter((key) => !HEADER.has(key)));
    lines.push(`${batch.epoch} ${batch.firstSn} ${kinds.join()} ${Buffer.from(batch.hash).toString('hex')}`);
  }
  const { sn, digest } = await replay.digest();
  await replay.close();
  const { checkpoints } = await journal.checkpoints.published();
  for (const checkpoint of checkpoints) {
    await using reader = await CheckpointReader.open(journal.checkpoints.read(checkpoint));
    let rows = 0;
    for await (const some of reader.rows()) rows += some.length;
    lines.push(`checkpoint ${reader.head.sn} ${digestText(reader.head.digest)} ${rows} rows`);
  }
  return `${lines.join('\n')}\nstate ${sn} ${digestText(digest)}\n`;
}

const HEADER = new Set(['timeMs', 'clientId', 'callId', 'lowestUnanswered', 'path', 'toPath']);

test('journal folder, version 1: is read to its end, replayed to the same state, and goes on', async () => {
  let made = '';
  if (process.env.WRITE_GOLDEN !== undefined) {
    await makeJournal(path.join(folder, 'made'));
    made = await folderToText(path.join(folder, 'made'));
  }
  await textToFolder(goldenText('journal-folder-1.txt', made), path.join(folder, 'journal'));
  const settings = { folder: path.join(folder, 'journal'), pollIntervalMs: 1 };
  {
    await using journal = await DirectoryJournal.open(settings, deps);
    const found = await contents(journal);
    expect(found).toBe(goldenText('journal-folder-1.contents.txt', found));
    await using leader = await LedJournal.claim(journal);
    await leader.files('/later', 2);
    expect(leader.writer.epoch).toBe(3);
  }
  await using journal = await DirectoryJournal.open(settings, deps);
  expect((await contents(journal)).split('\n').filter((line) => line.startsWith('3 ')).length).toBe(4);
});
