/**
 * Chance from a seed (sfc32): the same seed yields the same world. `fork` gives each part of a world its own stream, so that one part
 * asking more often, or not being there, does not change what the others get.
 */
import type { Random } from '../../src/base/random.js';

export class SeededRandom implements Random {
  readonly #state: Uint32Array;
  readonly #seed: number;
  readonly #stream: string;

  constructor(seed: number, stream = '') {
    this.#seed = seed;
    this.#stream = stream;
    let hash = 0x811c9dc5;
    for (const character of `${stream}/${seed}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    this.#state = new Uint32Array([seed >>> 0, Math.floor(seed / 2 ** 32), hash, 1]);
    for (let round = 0; round < 16; round++) this.#next();
  }

  /** @returns an independent stream: a function of the seed, of this one's name and of `name`, whatever this one was asked before. */
  fork(name: string): SeededRandom {
    return new SeededRandom(this.#seed, `${this.#stream}/${name}`);
  }

  float(): number {
    return this.#next() / 2 ** 32;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#next() & 255);
  }

  /** @returns a whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.float() * limit);
  }

  /** @returns a number in [from, to), small ones more often: their logarithm is uniform. */
  between(from: number, to: number): number {
    return from * (to / from) ** this.float();
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('nothing to pick from');
    return from[this.below(from.length)] as T;
  }

  #next(): number {
    const s = this.#state as unknown as [number, number, number, number];
    const sum = (s[0] + s[1] + s[3]) >>> 0;
    s[3] = s[3] + 1;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + sum;
    return sum;
  }
}
