/** Where histories go. */
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { HistoryEvent } from './events.js';
import type { HistorySink } from './recorder.js';

/** Keeps all of it: for what is short. */
export class MemorySink implements HistorySink {
  readonly events: HistoryEvent[] = [];

  take(event: HistoryEvent): void {
    this.events.push(event);
  }
}

/** Buffered lines are written when there are so many characters. */
const CHUNK_CHARACTERS = 65_536;

/** One line an event. A disk that does not keep up is noticed by `room`, which who makes events awaits now and then. */
export class FileSink implements HistorySink {
  readonly #stream: WriteStream;
  #lines: string[] = [];
  #characters = 0;
  #problem: Error | undefined;

  constructor(path: string) {
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (error) => {
      this.#problem = error;
    });
  }

  take(event: HistoryEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters >= CHUNK_CHARACTERS) this.#write();
  }

  /** Resolves when little waits to be written. @throws what writing failed with. */
  async room(): Promise<void> {
    if (this.#problem !== undefined) throw this.#problem;
    if (this.#stream.writableNeedDrain) await once(this.#stream, 'drain');
  }

  /** Resolves when all of it is in the file. */
  async close(): Promise<void> {
    this.#write();
    this.#stream.end();
    await once(this.#stream, 'close');
    if (this.#problem !== undefined) throw this.#problem;
  }

  #write(): void {
    this.#stream.write(this.#lines.join(''));
    this.#lines = [];
    this.#characters = 0;
  }
}
