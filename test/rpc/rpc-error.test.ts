import { expect, test } from 'vitest';
import { ERROR_NUMBERS, type ErrorCode, UnderstudyError } from '../../src/base/errors.js';
import { decodeError, encodeError } from '../../src/rpc/rpc-error.js';

test.each(Object.keys(ERROR_NUMBERS) as ErrorCode[])('errors on the wire: %s, code and details come through', (code) => {
  const error = decodeError(encodeError(new UnderstudyError(code, 'went wrong: path=/é', { leader: 'm2:19998', retryAfterMs: 250 })));
  expect(error).toMatchObject({ code, message: 'went wrong: path=/é', leader: 'm2:19998', retryAfterMs: 250 });
});

test('errors on the wire: no details, none come out', () => {
  const error = decodeError(encodeError(new UnderstudyError('not_leader', 'this master does not lead')));
  expect(error.leader).toBeUndefined();
  expect(error.retryAfterMs).toBeUndefined();
});

test('errors on the wire: endless message, cut', () => {
  expect(encodeError(new UnderstudyError('internal', 'x'.repeat(1e6))).length).toBeLessThan(5000);
});

test('errors on the wire: garbage, invalid_argument', () => {
  expect(() => decodeError(Uint8Array.of(0x12, 0xff, 0x01))).toThrow(/cannot be read/);
});
