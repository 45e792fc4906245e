/**
 * The object store over S3's protocol. One request a call, never sent again: only the journal knows what may be. No checksums of S3's:
 * objects carry their own.
 */
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Clock } from '../base/clock.js';
import { NOT_ITS_OWN, nameOf, S3Connection, type S3ConnectionSettings } from '../s3/s3-connection.js';
import { type Created, LIST_PAGE_MAX, type ListPage, type ListRequest, type ObjectStore } from './object-store.js';

export interface S3ObjectStoreSettings extends S3ConnectionSettings {
  readonly bucket: string;
  /** Put before every key, with its slash at the end; empty for none. */
  readonly prefix: string;
}

export class S3ObjectStore implements ObjectStore {
  readonly location: string;
  readonly #connection: S3Connection;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(settings: S3ObjectStoreSettings, deps: { readonly clock: Clock }) {
    const { bucket, prefix } = settings;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.location = `s3://${bucket}/${prefix}`;
    this.#connection = new S3Connection(settings, deps);
  }

  async create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<Created> {
    const { VersionId } = await this.#put(key, bytes, '*', signal);
    return { isVersioned: VersionId !== undefined && VersionId !== '' && VersionId !== 'null' };
  }

  async put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#put(key, bytes, undefined, signal);
  }

  #put(key: string, bytes: Uint8Array, ifNoneMatch: '*' | undefined, signal: AbortSignal | undefined) {
    const condition = ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch };
    const command = new PutObjectCommand({ ...this.#name(key), Body: bytes, ContentLength: bytes.length, ...condition });
    return this.#connection.send(this.#request('change', key, signal), async (client, abortSignal) => {
      const answer = await client.send(command, { abortSignal });
      if (answer.ETag === undefined) throw new Error(NOT_ITS_OWN);
      return answer;
    });
  }

  async get(key: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    const command = new GetObjectCommand(this.#name(key));
    return this.#connection.send(this.#request('look', key, signal), async (client, abortSignal) => {
      try {
        const { Body, ContentLength } = await client.send(command, { abortSignal });
        if (Body === undefined) throw new Error('an answer without a body');
        const bytes = Buffer.from((await Body.transformToByteArray()) as Uint8Array<ArrayBuffer>);
        if (ContentLength !== undefined && bytes.length !== ContentLength) throw new Error('an answer cut short');
        return bytes;
      } catch (error) {
        if (nameOf(error) === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    const { prefix, startAfter, limit = LIST_PAGE_MAX } = request;
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: this.#prefix + prefix,
      MaxKeys: Math.min(limit, LIST_PAGE_MAX),
      ...(startAfter === undefined ? {} : { StartAfter: this.#prefix + startAfter }),
    });
    const page = await this.#connection.send(this.#request('look', prefix, signal), async (client, abortSignal) => {
      const answer = await client.send(command, { abortSignal });
      if (answer.IsTruncated === undefined) throw new Error(NOT_ITS_OWN);
      return answer;
    });
    const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key.slice(this.#prefix.length)]));
    return { keys, isTruncated: page.IsTruncated === true };
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand(this.#name(key));
    await this.#connection.send(this.#request('change', key, signal), (client, abortSignal) => client.send(command, { abortSignal }));
  }

  #request(kind: 'change' | 'look', key: string, signal: AbortSignal | undefined) {
    return { kind, object: `${this.location}${key}`, signal };
  }

  #name(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
