/**
 * Blocks whose files clients of this host read by themselves: kept from eviction until the client says that it is done, or is gone.
 *
 * Bounded, at a connection and in all: beyond, a client reads over its connection.
 */
import type { BlockReader } from '../blocks/block-store.js';

const PINS_MAX = 8_192;
const PINS_PER_CONNECTION_MAX = 512;

export class Pins {
  readonly #connections = new Map<AbortSignal, Map<number, BlockReader>>();
  #last = 0;
  #count = 0;

  hasRoom(connection: AbortSignal): boolean {
    const ofConnection = this.#connections.get(connection)?.size ?? 0;
    return !connection.aborted && this.#count < PINS_MAX && ofConnection < PINS_PER_CONNECTION_MAX;
  }

  /** Keeps `reader`, which is closed here. @returns the pin's number. */
  add(connection: AbortSignal, reader: BlockReader): number {
    let pins = this.#connections.get(connection);
    if (pins === undefined) {
      pins = new Map();
      this.#connections.set(connection, pins);
      connection.addEventListener('abort', () => this.#releaseAll(connection), { once: true });
    }
    this.#last += 1;
    this.#count += 1;
    pins.set(this.#last, reader);
    return this.#last;
  }

  async release(connection: AbortSignal, pin: number): Promise<void> {
    const pins = this.#connections.get(connection);
    const reader = pins?.get(pin);
    if (reader === undefined) return;
    pins?.delete(pin);
    this.#count -= 1;
    // Whoever pinned it is not told of a file that cannot be closed.
    await reader[Symbol.asyncDispose]().then(
      () => {},
      () => {},
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((connection) => this.#releaseAll(connection)));
  }

  async #releaseAll(connection: AbortSignal): Promise<void> {
    const pins = this.#connections.get(connection) ?? new Map<number, BlockReader>();
    await Promise.all([...pins.keys()].map((pin) => this.release(connection, pin)));
    this.#connections.delete(connection);
  }
}
