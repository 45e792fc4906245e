/**
 * Masters and clients with a defect each, made at their seams, that the checks of a world have to find.
 */
import { sealBatch, storedBatch } from '../../src/journal/batch-format.js';
import type { Appended, Batch } from '../../src/journal/journal.js';
import type { KvRows } from '../../src/kv/kv-store.js';
import { CheckpointReader } from '../../src/metadata/checkpoint-reader.js';
import { encodeCheckpoint } from '../../src/metadata/checkpoint-writer.js';
import { DigestSum } from '../../src/metadata/digest.js';
import { decodeEntry, encodeEntry } from '../../src/metadata/entries.js';
import { operations } from '../../src/metadata/operations.js';
import type { CallSabotage } from './sim-client.js';
import type { Sabotage } from './sim-master.js';

/** First byte of the rows in which files and directories stand. */
const FILE_ROW = 0x64;

/** Reads are answered without the journal having been asked. */
export const withoutConfirm: Sabotage = (journal) => ({
  ...journal,
  claim: async (request) => Object.create(await journal.claim(request), { confirm: { value: async () => {} } }),
});

/** What the masters on `host` read in the journal differs from what is there. */
export function otherReplay(host: string): Sabotage {
  return (journal, process) => {
    if (!process.name.startsWith(host)) return journal;
    return { ...journal, read: (request) => alteredAll(journal.read(request), withOtherModes) };
  };
}

/** Now and then a leader sends its standbys another batch than it committed, which follows what they have. */
export const otherStream: Sabotage = (journal, process) => ({
  ...journal,
  claim: async (request) => {
    const writer = await journal.claim(request);
    const append = async (...args: Parameters<typeof writer.append>): Promise<Appended> => {
      const previous = writer.end;
      const appended = await writer.append(...args);
      if (!process.random.chance(0.05)) return appended;
      const { batch, committedSn, writerId } = storedBatch(appended.sealed);
      const header = { epoch: batch.epoch, timeMs: batch.timeMs, writerId, committedSn, previous };
      return { ...appended, sealed: sealBatch(header, batch.entries.map(withOtherMode)).bytes };
    };
    return Object.create(writer, { append: { value: append } });
  },
});

/** Checkpoints are made of a store in which a row is damaged, whose digest is neither the one it knew nor the leader's. */
export const otherCheckpoint: Sabotage = (journal) => ({
  ...journal,
  checkpoints: {
    ...journal.checkpoints,
    write: async (sn, chunks, signal) => {
      await using reader = await CheckpointReader.open(chunks);
      const rows = await damagedRows(reader.rows());
      const sum = new DigestSum();
      for (const [key, value] of rows) sum.add(key, value);
      return journal.checkpoints.write(
        sn,
        encodeCheckpoint({ ...reader.head, digest: sum.value() }, inOne(rows), async () => {}),
        signal,
      );
    },
  },
});

/** A retry that a master cannot know for one. */
export const renumberRetries: CallSabotage = (called, body) => {
  const { method, request } = operations.createFile;
  const message = called === method ? request.decode(body) : undefined;
  if (message?.caller == null || (message.caller.attempt ?? 0) < 2) return body;
  return request.encode({ ...message, caller: { ...message.caller, callId: (message.caller.callId ?? 0) + 2_000 } }).finish();
};

/** Whoever is asked answers as far as it has come. */
export const forgetWhatWasSeen: CallSabotage = (called, body) => {
  const { method, request } = operations.getStatus;
  const message = called === method ? request.decode(body) : undefined;
  if (!message?.freshness?.atLeastSn) return body;
  return request.encode({ ...message, freshness: { stale: true } }).finish();
};

function withOtherModes(batch: Batch): Batch {
  return { ...batch, entries: batch.entries.map(withOtherMode) };
}

function withOtherMode(bytes: Uint8Array): Uint8Array {
  const entry = decodeEntry(bytes, 0);
  if (entry.createFile == null) return bytes;
  const inode = { ...entry.createFile.inode, mode: 0o777 };
  return encodeEntry({ ...entry, createFile: { ...entry.createFile, inode } });
}

async function* alteredAll<T>(items: AsyncIterable<T>, alter: (item: T) => T): AsyncIterable<T> {
  for await (const item of items) yield alter(item);
}

/** @returns all rows but one, which is lost. */
async function damagedRows(chunks: AsyncIterable<KvRows>): Promise<KvRows> {
  const rows: KvRows[number][] = [];
  for await (const chunk of chunks) rows.push(...chunk);
  const file = rows.findLastIndex(([key]) => key[0] === FILE_ROW);
  return rows.toSpliced(file, 1);
}

async function* inOne<T>(item: T): AsyncIterable<T> {
  yield item;
}
