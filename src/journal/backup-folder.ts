/**
 * A backup: a folder that holds what a journal held up to some entry, complete in itself, and a MANIFEST, made last, that says so.
 *
 *     MANIFEST                 JSON (`BackupManifest`), then a line `sha256=<hex>` of all before it
 *     log-<first sn>           batches as they were sealed (batch-format.ts), one behind the other; files of some 256 MiB
 *     checkpoint-<sn>-<id>     the checkpoint's bytes, where the log below it is not part of the backup
 *
 * Every file is durable before the MANIFEST is, which has the size and the SHA-256 of each. A folder without a MANIFEST is no backup.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { UnderstudyError } from '../base/errors.js';
import { errnoOf, type OpenFile } from '../base/files.js';
import { epoch, sequence } from '../base/ids.js';
import { needsVersion } from '../base/needs-version.js';
import { systemFiles } from '../base/system-file.js';
import { parseBatch } from './batch-format.js';
import type { CheckpointRef, Retention } from './checkpoints.js';
import { checkFollows } from './directory-import.js';
import { type Batch, type ChainPoint, endOf } from './journal.js';
import type { EpochPoint, JournalContents } from './journal-contents.js';

const FORMAT = 'understudy-backup';
const VERSION = 1;
const FILE_BYTES = 256 << 20;
const WRITE_BYTES = 1 << 20;
const READ_BYTES = 4 << 20;

/** Hashes are hexadecimal, times Unix milliseconds. */
export interface BackupManifest {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly clusterId: string;
  /** Of the journal that it was taken of. */
  readonly incarnationId: string;
  /** The highest epoch of it that was known. */
  readonly epochHighest: number;
  /** The log begins behind this batch. */
  readonly from: { readonly sn: number; readonly hash: string; readonly epoch: number };
  /** And ends with this one. */
  readonly to: { readonly sn: number; readonly hash: string; readonly epoch: number; readonly timeMs: number };
  /** Digest of the state at `to`, by a replay; null where none was made. */
  readonly digest: string | null;
  readonly checkpoint: { readonly sn: number; readonly id: string } | null;
  readonly madeMs: number;
  readonly files: readonly BackupFile[];
}

interface BackupFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What has been written, before it is a backup. */
export type BackupDraft = Omit<BackupManifest, 'format' | 'version' | 'digest' | 'madeMs'>;

const manifestPath = (folder: string): string => path.join(folder, 'MANIFEST');
const OURS = /^(?:log-\d{20}|checkpoint-\d+-[0-9a-f]{32})$/;

/** Makes the folder. @throws `already_exists`: there is something in it. */
export async function beginBackup(folder: string): Promise<void> {
  await systemFiles.makeFolderDurable(folder);
  const [name] = await systemFiles.listFolder(folder);
  if (name !== undefined) throw new UnderstudyError('already_exists', `a backup needs an empty folder: folder=${folder} found=${name}`);
}

/** Removes what a backup was given up with. */
export async function clearBackup(folder: string): Promise<void> {
  for (const name of await systemFiles.listFolder(folder)) if (OURS.test(name)) await systemFiles.removeFile(path.join(folder, name));
}

/** Writes all files of a backup but its MANIFEST; durable on return. @throws what `contents` throws; `unavailable`. */
export async function writeBackup(
  folder: string,
  contents: JournalContents,
  journal: { readonly incarnationId: string; readonly epochHighest: number },
  progress: (sn: number) => void = () => undefined,
): Promise<BackupDraft> {
  const files: BackupFile[] = [];
  let end = { ...contents.begin, timeMs: 0 };
  let writing: FileWriter | undefined;
  try {
    for await (const batch of contents.batches()) {
      checkFollows(batch, end.point);
      if (writing !== undefined && writing.bytes >= FILE_BYTES) files.push(await writing.finish());
      if (writing === undefined || writing.bytes >= FILE_BYTES) {
        writing = await FileWriter.create(folder, `log-${String(batch.firstSn).padStart(20, '0')}`);
      }
      await writing.add(batch.sealed);
      end = { epoch: batch.epoch, point: endOf(batch), timeMs: batch.timeMs };
      progress(end.point.sn);
    }
    if (writing !== undefined) files.push(await writing.finish());
    const [checkpoint] = contents.begin.point.sn === 0 ? [] : (await contents.retention()).checkpoints;
    if (checkpoint !== undefined) {
      writing = await FileWriter.create(folder, checkpointFile(checkpoint));
      for await (const chunk of contents.checkpoint(checkpoint)) await writing.add(chunk);
      files.push(await writing.finish());
    }
    await systemFiles.syncFolder(folder);
    return {
      clusterId: contents.clusterId,
      incarnationId: journal.incarnationId,
      epochHighest: Math.max(journal.epochHighest, end.epoch),
      from: said(contents.begin),
      to: { ...said(end), timeMs: end.timeMs },
      checkpoint: checkpoint ?? null,
      files,
    };
  } finally {
    await writing?.close();
  }
}

/** Makes it a backup. */
export async function publishBackup(folder: string, manifest: Omit<BackupManifest, 'format' | 'version'>): Promise<void> {
  const json = `${JSON.stringify({ format: FORMAT, version: VERSION, ...manifest }, null, 2)}\n`;
  await systemFiles.createFileDurable(manifestPath(folder), Buffer.from(`${json}sha256=${sha256(json)}\n`));
}

/** A backup opened for reading. */
export class BackupFolder implements JournalContents {
  readonly manifest: BackupManifest;
  readonly clusterId: string;
  readonly begin: EpochPoint;
  readonly #folder: string;

  private constructor(folder: string, manifest: BackupManifest) {
    this.#folder = folder;
    this.manifest = manifest;
    this.clusterId = manifest.clusterId;
    this.begin = { epoch: epoch(manifest.from.epoch), point: pointOf(manifest.from) };
  }

  /** What is written and not published yet. */
  static draft(folder: string, draft: BackupDraft): BackupFolder {
    return new BackupFolder(folder, { format: FORMAT, version: VERSION, digest: null, madeMs: 0, ...draft });
  }

  /** @throws `failed_precondition`: it is no backup, or a later version's. @throws `corrupt`: its MANIFEST is damaged. */
  static async open(folder: string): Promise<BackupFolder> {
    const at = manifestPath(folder);
    let text: string;
    try {
      text = (await readWhole(at)).toString('utf8');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw new UnderstudyError('failed_precondition', `there is no backup here, or it was not finished: folder=${folder}`, {
        cause: error,
      });
    }
    const end = text.lastIndexOf('sha256=');
    const json = text.slice(0, Math.max(end, 0));
    if (text.slice(end) !== `sha256=${sha256(json)}\n`)
      throw new UnderstudyError('corrupt', `the backup's MANIFEST is damaged: file=${at}`);
    const manifest: BackupManifest = JSON.parse(json);
    if (manifest.version > VERSION) throw needsVersion('backup', manifest.version, VERSION, `file=${at}`);
    return new BackupFolder(folder, manifest);
  }

  /** Reads everything. @throws `corrupt`: a file is missing, or not what it was. */
  async check(): Promise<void> {
    for (const { name, bytes, sha256: expected } of this.manifest.files) {
      const at = path.join(this.#folder, name);
      const hash = createHash('sha256');
      let found = 0;
      for await (const chunk of readFile(at, `the backup lacks a file: file=${at}`)) {
        hash.update(chunk);
        found += chunk.length;
      }
      if (found !== bytes || hash.digest('hex') !== expected)
        throw new UnderstudyError('corrupt', `a file of the backup is damaged: file=${at} bytes=${found} expected=${bytes}`);
    }
  }

  async *batches(): AsyncGenerator<Batch, void, void> {
    let { point } = this.begin;
    for (const { name } of this.manifest.files) {
      if (!name.startsWith('log-')) continue;
      for await (const batch of batchesIn(path.join(this.#folder, name))) {
        checkFollows(batch, point);
        point = endOf(batch);
        yield batch;
      }
    }
    const { sn, hash } = pointOf(this.manifest.to);
    if (point.sn !== sn || Buffer.compare(point.hash, hash) !== 0)
      throw new UnderstudyError('corrupt', `the backup ends elsewhere than it says: folder=${this.#folder} sn=${point.sn} expected=${sn}`);
  }

  retention(): Promise<Retention> {
    const { checkpoint } = this.manifest;
    if (checkpoint === null) return Promise.resolve({ checkpoints: [], boundary: null });
    return Promise.resolve({ checkpoints: [{ sn: sequence(checkpoint.sn), id: checkpoint.id }], boundary: this.begin });
  }

  checkpoint(ref: CheckpointRef): AsyncIterable<Uint8Array> {
    return readFile(path.join(this.#folder, checkpointFile(ref)));
  }

  /** @returns the size of the checkpoint's file. */
  async checkpointBytes(ref: CheckpointRef): Promise<number> {
    return (await systemFiles.fileSize(path.join(this.#folder, checkpointFile(ref)))).bytes;
  }
}

const checkpointFile = ({ sn, id }: { readonly sn: number; readonly id: string }): string => `checkpoint-${sn}-${id}`;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function said({ epoch: of, point }: EpochPoint): BackupManifest['from'] {
  return { sn: point.sn, hash: Buffer.from(point.hash).toString('hex'), epoch: of };
}

function pointOf({ sn, hash }: { readonly sn: number; readonly hash: string }): ChainPoint {
  return { sn: sequence(sn), hash: Uint8Array.from(Buffer.from(hash, 'hex')) };
}

async function* batchesIn(at: string): AsyncGenerator<Batch, void, void> {
  let left: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of readFile(at, `the backup lacks a file: file=${at}`)) {
    left = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    for (;;) {
      const parsed = parseBatch(left, 0, `file=${at}`);
      if (parsed.kind === 'short') break;
      if (parsed.kind !== 'batch') throw new UnderstudyError('corrupt', `a batch of the backup is damaged: file=${at} offset=${offset}`);
      yield parsed.stored.batch;
      offset += parsed.stored.bytes.length;
      left = left.subarray(parsed.stored.bytes.length);
    }
  }
  if (left.length > 0) throw new UnderstudyError('corrupt', `the backup ends inside a batch: file=${at} offset=${offset}`);
}

async function* readFile(at: string, missing?: string): AsyncGenerator<Buffer, void, void> {
  let file: OpenFile;
  try {
    file = await systemFiles.open(at);
  } catch (error) {
    if (missing === undefined || errnoOf(error) !== 'ENOENT') throw error;
    throw new UnderstudyError('corrupt', missing, { cause: error });
  }
  try {
    for (let position = 0; ; ) {
      const chunk = Buffer.allocUnsafeSlow(READ_BYTES);
      const count = await file.readSome(chunk, position);
      if (count === 0) return;
      position += count;
      yield chunk.subarray(0, count);
    }
  } finally {
    await file.close();
  }
}

async function readWhole(at: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readFile(at)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

class FileWriter {
  readonly name: string;
  bytes = 0;
  readonly #file: OpenFile;
  readonly #hash = createHash('sha256');
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  private constructor(name: string, file: OpenFile) {
    this.name = name;
    this.#file = file;
  }

  static async create(folder: string, name: string): Promise<FileWriter> {
    return new FileWriter(name, await systemFiles.open(path.join(folder, name), { write: true, create: 'exclusive' }));
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.bytes += bytes.length;
    if (this.#pendingBytes >= WRITE_BYTES) await this.#flush();
  }

  /** Durable on return; its name is not. */
  async finish(): Promise<BackupFile> {
    await this.#flush();
    await this.#file.sync();
    await this.close();
    return { name: this.name, bytes: this.bytes, sha256: this.#hash.digest('hex') };
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#file.close();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    await this.#file.writeAll(bytes, this.bytes - bytes.length);
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}
