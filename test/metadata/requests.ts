/** Random requests over a namespace so small that they meet each other. */
import fc from 'fast-check';
import type { Request } from './journaled-state.js';

const name = fc.constantFrom('a', 'b', 'é', '𝄞', '￿');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
const atTop = name.map((only) => `/${only}`);
/** Files are joined where blocks end. */
const length = fc.oneof(
  fc.nat(3).map((blocks) => blocks * 1_024),
  fc.nat(),
);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

export const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  fc.record({
    kind: fc.constant('createFile' as const),
    body: fc.record({ path, recursive: fc.boolean(), overwrite: fc.boolean(), completeLength: optional(length) }),
  }),
  fc.record({ kind: fc.constant('completeFile' as const), body: fc.record({ path, length }) }),
  fc.record({ kind: fc.constant('addBlocks' as const), body: fc.record({ path, blocks: fc.integer({ min: 1, max: 3 }) }) }),
  fc.record({ kind: fc.constant('appendFile' as const), body: fc.record({ path }) }),
  fc.record({ kind: fc.constant('truncateFile' as const), body: fc.record({ path, length }) }),
  fc.record({
    kind: fc.constant('concat' as const),
    body: fc.record({ path: atTop, sources: fc.uniqueArray(atTop, { minLength: 1, maxLength: 2 }) }),
  }),
  fc.record({
    kind: fc.constant('createDirectory' as const),
    body: fc.record({ path, recursive: fc.boolean(), allowExists: fc.boolean() }),
  }),
  fc.record({ kind: fc.constant('rename' as const), body: fc.record({ from: path, to: path }) }),
  fc.record({ kind: fc.constant('remove' as const), body: fc.record({ path, recursive: fc.boolean() }) }),
  fc.record({
    kind: fc.constant('setAttributes' as const),
    body: fc.record({ path, owner: optional(fc.constantFrom('x', 'y')), mode: optional(fc.nat(0o7777)) }),
  }),
);
