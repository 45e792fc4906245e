/**
 * Bytes that this worker was sent to be written, and has not written yet. Bounded:
 *
 * - While more wait than the bound, nothing is read from the clients that sent the last of them: whoever sends feels it, and nobody fails.
 * - Other workers, who pass blocks on, are refused beyond a bound of their own: were they held up, workers that pass blocks on to each other could
 *   wait for each other. The copy is left out then, and made up for later.
 */
import { UnderstudyError } from '../base/errors.js';

/** Has nothing read from a connection. @returns how to go on. */
export type HoldReading = () => () => void;

export class WriteQueue {
  readonly #bytesMax: number;
  #bytes = 0;
  #passedOnBytes = 0;
  readonly #heldUp: (() => void)[] = [];

  /** @param bytesMax of clients, and as much of workers. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes + this.#passedOnBytes;
  }

  /** @returns how to say that they are written, or never will be: once. */
  take(bytes: number, holdReading: HoldReading | undefined): () => void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax && holdReading !== undefined) this.#heldUp.push(holdReading());
    return () => {
      this.#bytes -= bytes;
      if (this.#bytes <= this.#bytesMax) for (const goOn of this.#heldUp.splice(0)) goOn();
    };
  }

  /** As `take`, of what another worker passes on. @throws `resource_exhausted`. */
  takePassedOn(bytes: number): () => void {
    if (this.#passedOnBytes + bytes > this.#bytesMax) {
      throw new UnderstudyError('resource_exhausted', `too many bytes that are passed on wait to be written: max=${this.#bytesMax}`);
    }
    this.#passedOnBytes += bytes;
    return () => {
      this.#passedOnBytes -= bytes;
    };
  }
}
