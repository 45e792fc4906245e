import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { type Encodable, encodeMessage } from '../../src/base/encode-message.js';

const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ minLength: 100, maxLength: 20_000 }),
);

const inode = fc.record({
  id: count,
  directory: fc.boolean(),
  owner: text,
  group: text,
  mode: fc.nat(0xffff_ffff),
  length: count,
  complete: fc.boolean(),
  persistence: fc.constantFrom(0, 1, 2, 3, -1),
});
const messages: fc.Arbitrary<readonly [Encodable<never>, object]> = fc.oneof(
  inode.map((body) => [understudy.Inode, body] as const),
  fc
    .record({ callId: count, errorCode: fc.nat(22), errorMessage: text, inode: fc.option(inode), sn: count })
    .map((body) => [understudy.CallResult, body] as const),
  fc
    .record({ timeMs: count, createFile: fc.record({ parentId: count, name: text, inode, parents: fc.array(text, { maxLength: 300 }) }) })
    .map((body) => [understudy.JournalEntry, body] as const),
  fc
    .record({ expireClients: fc.record({ clientIds: fc.array(count, { maxLength: 2_000 }) }) })
    .map((body) => [understudy.JournalEntry, body] as const),
  fc
    .record({ flush: count, hash: fc.uint8Array({ maxLength: 300 }), digestLow: fc.maxSafeNat(), digestHigh: fc.nat() })
    .map((body) => [understudy.FlushMark, body] as const),
  fc
    .record({ offset: count, bytes: fc.uint8Array({ maxLength: 300 }), crcs: fc.array(fc.nat(0xffff_ffff), { maxLength: 2_000 }) })
    .map((body) => [understudy.BlockPiece, body] as const),
) as never;

describe('encodeMessage', () => {
  it('any messages, one after the other: the bytes that protobufjs makes, and they stay', () => {
    fc.assert(
      fc.property(fc.array(messages, { minLength: 1, maxLength: 10 }), (all) => {
        const encoded = all.map(([type, body]) => encodeMessage(type, body as never));
        all.forEach(([type, body], i) => {
          expect(Buffer.from(encoded[i]!).equals(Buffer.from(type.encode(body as never).finish()))).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('the generated code: calls only what the writer has', () => {
    let writer: object = {};
    const type: Encodable<object> = {
      encode(_message, given) {
        writer = given!;
        return given!;
      },
    };
    encodeMessage(type, {});
    const generated = readFileSync(new URL('../../generated/understudy.js', import.meta.url), 'utf8');
    const called = new Set([...generated.matchAll(/writer(?:\.uint32\([^)]*\))?\.(\w+)\(/g)].map(([, method]) => method as string));
    expect([...called].filter((method) => !(method in writer))).toEqual([]);
    expect(called.size).toBeGreaterThan(5);
  });

  it('a message larger than any slab: whole', () => {
    const body = { parentId: 1, names: Array.from({ length: 1_000 }, (_, i) => `${i}`.repeat(100)), inode: { id: 5 } };
    const bytes = encodeMessage(understudy.CreateDirectoryEntry, body);
    expect(Buffer.from(bytes).equals(Buffer.from(understudy.CreateDirectoryEntry.encode(body).finish()))).toBe(true);
  });
});
