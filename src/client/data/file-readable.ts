import { Readable } from 'node:stream';
import { asError } from '../../base/errors.js';

/** A file's bytes as a stream of Node: what is under way is given up when the stream is destroyed. */
export class FileReadable extends Readable {
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  readonly #giveUp = new AbortController();

  constructor(chunks: (signal: AbortSignal) => AsyncGenerator<Uint8Array, void, undefined>, signal?: AbortSignal) {
    super({ highWaterMark: 1024 * 1024, ...(signal === undefined ? {} : { signal }) });
    this.#chunks = chunks(this.#giveUp.signal);
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ done, value }) => {
        if (!this.destroyed) this.push(done ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      },
      (error: unknown) => this.destroy(asError(error)),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#giveUp.abort();
    this.#chunks.return().then(
      () => done(error),
      () => done(error),
    );
  }
}
