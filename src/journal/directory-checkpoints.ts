/**
 * Checkpoints beside the log of a directory journal: `checkpoint/<sn>-<id>.ckpt`, a header page that tells the length, then the bytes.
 *
 * A file's name says nothing: it counts once an entry of the log names it, and that entry is made only when the file is whole and durable. So
 * it is written under its own name, and what a crash leaves is a left-over like any other that is not named: collected once the boundary has
 * passed it. A reader believes the header, never the file's size; what is missing or short is looked at again before it counts.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { errnoOf, isGone, type OpenFile, PAGE_BYTES } from '../base/files.js';
import type { Sequence } from '../base/ids.js';
import { sleep, throwIfAborted } from '../base/wait.js';
import type { CheckpointRef, Checkpoints, Retention } from './checkpoints.js';
import { checkpointFolder, checkpointPath, type DirectoryContext } from './directory-layout.js';
import { newestRetention } from './directory-retention.js';
import { Ledger } from './ledger.js';
import { decodeCheckpointHeader, encodeCheckpointHeader } from './page-format.js';
import { retryStale, StaleLooks } from './stale-read.js';

/** Read and written at a time. */
const CHUNK_BYTES = 1 << 20;
/** Written between two syncs: appends share the disk. */
const SYNC_BYTES = 8 << 20;

export class DirectoryCheckpoints implements Checkpoints {
  readonly #context: DirectoryContext;
  readonly #closing: AbortSignal;

  constructor(context: DirectoryContext, closing: AbortSignal) {
    this.#context = context;
    this.#closing = closing;
  }

  async published(signal?: AbortSignal): Promise<Retention> {
    return retryStale(this.#context, async () => {
      throwIfAborted(this.#until(signal));
      await using ledger = await Ledger.open(this.#context);
      return await newestRetention(ledger, await ledger.fenceBoundary());
    });
  }

  write(sn: Sequence, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<CheckpointRef & { readonly bytes: number }> {
    return this.store({ sn, id: Buffer.from(this.#context.deps.random.bytes(16)).toString('hex') }, chunks, signal);
  }

  /** As `write`, under a name that another journal gave. */
  async store(
    ref: CheckpointRef,
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<CheckpointRef & { readonly bytes: number }> {
    const { files } = this.#context.deps;
    const { folder } = this.#context.settings;
    const at = checkpointPath(folder, ref);
    try {
      await using file = await files.open(at, { write: true, create: 'exclusive' });
      const bytes = await this.#fill(file, chunks, this.#until(signal));
      await file.writeAll(encodeCheckpointHeader({ ...ref, bytes, incarnation: this.#context.incarnation }), 0);
      await file.sync();
      await files.syncFolder(checkpointFolder(folder));
      return { ...ref, bytes };
    } catch (error) {
      await files.removeFile(at).catch(() => undefined);
      throw error;
    }
  }

  /** @returns how many bytes there were. The file ends on a page. */
  async #fill(file: OpenFile, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
    const pending = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    let filled = 0;
    let written = 0;
    const flush = async (bytes: number): Promise<void> => {
      throwIfAborted(signal);
      await file.writeAll(pending.subarray(0, bytes), PAGE_BYTES + written);
      written += bytes;
      filled = 0;
      if (written % SYNC_BYTES === 0) await file.dataSync();
    };
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.length; ) {
        const part = chunk.subarray(from, from + CHUNK_BYTES - filled);
        pending.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled === CHUNK_BYTES) await flush(CHUNK_BYTES);
      }
    }
    const bytes = written + filled;
    const padded = Math.ceil(filled / PAGE_BYTES) * PAGE_BYTES;
    pending.fill(0, filled, padded);
    await flush(padded);
    return bytes;
  }

  async *read(checkpoint: CheckpointRef, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const until = this.#until(signal);
    const looks = new StaleLooks(this.#context);
    for (let at = 0; ; ) {
      try {
        throwIfAborted(until);
        for await (const chunk of this.#readFrom(checkpoint, at, until)) {
          looks.completed();
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        throwIfAborted(until);
        await sleep(this.#context.deps.clock, this.#pauseAfter(checkpoint, looks, error), until);
      }
    }
  }

  #pauseAfter(checkpoint: CheckpointRef, looks: StaleLooks, error: unknown): number {
    try {
      return looks.pauseAfter(error);
    } catch (last) {
      if (!isGone(last)) throw last;
      throw new UnderstudyError('not_found', `there is no such checkpoint: sn=${checkpoint.sn} id=${checkpoint.id}`, { cause: last });
    }
  }

  async *#readFrom(checkpoint: CheckpointRef, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const { deps, settings, direct } = this.#context;
    await using file = await deps.files.open(checkpointPath(settings.folder, checkpoint), { direct });
    const aligned = file.buffers.take(CHUNK_BYTES);
    try {
      const page = aligned.subarray(0, PAGE_BYTES);
      await file.readExactly(page, 0).catch(cutShort);
      const header = decodeCheckpointHeader(page, `file=${file.path}`);
      if (header?.sn !== checkpoint.sn || header.id !== checkpoint.id)
        throw new UnderstudyError('corrupt', `the head of a checkpoint is damaged: file=${file.path} offset=0 sn=${checkpoint.sn}`);
      for (let at = from; at < header.bytes; at += CHUNK_BYTES) {
        throwIfAborted(signal);
        const bytes = Math.min(CHUNK_BYTES, header.bytes - at);
        await file.readExactly(aligned.subarray(0, Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES), PAGE_BYTES + at).catch(cutShort);
        yield Uint8Array.from(aligned.subarray(0, bytes));
      }
    } finally {
      file.buffers.give(aligned);
    }
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing : AbortSignal.any([this.#closing, signal]);
  }
}

/** @throws `corrupt` for a file that ends before it should, which is no storage that does not answer. */
function cutShort(error: unknown): never {
  if (!isError(error, 'unavailable') || errnoOf(error) !== undefined) throw error;
  throw new UnderstudyError('corrupt', `a checkpoint is cut short: ${error.message}`, { cause: error });
}
