/** Contents that a name stands for: the same bytes each time, none of them like those of another place or another name. */
import { createCipheriv, createHash } from 'node:crypto';

const UNIT_BYTES = 16;

/** @returns what stands at [from, to) of the contents of that name. */
export function madeUpBytes(name: string, from: number, to: number): Buffer {
  const key = createHash('sha256').update(name).digest().subarray(0, UNIT_BYTES);
  const counter = Buffer.alloc(UNIT_BYTES);
  const first = Math.floor(from / UNIT_BYTES);
  counter.writeBigUInt64BE(BigInt(first), UNIT_BYTES - 8);
  const skipped = from - first * UNIT_BYTES;
  return createCipheriv('aes-128-ctr', key, counter)
    .update(Buffer.alloc(skipped + to - from))
    .subarray(skipped);
}

/** @returns what is wrong with `found`, which should be what stands at `from`; undefined: nothing. */
export function whatDiffers(name: string, from: number, found: Buffer): string | undefined {
  const expected = madeUpBytes(name, from, from + found.length);
  if (found.equals(expected)) return undefined;
  const differs = (at: number) => found[at] !== expected[at];
  let first = 0;
  while (!differs(first)) first += 1;
  let last = found.length - 1;
  while (!differs(last)) last -= 1;
  return `bytes from ${from + first} to ${from + last} are not as written, the first is ${found[first]} instead of ${expected[first]}`;
}
