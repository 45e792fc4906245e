/** Random requests over a namespace so small that they meet each other. */
import fc from 'fast-check';
import type { Request } from './journaled-state.js';

const name = fc.constantFrom('a', 'b', 'é', '𝄞', '￿');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

export const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  fc.record({
    kind: fc.constant('createFile' as const),
    body: fc.record({ path, recursive: fc.boolean(), completeLength: optional(fc.nat()) }),
  }),
  fc.record({ kind: fc.constant('completeFile' as const), body: fc.record({ path, length: fc.nat() }) }),
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
