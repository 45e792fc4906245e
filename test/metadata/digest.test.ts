import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DigestSum, digestText, EMPTY_DIGEST, sameDigest } from '../../src/metadata/digest.js';

const bytes = fc.uint8Array({ maxLength: 40 });
const row = fc.tuple(bytes, bytes);

describe('digest', () => {
  it('any rows, in any order, with others that came and went: the same', () => {
    fc.assert(
      fc.property(fc.array(row), fc.array(row), (rows, passing) => {
        const [forward, backward] = [new DigestSum(), new DigestSum()];
        for (const [key, value] of rows) forward.add(key, value);
        for (const [key, value] of passing) backward.add(key, value);
        for (const [key, value] of [...rows].reverse()) backward.add(key, value);
        for (const [key, value] of passing) backward.remove(key, value);
        expect(backward.value()).toEqual(forward.value());
      }),
    );
  });

  it('a row with one bit flipped, or moved from key to value: another digest', () => {
    fc.assert(
      fc.property(bytes, fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (key, value, at) => {
        const of = (k: Uint8Array, v: Uint8Array) => {
          const sum = new DigestSum();
          sum.add(k, v);
          return sum.value();
        };
        const flipped = Uint8Array.from(value);
        flipped[at % value.length]! ^= 1 << (at % 8);
        expect(sameDigest(of(key, value), of(key, flipped))).toBe(false);
        const moved = Buffer.concat([key, value]);
        expect(sameDigest(of(key, value), of(moved, new Uint8Array(0)))).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('its text: sixteen digits', () => {
    expect(digestText(EMPTY_DIGEST)).toBe('0000000000000000');
    expect(digestText({ low: 1, high: 0xffff_ffff })).toBe('ffffffff00000001');
  });
});
