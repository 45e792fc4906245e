import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { describeError, stackOf } from '../../src/telemetry/describe-error.js';

const system = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });

test.each<[what: string, error: unknown, line: string]>([
  ['an operating error', new UnderstudyError('not_found', 'no such file path=/a'), 'not_found: no such file path=/a'],
  [
    'an operating error with its cause',
    new UnderstudyError('unavailable', 'no master answered', { cause: system }),
    'unavailable: no master answered <- ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1',
  ],
  [
    'a cause that the message tells already',
    new UnderstudyError('internal', 'unexpected error: boom', { cause: new Error('boom') }),
    'internal: unexpected error: boom',
  ],
  ['a message that begins with its code', Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }), 'EIO: i/o error'],
  ['a defect', new TypeError('x is undefined'), 'TypeError: x is undefined'],
  ['several at once', new AggregateError([system, new Error('b')]), 'AggregateError: ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1; b'],
  ['no message', new Error(), 'no message'],
  ['text', 'thrown text', 'thrown text'],
  ['an object', { a: 1 }, '{ a: 1 }'],
])('errors: %s, one line', (_, error, line) => {
  expect(describeError(error)).toBe(line);
});

test('errors: causes in a circle, end', () => {
  const one = new Error('one');
  one.cause = new Error('two', { cause: one });
  expect(describeError(one)).toBe('one <- two');
  expect(stackOf(one).split('caused by')).toHaveLength(8);
});

test('errors: whatever is thrown, is described', () => {
  fc.assert(fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (thrown) => typeof describeError(thrown) === 'string'));
});
