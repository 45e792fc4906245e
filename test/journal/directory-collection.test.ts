/** What is particular to the folder: a collected directory journal that is damaged, and what crashes leave in it. */
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import type { CheckpointRef } from '../../src/journal/checkpoints.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { type ChainPoint, endOf, type JournalWriter } from '../../src/journal/journal.js';
import { bytesOf, chunksOf, claim, contentOf, errorOf, pointOf, readTo } from '../contract/journal-contract.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
let folder: string;
let journal: DirectoryJournal;
let writer: JournalWriter;
let boundary: ChainPoint;
let checkpoint: CheckpointRef;

/** One epoch whose first segments are collected; two batches of 15 KB are in each. */
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-collection-'));
  const settings = { folder, segmentBytes: 40 << 10, batchBytesMax: 32 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
  await formatDirectoryJournal(settings, deps);
  journal = await DirectoryJournal.open(settings, deps);
  ({ writer } = await claim(journal));
  for (let i = 0; i < 7; i++) await writer.append([Buffer.alloc(15_000, i)], 1);
  boundary = pointOf(writer);
  checkpoint = await journal.checkpoints.write(boundary.sn, chunksOf([Buffer.alloc(100_000, 'state')]));
  for (let i = 0; i < 7; i++) await writer.append([Buffer.alloc(15_000, i)], 1);
  await writer.retain({ checkpoints: [checkpoint], boundary: { epoch: writer.epoch, point: boundary } });
});
afterEach(async () => {
  await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function segments(): Promise<string[]> {
  const names = (await readdir(path.join(folder, 'log'))).filter((name) => name.endsWith('.seg'));
  return names.sort((a, b) => Number(/-(\d+)/.exec(a)?.[1]) - Number(/-(\d+)/.exec(b)?.[1])).map((name) => path.join(folder, 'log', name));
}

async function flip(file: string, offset: number): Promise<void> {
  await using handle = await open(file, 'r+');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, offset);
  await handle.write(Buffer.from([~(buffer[0] ?? 0) & 255]), 0, 1, offset);
}

test('collected: the front of the lowest segment is damaged, who has applied it reads and claims on, who has not is told', async () => {
  const read = await readTo(journal, writer.end, boundary);
  const [lowest = '', second = ''] = await segments();
  expect(path.basename(lowest)).not.toBe('1-0.seg');
  await flip(lowest, 4096 + 5000);
  expect(await readTo(journal, writer.end, boundary)).toHaveLength(read.length);
  await flip(second, 4096 + 5000);
  const error = await errorOf(readTo(journal, writer.end, boundary));
  expect(isError(error, 'corrupt'), error.message).toBe(true);
  expect(error.message).toContain(second);
  const behind = endOf(read[2]!);
  expect(await readTo(journal, writer.end, behind)).toHaveLength(read.length - 3);
  const { writer: next } = await claim(journal, behind);
  await readTo(journal, next.end, behind);
});

test('collected: the boundary stays readable from a second segment on when the leader rotates and dies', async () => {
  await writer.close();
  const { writer: next } = await claim(journal, boundary);
  expect((await readTo(journal, next.end, boundary)).length).toBeGreaterThan(6);
  await next.retain({ checkpoints: [checkpoint], boundary: { epoch: writer.epoch, point: boundary } });
  await next.append([bytesOf('on')], 1);
});

test('checkpoint: its head or its length is damaged, says so and names the file', async () => {
  const file = path.join(folder, 'checkpoint', `${checkpoint.sn}-${checkpoint.id}.ckpt`);
  const whole = await readFile(file);
  for (const left of [50_000, 4_096, 10, 0]) {
    await writeFile(file, whole.subarray(0, left));
    const cut = await errorOf(contentOf(journal, checkpoint));
    expect([left, isError(cut, 'corrupt')]).toEqual([left, true]);
    expect(cut.message).toContain(file);
  }
  await writeFile(file, whole);
  await flip(file, 20);
  const error = await errorOf(contentOf(journal, checkpoint));
  expect(isError(error, 'corrupt')).toBe(true);
  expect(error.message).toContain(file);
});

test('checkpoint: one that a crash left unfinished, is deleted once the boundary has passed it; names not ours are left', async () => {
  const left = `${boundary.sn - 1}-${'ab'.repeat(16)}.ckpt`;
  await writeFile(path.join(folder, 'checkpoint', left), Buffer.alloc(70_000));
  await writeFile(path.join(folder, 'checkpoint', '1-notes.txt'), 'mine');
  await writer.retain({ checkpoints: [checkpoint], boundary: { epoch: writer.epoch, point: boundary } });
  expect((await readdir(path.join(folder, 'checkpoint'))).sort()).toEqual(['1-notes.txt', `${checkpoint.sn}-${checkpoint.id}.ckpt`].sort());
});
