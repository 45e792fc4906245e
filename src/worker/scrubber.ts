/**
 * Reads all blocks now and then, slowly, and drops those that are damaged: a copy that has rotted is found while there are others.
 *
 * After a start the footers are looked at first, in the order of the blocks: that tells files that are missing or were not written whole when the
 * power failed. New blocks are read when their turn comes.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { pieceMemory } from '../base/piece-memory.js';
import { sleep, throwIfAborted } from '../base/wait.js';
import type { HeldBlock } from './block-directory.js';
import type { Shelf } from './shelf.js';

export interface ScrubSettings {
  /** 0: blocks are not read but by those who want them. */
  readonly bytesPerSecond: number;
  /** From the start of one round to the start of the next, at least. */
  readonly intervalMs: number;
}

/** What opening a file costs, as bytes of the rate. */
const FILE_BYTES = 16 * 1024;

export class Scrubber {
  readonly #settings: ScrubSettings;
  readonly #shelf: Shelf;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ended = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Read, and not yet rested for. */
  #owedBytes = 0;

  constructor(settings: ScrubSettings, { shelf, clock, log }: { readonly shelf: Shelf; readonly clock: Clock; readonly log: Log }) {
    this.#settings = settings;
    this.#shelf = shelf;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    if (this.#settings.bytesPerSecond <= 0) return;
    this.#loop = this.#run().catch((error: unknown) => {
      if (!this.#ended.signal.aborted) this.#log.error({ error }, 'blocks are not scrubbed any more');
    });
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    await this.#round(false);
    for (;;) {
      const startMs = this.#clock.monotonicMs();
      await this.#round(true);
      const restMs = startMs + this.#settings.intervalMs - this.#clock.monotonicMs();
      await sleep(this.#clock, Math.max(1000, restMs), this.#ended.signal);
    }
  }

  async #round(whole: boolean): Promise<void> {
    for (const block of this.#shelf.blocks) if (!block.isGone) await this.#check(block, whole);
  }

  async #check(block: HeldBlock, whole: boolean): Promise<void> {
    this.#shelf.retain(block);
    try {
      await using file = await this.#shelf.openFile(block);
      await this.#rest(FILE_BYTES);
      if (whole) {
        for await (const { bytes } of file.pieces(0, block.bytes)) {
          pieceMemory.give(bytes);
          await this.#rest(bytes.length);
        }
      }
    } catch (error) {
      throwIfAborted(this.#ended.signal);
      this.#shelf.damaged(block, error);
    } finally {
      await this.#shelf.release(block);
    }
  }

  /** Rests as long as so many bytes may take, ten times a second at most. */
  async #rest(bytes: number): Promise<void> {
    this.#owedBytes += bytes;
    const restMs = (1000 * this.#owedBytes) / this.#settings.bytesPerSecond;
    if (restMs < 100) return;
    this.#owedBytes = 0;
    await sleep(this.#clock, restMs, this.#ended.signal);
  }
}
