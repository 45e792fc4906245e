/**
 * Writes a complete file to mounted storage, aside, and has the masters put it into its place.
 *
 * The part has the same name and the same bytes whoever writes it: one that is there whole is not written again, and what was committed before is
 * committed once. A part that is refused, because the file was written to meanwhile or is gone, is left to the masters, who know whether
 * its rename waits.
 */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Counter, type Metrics, noMetrics } from '../base/metrics.js';
import { blockIdOf } from '../blocks/block-id.js';
import type { Piece } from '../blocks/block-store.js';
import { type BlockSourceDeps, wholeBlock } from './block-source.js';
import type { FetchBlock } from './data-service.js';
import type { UnderMounts } from './under-mounts.js';

/** What is told to the masters. */
export interface WrittenPart {
  readonly inodeId: number;
  readonly generation: number;
  readonly length: number;
  readonly mountId: number;
  readonly part: string;
}

export interface PersistFilesDeps extends BlockSourceDeps {
  readonly mounts: Pick<UnderMounts, 'store'>;
  readonly fetch: FetchBlock;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** @throws what the masters refuse it with; `unavailable`: it comes again. */
  readonly commit: (written: WrittenPart) => Promise<void>;
}

export class PersistFiles {
  readonly #deps: PersistFilesDeps;
  readonly #bytes: Counter;

  constructor(deps: PersistFilesDeps) {
    const { metrics = noMetrics } = deps;
    this.#deps = deps;
    this.#bytes = metrics.counter('understudy_worker_under_written_bytes_total', 'Bytes that were written to mounted storage.');
  }

  /** @throws `unavailable`: a block, the storage or the masters; what the masters refuse it with. */
  async persist(command: understudy.PersistFile.$Properties, signal: AbortSignal): Promise<void> {
    const { inodeId, generation, mountId, part, length } = written(command);
    const { mounts, log, commit } = this.#deps;
    const store = await mounts.store(mountId, signal);
    const there = await store.stat(part, signal);
    if (there?.isDirectory !== false || there.length !== length)
      await store.write(part, this.#bytesOf(command, signal), { length, signal });
    await commit({ inodeId, generation, length, mountId, part });
    log.info({ inodeId, generation, bytes: length, store: store.location }, 'a file was persisted');
  }

  async *#bytesOf(command: understudy.PersistFile.$Properties, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const length = command.length ?? 0;
    let at = 0;
    for (const block of command.blocks ?? []) {
      const [offset, blockLength] = [block.offset ?? 0, block.length ?? 0];
      if (offset !== at)
        throw new UnderstudyError('invalid_argument', `the blocks to be persisted leave a gap: offset=${at} next=${offset}`);
      let left = blockLength;
      for await (const piece of this.#piecesOf(block, command.under, signal)) {
        // Of a file that was cut a block may have more bytes.
        const bytes = piece.bytes.subarray(0, left);
        left -= bytes.length;
        this.#bytes.add(bytes.length);
        yield bytes;
      }
      at += blockLength;
    }
    if (at !== length)
      throw new UnderstudyError('invalid_argument', `the blocks to be persisted are not the file: bytes=${at} length=${length}`);
  }

  /** From workers; what none of them holds, from where mounted storage has it still. */
  #piecesOf(
    location: understudy.BlockLocation.$Properties,
    from: understudy.UnderFile.$Properties | null | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Piece> {
    const block = blockIdOf(location);
    const [offset, length, workers] = [location.offset ?? 0, location.length ?? 0, location.workers ?? []];
    if (workers.length > 0 || from == null) return wholeBlock(this.#deps, block, length, workers, signal);
    const { mountId = 0, path = '', length: fileLength = 0, modifiedMs = 0 } = from;
    const under = { mountId, path, fileLength, modifiedMs, offset, length };
    return this.#deps.fetch({ block, under, offset: 0, length, readType: 'NO_CACHE' }, signal);
  }
}

function written({ inodeId, generation, mountId, part, length }: understudy.PersistFile.$Properties): WrittenPart {
  return { inodeId: inodeId ?? 0, generation: generation ?? 0, length: length ?? 0, mountId: mountId ?? 0, part: part ?? '' };
}
