/**
 * The digest of a state: a sum over its rows, so that it does not depend on their order and changes with each put by what that put changed.
 *
 * Each row adds two 32-bit hashes of its key and value (multiply and fold, two seeds). It tells states apart that differ by damage or by
 * a defect; it is no defence against somebody who wants two states to collide.
 */
export interface Digest {
  /** Each 0 to 2^32 - 1. */
  readonly low: number;
  readonly high: number;
}

export const EMPTY_DIGEST: Digest = { low: 0, high: 0 };

/** A digest being changed row by row. */
export class DigestSum {
  #low: number;
  #high: number;

  constructor(from: Digest = EMPTY_DIGEST) {
    this.#low = from.low;
    this.#high = from.high;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    this.#low = (this.#low + hash(key, value, 0x2545f491)) >>> 0;
    this.#high = (this.#high + hash(key, value, 0x9e3779b1)) >>> 0;
  }

  remove(key: Uint8Array, value: Uint8Array): void {
    this.#low = (this.#low - hash(key, value, 0x2545f491)) >>> 0;
    this.#high = (this.#high - hash(key, value, 0x9e3779b1)) >>> 0;
  }

  value(): Digest {
    return { low: this.#low, high: this.#high };
  }
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.low === b.low && a.high === b.high;
}

export function digestText(digest: Digest): string {
  return digest.high.toString(16).padStart(8, '0') + digest.low.toString(16).padStart(8, '0');
}

function hash(key: Uint8Array, value: Uint8Array, seed: number): number {
  let h = fold(seed ^ key.length, key);
  h = fold(h ^ Math.imul(value.length, 0x85ebca6b), value);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

function fold(seed: number, bytes: Uint8Array): number {
  let h = seed;
  const whole = bytes.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const word =
      (bytes[i] as number) | ((bytes[i + 1] as number) << 8) | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24);
    h = Math.imul(h ^ word, 0xcc9e2d51);
    h ^= h >>> 15;
  }
  for (let i = whole; i < bytes.length; i++) {
    h = Math.imul(h ^ (bytes[i] as number), 0x1b873593);
    h ^= h >>> 13;
  }
  return h;
}
