/**
 * Objects put together of parts as their bytes come: a few parts are under way at a time, and no more of the object is in memory.
 *
 * An upload that fails is aborted, so that nobody pays for its parts. One whose process ends before that stays behind, unseen.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { isError, UnderstudyError } from '../base/errors.js';
import { NOT_ITS_OWN } from '../s3/s3-connection.js';
import type { SendChange } from './s3-copy.js';

/** S3 wants no less than 5 MiB, the last part apart. */
const PART_BYTES = 8 << 20;
/** What S3 allows of one object. */
const PARTS_MAX = 10_000;
const PARTS_IN_FLIGHT = 3;

export interface S3Upload {
  readonly bucket: string;
  readonly key: string;
  /** As many bytes as `length` says. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly length: number;
}

interface Object {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
}

/** @param putWhole makes the object by one request. @returns its ETag. */
export async function uploadObject(upload: S3Upload, send: SendChange, putWhole: (bytes: Uint8Array) => Promise<string>): Promise<string> {
  const partBytes = Math.max(PART_BYTES, Math.ceil(upload.length / PARTS_MAX));
  const parts = partsOf(upload.chunks, Math.min(partBytes, upload.length));
  if (upload.length > partBytes) return await uploadInParts(upload, parts, send);
  let whole: Uint8Array = new Uint8Array(0);
  for await (const bytes of parts) whole = bytes;
  return await putWhole(whole);
}

async function uploadInParts({ bucket, key, length }: S3Upload, parts: AsyncIterable<Uint8Array>, send: SendChange): Promise<string> {
  const object = await send(key, async (client, abortSignal) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }), { abortSignal });
    if (UploadId === undefined) throw new Error(NOT_ITS_OWN);
    return { Bucket: bucket, Key: key, UploadId };
  });
  try {
    return await complete(object, await sendParts(object, parts, send), length, send);
  } catch (error) {
    await send(key, (client, abortSignal) => client.send(new AbortMultipartUploadCommand(object), { abortSignal })).catch(() => {});
    throw error;
  }
}

/** Returns, and throws, only once none is under way any more: an upload that is aborted before its last part comes is not rid of that. */
async function sendParts(object: Object, parts: AsyncIterable<Uint8Array>, send: SendChange): Promise<Part[]> {
  const sent: Part[] = [];
  const underWay = new Set<Promise<void>>();
  let count = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const bytes of parts) {
      const at = count++;
      const one: Promise<void> = sendPart(object, at + 1, bytes, send)
        .then(
          (part) => {
            sent[at] = part;
          },
          (error) => {
            failure ??= { error };
          },
        )
        .finally(() => underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= PARTS_IN_FLIGHT) await Promise.race(underWay);
      if (failure !== undefined) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failure !== undefined) throw failure.error;
  return sent;
}

async function sendPart(object: Object, PartNumber: number, Body: Uint8Array, send: SendChange): Promise<Part> {
  const command = new UploadPartCommand({ ...object, PartNumber, Body, ContentLength: Body.length });
  return await send(object.Key, async (client, abortSignal) => {
    const { ETag } = await client.send(command, { abortSignal });
    if (ETag === undefined) throw new Error(NOT_ITS_OWN);
    return { PartNumber, ETag };
  });
}

/** Sent again after an answer that was lost, it may find no upload: then the object tells by its parts and length whether it is this one. */
async function complete(object: Object, parts: readonly Part[], length: number, send: SendChange): Promise<string> {
  const command = new CompleteMultipartUploadCommand({ ...object, MultipartUpload: { Parts: [...parts] } });
  try {
    return await send(object.Key, async (client, abortSignal) => {
      const { ETag } = await client.send(command, { abortSignal });
      if (ETag === undefined) throw new Error(NOT_ITS_OWN);
      return ETag;
    });
  } catch (error) {
    if (!isError(error, 'failed_precondition') || !error.message.includes(': NoSuchUpload (')) throw error;
    const { Bucket, Key } = object;
    const { ETag, ContentLength } = await send(Key, (client, abortSignal) =>
      client.send(new HeadObjectCommand({ Bucket, Key }), { abortSignal }),
    );
    if (ContentLength === length && ETag?.endsWith(`-${parts.length}"`)) return ETag;
    throw new UnderstudyError('unavailable', `the upload was given up by others: object=s3://${Bucket}/${Key}`, { cause: error });
  }
}

/** In buffers of their own, each of `partBytes` but the last. */
async function* partsOf(chunks: AsyncIterable<Uint8Array>, partBytes: number): AsyncIterable<Uint8Array> {
  let part: Buffer | undefined;
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      part ??= Buffer.allocUnsafe(partBytes);
      const taken = Math.min(chunk.length - at, partBytes - filled);
      part.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < partBytes) continue;
      yield part;
      part = undefined;
      filled = 0;
    }
  }
  if (part !== undefined) yield part.subarray(0, filled);
}
