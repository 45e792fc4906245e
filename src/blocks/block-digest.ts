/**
 * A digest of a set of blocks that does not depend on their order, so that a worker and a master can tell in passing whether they mean the
 * same ones: the sum, modulo 2^52, of a hash of each. It finds accidents, not forgeries.
 */
import type { BlockId } from './block-id.js';

const MODULUS = 2 ** 52;
const HIGH = 2 ** 32;

/** @returns 32 well-mixed bits. Murmur3's final step. */
export function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** @returns 52 bits. */
export function blockHash({ inodeId, index, generation }: BlockId, bytes: number): number {
  const name = mix(mix(mix(mix(inodeId) ^ Math.floor(inodeId / HIGH)) ^ index) ^ generation);
  const low = mix(mix(name ^ bytes) ^ Math.floor(bytes / HIGH));
  const high = mix(low ^ Math.imul(name, 0x9e3779b1));
  return (high >>> 12) * HIGH + low;
}

export function addToDigest(digest: number, hash: number): number {
  const sum = digest + hash;
  return sum >= MODULUS ? sum - MODULUS : sum;
}

export function takeFromDigest(digest: number, hash: number): number {
  return digest >= hash ? digest - hash : digest - hash + MODULUS;
}
