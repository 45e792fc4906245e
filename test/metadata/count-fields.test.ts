import fc from 'fast-check';
import { expect, it } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { countFields } from '../../src/metadata/count-fields.js';
import { operations } from '../../src/metadata/operations.js';

it('the fields of any message, as many as were written', () => {
  const message = fc.record({ names: fc.array(fc.string(), { maxLength: 300 }), path: fc.string({ minLength: 1, maxLength: 300 }) });
  fc.assert(
    fc.property(message, fc.nat(400), ({ names, path }, max) => {
      const bytes = understudy.GetXattrsRequest.encode({ names, path }).finish();
      expect(countFields(bytes, max)).toBe(Math.min(names.length + 1, max + 1));
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => countFields(garbage, 1_000) <= garbage.length));
});

it('a frame of millions of empty messages is refused at once', () => {
  const body = Buffer.alloc(16 << 20);
  for (let at = 0; at < body.length; at += 2) body[at] = (2 << 3) | 2;
  const startedMs = performance.now();
  expect(() => operations.multi.prepare(body)).toThrow('too many fields');
  expect(performance.now() - startedMs).toBeLessThan(100);
});

it('the largest requests that there are go', () => {
  const { concat, multi, remove } = operations;
  const sources = Array.from({ length: 1_024 }, (_, at) => `/d/${at}`);
  concat.prepare(concat.request.encode({ path: '/d/f', sources }).finish());
  const request = remove.request.encode({ path: '/a' }).finish();
  multi.prepare(multi.request.encode({ steps: Array.from({ length: 1_000 }, () => ({ method: remove.method, request })) }).finish());
});
