/**
 * Sees whether a mount keeps what a journal in a folder relies on (design: DESIGN.md, "Why it is safe"), as far as one host can tell, and how
 * long its steps take. Works beside a journal, and where there is none yet: it touches only a folder of its own below `probe/`.
 */
import path from 'node:path';
import type { Clock } from '../base/clock.js';
import { isError, UnderstudyError } from '../base/errors.js';
import { errnoOf, type OpenFile, PAGE_BYTES } from '../base/files.js';
import type { Random } from '../base/random.js';
import { systemFiles } from '../base/system-file.js';
import { type Mount, mountOf } from '../base/system-mounts.js';
import { LEDGER_BYTES } from './ledger.js';
import { isZero } from './stored-bytes.js';

const APPENDS = 100;
const RECORD_BYTES = 1024;

/** One thing that was tried. */
export interface ProbeFinding {
  readonly what: string;
  readonly holds: boolean;
  /** In words: what was seen, and where it does not hold, what to change. */
  readonly says: string;
}

/** Milliseconds, sorted. */
export type Times = readonly number[];

export interface FolderReport {
  readonly mount: Mount | undefined;
  readonly isLocal: boolean;
  readonly findings: readonly ProbeFinding[];
  /** A record written and synced, as an append is. */
  readonly syncMs: Times;
  /** A page read with O_DIRECT, as a fence is; none where that is refused. */
  readonly readMs: Times;
}

export interface ProbeDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** @returns a new folder below `<journal>/probe/`, which `endProbe` removes. @throws `not_found`: there is no folder for a journal. */
export async function beginProbe(journalFolder: string, { random }: ProbeDeps): Promise<string> {
  if (!(await systemFiles.exists(journalFolder)))
    throw new UnderstudyError('not_found', `no such folder, make it or mount its storage first: folder=${journalFolder}`);
  const folder = probeFolder(journalFolder, Buffer.from(random.bytes(4)).toString('hex'));
  await systemFiles.makeFolderDurable(folder);
  return folder;
}

export const probeFolder = (journalFolder: string, id: string): string => path.join(path.resolve(journalFolder), 'probe', id);

/** Also what is left of `probe/` where no other probe is under way there. */
export async function endProbe(folder: string): Promise<void> {
  await systemFiles.removeFolder(folder);
  await systemFiles.removeEmptyFolder(path.dirname(folder));
}

/** @param folder of `beginProbe`. @throws only what is none of the probe's business: what the storage refuses is a finding. */
export async function probeOnOneHost(folder: string, { clock }: ProbeDeps): Promise<FolderReport> {
  const [mount, isLocal] = [await mountOf(folder), await systemFiles.isLocalFolder(folder)];
  const syncMs: number[] = [];
  const readMs: number[] = [];
  const findings = [
    writable(mount),
    await tried('exclusive create', () => createTwice(folder), 'masters take epochs by it: use a file system that knows O_EXCL'),
    await tried(
      'sparse file',
      () => makeLedger(folder),
      `the ledger is a sparse file of ${LEDGER_BYTES / 2 ** 30} GiB: use a file system that can hold one`,
    ),
    await tried(
      'direct reads',
      () => readDirect(folder, isLocal),
      'shared storage has to be read past caches: mount it so that O_DIRECT is allowed',
    ),
    await tried('durable writes', () => append(folder, clock, { syncMs, readMs }), 'what is synced has to stand: do not use this storage'),
  ];
  return { mount, isLocal, findings, syncMs: sorted(syncMs), readMs: sorted(readMs) };
}

function writable(mount: Mount | undefined): ProbeFinding {
  const name = mount === undefined ? 'unknown' : `${mount.type}, ${mount.source} at ${mount.at}`;
  const isUnsafe = mount?.options.some((option) => option === 'nobarrier' || option === 'barrier=0') === true;
  if (isUnsafe)
    return {
      what: 'mount',
      holds: false,
      says: `${name}: mounted without barriers, a power cut loses what was synced: mount it with barriers`,
    };
  const inMemory = mount?.type === 'tmpfs' || mount?.type === 'ramfs';
  return {
    what: 'mount',
    holds: true,
    says: inMemory ? `${name}: in memory, nothing survives a restart of this machine: for trials only` : name,
  };
}

async function tried(what: string, attempt: () => Promise<string>, advice: string): Promise<ProbeFinding> {
  try {
    return { what, holds: true, says: await attempt() };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { what, holds: false, says: `${message}: ${advice}` };
  }
}

async function createTwice(folder: string): Promise<string> {
  const name = path.join(folder, 'exclusive');
  await (await systemFiles.open(name, { write: true, create: 'exclusive' })).close();
  try {
    await (await systemFiles.open(name, { write: true, create: 'exclusive' })).close();
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'a name is made once';
    throw error;
  }
  throw new Error('a name that exists was made again');
}

async function makeLedger(folder: string): Promise<string> {
  await using file = await systemFiles.open(path.join(folder, 'sparse'), { write: true, create: 'exclusive' });
  await file.truncate(LEDGER_BYTES);
  const page = Buffer.alloc(PAGE_BYTES, 1);
  await file.readExactly(page, LEDGER_BYTES - PAGE_BYTES);
  if (!isZero(page)) throw new Error('what was never written does not read as zeros');
  return `${LEDGER_BYTES / 2 ** 30} GiB, sparse, read as zeros`;
}

async function readDirect(folder: string, isLocal: boolean): Promise<string> {
  if (await systemFiles.takesDirect(path.join(folder, 'sparse'))) return 'O_DIRECT is taken';
  if (isLocal) return 'O_DIRECT is refused, and not needed: the file system is local to this machine';
  throw new Error('O_DIRECT is refused');
}

/** Writes records as a leader does, and reads each back with O_DIRECT, as a claimant elsewhere would. */
async function append(folder: string, clock: Clock, times: { syncMs: number[]; readMs: number[] }): Promise<string> {
  const name = path.join(folder, 'log');
  await using log = await systemFiles.open(name, { write: true, create: 'exclusive' });
  await log.truncate(APPENDS * PAGE_BYTES);
  await using reading = await openForProbe(name);
  const page = systemFiles.buffers.take(PAGE_BYTES);
  try {
    for (let i = 0; i < APPENDS; i++) {
      const record = Buffer.alloc(RECORD_BYTES, 1 + (i % 255));
      times.syncMs.push(
        await timed(clock, async () => {
          await log.writeAll(record, i * RECORD_BYTES);
          await log.dataSync();
        }),
      );
      const from = Math.floor((i * RECORD_BYTES) / PAGE_BYTES) * PAGE_BYTES;
      times.readMs.push(await timed(clock, () => reading.readExactly(page, from)));
      const at = i * RECORD_BYTES - from;
      if (!record.equals(page.subarray(at, at + RECORD_BYTES))) throw new Error('what was written and synced did not read back');
    }
  } finally {
    systemFiles.buffers.give(page);
  }
  return `${APPENDS} records written, synced and read back`;
}

/** @returns the file for reading, past the cache where that can be. */
export async function openForProbe(name: string): Promise<OpenFile> {
  try {
    return await systemFiles.open(name, { direct: true });
  } catch (error) {
    if (!isError(error, 'failed_precondition')) throw error;
    return systemFiles.open(name);
  }
}

export async function timed(clock: Clock, work: () => Promise<void>): Promise<number> {
  const from = clock.monotonicMs();
  await work();
  return clock.monotonicMs() - from;
}

export const sorted = (times: readonly number[]): Times => times.toSorted((a, b) => a - b);
