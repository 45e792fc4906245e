/**
 * Blocks that clients are writing on this worker. Each goes with the connection that opened it, or after a time of silence.
 *
 * Bounded: so many at once; what comes on top is refused with `resource_exhausted`. How many bytes wait to be written is bounded by `WriteQueue`.
 */
import type { Clock, Timer } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Piece } from '../blocks/block-store.js';
import type { Writing } from './writing.js';

export interface WritingsSettings {
  readonly writingsMax: number;
  /** A writer that says nothing for so long is gone. */
  readonly silenceMs: number;
}

interface Held {
  readonly writing: Writing;
  readonly owner: AbortSignal;
  readonly ownerLost: () => void;
  usedMs: number;
  calls: number;
}

const SWEEPS_PER_SILENCE = 4;

export class Writings {
  readonly #settings: WritingsSettings;
  readonly #clock: Clock;
  readonly #held = new Map<number, Held>();
  #last = 0;
  /** Those that are being opened, too. */
  #count = 0;
  #timer: Timer | undefined;
  readonly #dropping = new Set<Promise<void>>();
  #closed = false;

  constructor(settings: WritingsSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Takes in what `open` opens, which is `owner`'s. @returns its number.
   *
   * @throws `resource_exhausted`; `cancelled`: the owner is gone; as `open`.
   */
  async open(owner: AbortSignal, open: () => Promise<Writing>): Promise<number> {
    const { writingsMax } = this.#settings;
    if (this.#count >= writingsMax) throw exhausted('too many blocks are being written', `max=${writingsMax}`);
    this.#count += 1;
    try {
      const writing = await open();
      if (this.#closed || owner.aborted) {
        await writing.drop();
        throw new UnderstudyError('cancelled', 'the writer is gone');
      }
      this.#last += 1;
      const number = this.#last;
      const ownerLost = () => void this.drop(number, owner);
      owner.addEventListener('abort', ownerLost, { once: true });
      this.#held.set(number, { writing, owner, ownerLost, usedMs: this.#clock.monotonicMs(), calls: 0 });
      this.#arm();
      return number;
    } catch (error) {
      this.#count -= 1;
      throw error;
    }
  }

  /** @returns how many bytes are written. @throws `not_found`; as `Writing.write`: it is dropped then. */
  async write(number: number, owner: AbortSignal, piece: Piece): Promise<number> {
    const held = this.#get(number, owner);
    return this.#use(number, held, () => held.writing.write(piece));
  }

  /** So many bytes are in the file that was lent. @throws `not_found`; as `Writing.noteLent`: it is dropped then. */
  async noteLent(number: number, owner: AbortSignal, bytes: number): Promise<void> {
    const held = this.#get(number, owner);
    await this.#use(number, held, async () => held.writing.noteLent(bytes));
  }

  /** @returns who holds it now. @throws `not_found`; as `Writing.seal`: it is dropped then. */
  async seal(number: number, owner: AbortSignal, length: number): Promise<readonly string[]> {
    const held = this.#get(number, owner);
    return this.#use(number, held, async () => {
      const workers = await held.writing.seal(length);
      this.#forget(number);
      return workers;
    });
  }

  /** Idempotent; resolves when nothing is left of it. */
  async drop(number: number, owner: AbortSignal): Promise<void> {
    const held = this.#held.get(number);
    if (held === undefined || held.owner !== owner) return;
    this.#forget(number);
    // The store itself says what its disks refuse; what is left there goes at its next start.
    const dropping: Promise<void> = held.writing
      .drop()
      .catch(() => {})
      .finally(() => this.#dropping.delete(dropping));
    this.#dropping.add(dropping);
    await dropping;
  }

  /** Drops all. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    for (const [number, { owner }] of this.#held) void this.drop(number, owner);
    await Promise.all(this.#dropping);
  }

  async #use<T>(number: number, held: Held, work: () => Promise<T>): Promise<T> {
    held.calls += 1;
    try {
      return await work();
    } catch (error) {
      await this.drop(number, held.owner);
      throw error;
    } finally {
      held.calls -= 1;
      held.usedMs = this.#clock.monotonicMs();
    }
  }

  #get(number: number, owner: AbortSignal): Held {
    const held = this.#held.get(number);
    if (held !== undefined && held.owner === owner) return held;
    throw new UnderstudyError('not_found', `no such block is being written: writing=${number}`);
  }

  #forget(number: number): void {
    const held = this.#held.get(number);
    if (held === undefined) return;
    held.owner.removeEventListener('abort', held.ownerLost);
    this.#held.delete(number);
    this.#count -= 1;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = this.#clock.setTimer(this.#settings.silenceMs / SWEEPS_PER_SILENCE, () => {
      this.#timer = undefined;
      const oldestMs = this.#clock.monotonicMs() - this.#settings.silenceMs;
      for (const [number, { calls, usedMs, owner }] of this.#held) if (calls === 0 && usedMs < oldestMs) void this.drop(number, owner);
      if (this.#held.size > 0) this.#arm();
    });
  }
}

function exhausted(message: string, values: string): UnderstudyError {
  return new UnderstudyError('resource_exhausted', `${message}: ${values}`);
}
