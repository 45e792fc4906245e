/**
 * Checkpoints on an object store. One is a row of parts and, written last, a manifest: who finds that finds all.
 *
 *     <incarnation>/checkpoint/<sn>-<id>/00000000, 00000001 …      the bytes, cut into parts of 8 MiB
 *     <incarnation>/checkpoint/<sn>-<id>/manifest                  checkpoint-manifest.ts
 */
import { asError, UnderstudyError } from '../base/errors.js';
import { throwIfAborted } from '../base/wait.js';
import { decodeManifest, encodeManifest } from './checkpoint-manifest.js';
import type { CheckpointRef, Checkpoints, Retention } from './checkpoints.js';
import { checkpointPrefix } from './object-layout.js';
import type { ObjectJournalParts } from './object-parts.js';
import { insistently } from './persistence.js';

const PART_BYTES = 8 << 20;
/** Parts that are fetched before they are asked for. */
const PARTS_AHEAD = 2;

export class ObjectCheckpoints implements Checkpoints {
  readonly #parts: ObjectJournalParts;

  constructor(parts: ObjectJournalParts) {
    this.#parts = parts;
  }

  async published(signal?: AbortSignal): Promise<Retention> {
    return (await this.#parts.boundaries.newest(signal)).retention;
  }

  write(
    sn: CheckpointRef['sn'],
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<CheckpointRef & { readonly bytes: number }> {
    return this.store({ sn, id: Buffer.from(this.#parts.context.deps.random.bytes(16)).toString('hex') }, chunks, signal);
  }

  /** As `write`, under a name that another journal gave. */
  async store(
    { sn, id }: CheckpointRef,
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<CheckpointRef & { readonly bytes: number }> {
    const { deps, format } = this.#parts.context;
    const prefix = checkpointPrefix(format, sn, id);
    let count = 0;
    let bytes = 0;
    try {
      for await (const part of partsOf(chunks)) {
        throwIfAborted(signal);
        await this.#put(prefix + partName(count), part, signal);
        count += 1;
        bytes += part.length;
      }
      throwIfAborted(signal);
      await this.#put(`${prefix}manifest`, encodeManifest({ parts: count, bytes }), signal);
    } catch (error) {
      for (let part = 0; part <= count; part++) await deps.store.delete(prefix + partName(part)).catch(() => undefined);
      throw error;
    }
    return { sn, id, bytes };
  }

  /** The name is ours alone and the bytes are the same: it may be sent as often as it takes. */
  async #put(key: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { deps } = this.#parts.context;
    try {
      await insistently(deps, () => deps.store.put(key, bytes, signal), signal);
    } catch (error) {
      throwIfAborted(signal);
      throw new UnderstudyError('unavailable', `a checkpoint cannot be stored: ${asError(error).message}`, { cause: error });
    }
  }

  async *read(checkpoint: CheckpointRef, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const prefix = checkpointPrefix(this.#parts.context.format, checkpoint.sn, checkpoint.id);
    const { parts: count } = decodeManifest(await this.#get(`${prefix}manifest`, signal), `object=${prefix}manifest`);
    const ahead: Promise<Buffer>[] = [];
    for (let next = 0, part = 0; part < count; part++) {
      for (; next < count && next <= part + PARTS_AHEAD; next++) {
        const fetched = this.#get(prefix + partName(next), signal);
        fetched.catch(() => undefined);
        ahead.push(fetched);
      }
      yield await (ahead.shift() as Promise<Buffer>);
    }
  }

  async #get(key: string, signal: AbortSignal | undefined): Promise<Buffer> {
    const { deps } = this.#parts.context;
    const bytes = await insistently(deps, () => deps.store.get(key, signal), signal);
    if (bytes === undefined) throw new UnderstudyError('not_found', `no such checkpoint: object=${deps.store.location}${key}`);
    return bytes;
  }
}

const partName = (part: number): string => String(part).padStart(8, '0');

/** Regroups chunks of any size into parts of 8 MiB. */
async function* partsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  let part = Buffer.allocUnsafeSlow(PART_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const some = chunk.subarray(at, at + PART_BYTES - filled);
      part.set(some, filled);
      filled += some.length;
      at += some.length;
      if (filled < PART_BYTES) continue;
      yield part;
      part = Buffer.allocUnsafeSlow(PART_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
