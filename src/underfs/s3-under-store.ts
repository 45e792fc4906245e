/**
 * Mounted storage in a bucket, below a prefix.
 *
 * A folder is there while an object is below it: `a/` (a marker, empty, which `makeDirectory` puts) or `a/b`. A rename is a copy and a delete
 * of each object, page by page: repeated after a break, it goes on with what is still at the source. Every request that is not answered is sent
 * again, a few times: none does harm twice.
 *
 * Keys that are no paths (`a//b`, `../a`) are left out of listings, and said so.
 */
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { abortError, orAborted, sleep, within } from '../base/wait.js';
import { NOT_ITS_OWN, nameOf, S3Connection, type S3ConnectionSettings } from '../s3/s3-connection.js';
import { COPY_BYTES_MAX, copyObject, type SendChange } from './s3-copy.js';
import { type S3Listed, S3ListingNames } from './s3-listing-names.js';
import { uploadObject } from './s3-upload.js';
import { checkBelowRoot, checkMove, checkUnderPath, isHiddenPath } from './under-path.js';
import {
  UNDER_PAGE_MAX,
  type UnderAttributes,
  type UnderEntry,
  type UnderListOptions,
  type UnderRange,
  type UnderStore,
  type UnderTraits,
  type UnderWriteOptions,
} from './under-store.js';
import { wholeOf } from './whole-stream.js';

export interface S3UnderStoreSettings extends S3ConnectionSettings {
  readonly bucket: string;
  /** Put before every key, with its slash at the end; empty for none. */
  readonly prefix: string;
  /** Larger objects are copied in parts. For tests; default: what S3 allows. */
  readonly copyBytesMax?: number;
}

interface S3UnderStoreDeps {
  readonly clock: Clock;
  readonly random: Random;
}

const ATTEMPTS = 4;
const PAUSE_MS = 50;
/** Copies in flight of one rename. */
const COPIES_IN_FLIGHT = 16;
const MARKER = new Uint8Array(0);

export class S3UnderStore implements UnderStore {
  readonly location: string;
  readonly traits: UnderTraits = {
    scheme: 's3',
    hasDirectories: false,
    renamesAtomically: false,
    hasAttributes: false,
    listsInOrder: true,
  };
  readonly #connection: S3Connection;
  readonly #deps: S3UnderStoreDeps;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #timeoutMs: number;
  readonly #copyBytesMax: number;

  constructor(settings: S3UnderStoreSettings, deps: S3UnderStoreDeps) {
    const { bucket, prefix } = settings;
    this.location = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#timeoutMs = settings.requestTimeoutMs;
    this.#copyBytesMax = settings.copyBytesMax ?? COPY_BYTES_MAX;
    this.#deps = deps;
    this.#connection = new S3Connection(settings, deps);
  }

  async *list(path: string, options: UnderListOptions = {}): AsyncIterable<readonly UnderEntry[]> {
    checkUnderPath(path);
    const { recursive = false, startAfter, signal } = options;
    const folder = this.#folderKey(path);
    const names = new S3ListingNames(folder, options);
    const from = startAfter === undefined ? undefined : folder + startAfter;
    let isEmpty = true;
    for await (const page of this.#pages(folder, { recursive, from, signal })) {
      if (page.files.length + page.folders.length > 0) isEmpty = false;
      const entries = names.entriesOf(page).filter(({ name }) => !isHiddenPath(name));
      // The folders above a deep object may make a page larger than it was.
      for (let at = 0; at < entries.length; at += UNDER_PAGE_MAX) yield entries.slice(at, at + UNDER_PAGE_MAX);
    }
    if (!isEmpty || path === '' || startAfter !== undefined) return;
    if ((await this.#head(path, signal)) === undefined)
      throw new UnderstudyError('not_found', `no such folder: path=${this.#object(path)}`);
    throw new UnderstudyError('failed_precondition', `not a folder: path=${this.#object(path)}`);
  }

  async stat(path: string, signal?: AbortSignal): Promise<UnderEntry | undefined> {
    checkUnderPath(path);
    const file = path === '' ? undefined : await this.#head(path, signal);
    if (file !== undefined) return file;
    for await (const page of this.#pages(this.#folderKey(path), { recursive: true, limit: 1, signal })) {
      if (page.files.length === 0 && path !== '') return undefined;
      return { name: path, isDirectory: true, length: 0, modifiedMs: 0, fingerprint: '' };
    }
    return undefined;
  }

  async *open(path: string, { offset = 0, length, signal }: UnderRange = {}): AsyncIterable<Uint8Array> {
    checkBelowRoot(path);
    if (length === 0) return;
    const Range = `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`;
    const command = new GetObjectCommand({ ...this.#name(path), ...(offset === 0 && length === undefined ? {} : { Range }) });
    const body = await this.#send('look', this.#key(path), signal, async (client, abortSignal) => {
      try {
        const { Body } = await client.send(command, { abortSignal });
        if (!(Body instanceof Readable)) throw new Error('an answer without a body');
        return Body;
      } catch (error) {
        if (nameOf(error) === 'InvalidRange') return Readable.from([]);
        if (nameOf(error) === 'NoSuchKey') throw new UnderstudyError('not_found', `no such file: path=${this.#object(path)}`);
        throw error;
      }
    });
    yield* this.#chunks(path, body, signal);
  }

  /** Each chunk within the time-out: the request itself has been answered. */
  async *#chunks(path: string, body: Readable, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
    const cutShort = `the object store stopped in the middle: object=${this.#object(path)}`;
    const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = within(this.#deps.clock, this.#timeoutMs, chunks.next(), cutShort);
        const { done, value } = await orAborted(next, signal);
        if (done === true) return;
        yield value;
      }
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      throw asError(error, 'unavailable', cutShort);
    } finally {
      body.destroy();
    }
  }

  async create(path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<UnderEntry> {
    checkBelowRoot(path);
    return this.#made(path, bytes.length, await this.#put(this.#key(path), bytes, signal));
  }

  async write(path: string, chunks: AsyncIterable<Uint8Array>, { length, signal }: UnderWriteOptions): Promise<UnderEntry> {
    checkBelowRoot(path);
    const key = this.#key(path);
    const upload = { bucket: this.#bucket, key, chunks: wholeOf(chunks, path, length, signal), length };
    const send: SendChange = (key, request) => this.#send('change', key, signal, request);
    return this.#made(path, length, await uploadObject(upload, send, (bytes) => this.#put(key, bytes, signal)));
  }

  #made(path: string, length: number, fingerprint: string): UnderEntry {
    return {
      name: path,
      isDirectory: false,
      length,
      modifiedMs: millisecondsOf(new Date(this.#deps.clock.wallMs())),
      fingerprint,
    };
  }

  async #put(key: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<string> {
    const command = new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, ContentLength: bytes.length });
    return await this.#send('change', key, signal, async (client, abortSignal) => {
      const { ETag } = await client.send(command, { abortSignal });
      if (ETag === undefined) throw new Error(NOT_ITS_OWN);
      return ETag;
    });
  }

  async makeDirectory(path: string, signal?: AbortSignal): Promise<void> {
    checkUnderPath(path);
    if (path === '') return;
    if ((await this.#head(path, signal)) !== undefined) {
      throw new UnderstudyError('already_exists', `a file is there: path=${this.#object(path)}`);
    }
    await this.#put(this.#folderKey(path), MARKER, signal);
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<void> {
    checkMove(from, to);
    const file = await this.#head(from, signal);
    const move = async () => (file === undefined ? this.#moveBelow(from, to, signal) : this.#moveFile(from, to, file.length, signal));
    const isMoved = from !== to && (await move());
    if (isMoved || (await this.stat(to, signal)) !== undefined) return;
    throw new UnderstudyError('not_found', `nothing to rename: path=${this.#object(from)}`);
  }

  async #moveFile(from: string, to: string, length: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (!(await this.#copy(this.#key(from), this.#key(to), length, signal))) return false;
    await this.#deleteAll([this.#key(from)], signal);
    return true;
  }

  async #moveBelow(from: string, to: string, signal: AbortSignal | undefined): Promise<boolean> {
    const [source, target] = [this.#folderKey(from), this.#folderKey(to)];
    const kept: string[] = [];
    let isMoved = false;
    for await (const { files } of this.#pages(source, { recursive: true, signal })) {
      for (let at = 0; at < files.length; at += COPIES_IN_FLIGHT) {
        const copies = files.slice(at, at + COPIES_IN_FLIGHT).map(async ({ key, length }) => {
          const targetKey = target + key.slice(source.length);
          // Not every server copies markers.
          if (length === 0 && key.endsWith('/')) await this.#put(targetKey, MARKER, signal);
          else await this.#copy(key, targetKey, length, signal);
        });
        await Promise.all(copies);
      }
      kept.push(...(await this.#deleteAll(keysOf(files), signal)));
      isMoved ||= files.length > 0;
    }
    await this.#deleteAll(kept, signal);
    return isMoved;
  }

  /** @returns whether it was there: what is gone since it was seen was moved by an earlier attempt that ends only now. */
  async #copy(from: string, to: string, length: number, signal: AbortSignal | undefined): Promise<boolean> {
    const send: SendChange = (key, request) => this.#send('change', key, signal, request);
    try {
      await copyObject({ bucket: this.#bucket, from, to, length }, send, this.#copyBytesMax);
      return true;
    } catch (error) {
      if (isError(error, 'failed_precondition') && error.message.includes(': NoSuchKey (')) return false;
      throw error;
    }
  }

  async delete(path: string, { recursive = false, signal }: { recursive?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    checkBelowRoot(path);
    const folder = this.#folderKey(path);
    await this.#deleteAll([this.#key(path)], signal);
    const kept: string[] = [];
    const limit = recursive ? {} : { limit: 2 };
    for await (const { files } of this.#pages(folder, { recursive: true, ...limit, signal })) {
      if (!recursive && files.some(({ key }) => key !== folder)) throw this.#notEmpty(folder);
      kept.push(...(await this.#deleteAll(keysOf(files), signal)));
    }
    if ((await this.#deleteAll(kept, signal)).length > 0) throw this.#notEmpty(folder);
  }

  #notEmpty(key: string): UnderstudyError {
    return new UnderstudyError('failed_precondition', `the folder is not empty: path=${this.#objectOf(key)}`);
  }

  /**
   * @param keys in order.
   * @returns markers that the server keeps while something is below them, as servers over a file system do: the folders above the last key.
   */
  async #deleteAll(keys: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
    const [first] = keys;
    if (first === undefined) return [];
    return await this.#send('change', first, signal, async (client, abortSignal) => {
      if (keys.length === 1) {
        await client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: first }), { abortSignal });
        return [];
      }
      const Objects = keys.map((Key) => ({ Key })).reverse();
      const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }), {
        abortSignal,
      });
      const isKept = (code: string | undefined): boolean => code?.includes('NotEmpty') === true;
      const error = Errors.find(({ Code }) => !isKept(Code));
      if (error === undefined) return Errors.flatMap(({ Key }) => Key ?? []).reverse();
      const code = error.Code === 'AccessDenied' ? 'permission_denied' : 'unavailable';
      throw new UnderstudyError(code, `the object store did not delete: ${error.Code} key=${error.Key} objects=${Errors.length}`);
    });
  }

  async setAttributes(path: string, _attributes: UnderAttributes, _signal?: AbortSignal): Promise<void> {
    checkUnderPath(path);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #head(path: string, signal: AbortSignal | undefined): Promise<UnderEntry | undefined> {
    const command = new HeadObjectCommand(this.#name(path));
    return await this.#send('look', this.#key(path), signal, async (client, abortSignal) => {
      try {
        const { ContentLength = 0, LastModified, ETag = '' } = await client.send(command, { abortSignal });
        return { name: path, isDirectory: false, length: ContentLength, modifiedMs: millisecondsOf(LastModified), fingerprint: ETag };
      } catch (error) {
        if (nameOf(error) === 'NotFound' || nameOf(error) === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  async *#pages(
    prefix: string,
    options: { recursive: boolean; from?: string | undefined; limit?: number; signal?: AbortSignal | undefined },
  ): AsyncIterable<S3Listed> {
    const { recursive, from, limit, signal } = options;
    for (let token: string | undefined; ; ) {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        MaxKeys: limit ?? UNDER_PAGE_MAX,
        // Keys may hold what XML cannot.
        EncodingType: 'url',
        ...(recursive ? {} : { Delimiter: '/' }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
        ...(from === undefined || token !== undefined ? {} : { StartAfter: from }),
      });
      const page = await this.#send('look', prefix, signal, async (client, abortSignal) => {
        const answer = await client.send(command, { abortSignal });
        if (answer.IsTruncated === undefined) throw new Error(NOT_ITS_OWN);
        return answer;
      });
      const decode = page.EncodingType === 'url' ? (key: string) => decodeURIComponent(key.replaceAll('+', ' ')) : (key: string) => key;
      yield {
        folders: (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => decode(Prefix)),
        files: (page.Contents ?? []).map(({ Key = '', Size = 0, LastModified, ETag = '' }) => ({
          key: decode(Key),
          length: Size,
          modifiedMs: millisecondsOf(LastModified),
          fingerprint: ETag,
        })),
      };
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      if (token === undefined || limit !== undefined) return;
    }
  }

  async #send<T>(
    kind: 'change' | 'look',
    key: string,
    signal: AbortSignal | undefined,
    send: (client: S3Client, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#connection.send({ kind, object: this.#objectOf(key), signal }, send);
      } catch (error) {
        const isUnanswered = isError(error, 'unavailable') || isError(error, 'outcome_unknown');
        if (!isUnanswered || attempt === ATTEMPTS) throw error;
        await sleep(this.#deps.clock, PAUSE_MS * 2 ** attempt * (0.5 + this.#deps.random.float() / 2), signal);
      }
    }
  }

  #object(path: string): string {
    return this.#objectOf(this.#key(path));
  }

  #objectOf(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  #key(path: string): string {
    return this.#prefix + path;
  }

  /** What the keys of all that is in it begin with. */
  #folderKey(path: string): string {
    return path === '' ? this.#prefix : `${this.#prefix}${path}/`;
  }

  #name(path: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#key(path) };
  }
}

/** In whole seconds, as a file's own look-up tells; listings of some servers are finer. */
function millisecondsOf(time: Date | undefined): number {
  return time === undefined ? 0 : Math.floor(time.getTime() / 1000) * 1000;
}

function keysOf(files: S3Listed['files']): string[] {
  return files.map(({ key }) => key);
}
