/** Copies within a bucket, of objects of any size: S3 copies no more than 5 GiB in one request, larger ones are put together of parts. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { NOT_ITS_OWN } from '../s3/s3-connection.js';

/** Most bytes that one request copies. */
export const COPY_BYTES_MAX = 5 * 1024 ** 3;
const PART_BYTES_MAX = 1024 ** 3;
const PARTS_IN_FLIGHT = 4;

export interface S3Copy {
  readonly bucket: string;
  readonly from: string;
  readonly to: string;
  /** Of the source, bytes. */
  readonly length: number;
}

/** Sends one request, as often as it takes. */
export type SendChange = <T>(key: string, send: (client: S3Client, abortSignal: AbortSignal) => Promise<T>) => Promise<T>;

/** @param bytesMax copied by one request. A copy in parts that fails leaves nothing, unless the process ends. */
export async function copyObject(copy: S3Copy, send: SendChange, bytesMax: number = COPY_BYTES_MAX): Promise<void> {
  if (copy.length > bytesMax) return await copyInParts(copy, send, Math.min(bytesMax, PART_BYTES_MAX));
  const command = new CopyObjectCommand({ Bucket: copy.bucket, Key: copy.to, CopySource: sourceOf(copy) });
  await send(copy.from, async (client, abortSignal) => {
    const { CopyObjectResult } = await client.send(command, { abortSignal });
    if (CopyObjectResult?.ETag === undefined) throw new Error(NOT_ITS_OWN);
  });
}

async function copyInParts(copy: S3Copy, send: SendChange, partBytes: number): Promise<void> {
  const object = { Bucket: copy.bucket, Key: copy.to };
  const upload = await send(copy.to, async (client, abortSignal) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(object), { abortSignal });
    if (UploadId === undefined) throw new Error(NOT_ITS_OWN);
    return { ...object, UploadId };
  });
  try {
    const Parts: { PartNumber: number; ETag: string }[] = [];
    const count = Math.ceil(copy.length / partBytes);
    for (let first = 0; first < count; first += PARTS_IN_FLIGHT) {
      const numbers = Array.from({ length: Math.min(PARTS_IN_FLIGHT, count - first) }, (_, at) => first + at);
      Parts.push(...(await Promise.all(numbers.map((number) => copyPart(copy, { upload, number, partBytes }, send)))));
    }
    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
    await send(copy.to, async (client, abortSignal) => {
      const { ETag } = await client.send(complete, { abortSignal });
      if (ETag === undefined) throw new Error(NOT_ITS_OWN);
    });
  } catch (error) {
    // It may have been completed, by a request whose answer was lost: then there is nothing to abort.
    await send(copy.to, (client, abortSignal) => client.send(new AbortMultipartUploadCommand(upload), { abortSignal })).catch(() => {});
    throw error;
  }
}

interface Part {
  readonly upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };
  /** From 0. */
  readonly number: number;
  readonly partBytes: number;
}

async function copyPart(
  copy: S3Copy,
  { upload, number, partBytes }: Part,
  send: SendChange,
): Promise<{ PartNumber: number; ETag: string }> {
  const first = number * partBytes;
  const CopySourceRange = `bytes=${first}-${Math.min(first + partBytes, copy.length) - 1}`;
  const PartNumber = number + 1;
  const command = new UploadPartCopyCommand({ ...upload, PartNumber, CopySource: sourceOf(copy), CopySourceRange });
  return await send(copy.to, async (client, abortSignal) => {
    const { CopyPartResult } = await client.send(command, { abortSignal });
    if (CopyPartResult?.ETag === undefined) throw new Error(NOT_ITS_OWN);
    return { PartNumber, ETag: CopyPartResult.ETag };
  });
}

function sourceOf({ bucket, from }: S3Copy): string {
  return `${bucket}/${from}`.split('/').map(encodeURIComponent).join('/');
}
