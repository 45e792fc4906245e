/**
 * Errors on the wire: an understudy.RpcError in the body of an error frame. Causes stay where they are; everything else
 * travels.
 */

import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { ERROR_NUMBERS, errorCode, UnderstudyError } from '../base/errors.js';

/** Longer messages are cut, so that an error always fits into a frame. */
const MESSAGE_CHARACTERS_MAX = 4096;

export function encodeError(error: UnderstudyError): Uint8Array {
  const fields: understudy.IRpcError = {
    code: ERROR_NUMBERS[error.code],
    message: error.message.slice(0, MESSAGE_CHARACTERS_MAX),
    leader: error.leader ?? '',
    retryAfterMs: Math.max(0, Math.ceil(error.retryAfterMs ?? 0)),
    sn: error.sn ?? 0,
    errno: error.errno ?? '',
    path: error.path ?? '',
  };
  return encodeMessage(understudy.RpcError, fields);
}

/** @throws `invalid_argument`: not an error. */
export function decodeError(body: Uint8Array): UnderstudyError {
  let fields: understudy.RpcError;
  try {
    fields = understudy.RpcError.decode(body);
  } catch (cause) {
    throw new UnderstudyError('invalid_argument', `error frame cannot be read: bytes=${body.length}`, { cause });
  }
  return new UnderstudyError(errorCode(fields.code), fields.message, {
    ...(fields.leader === '' ? {} : { leader: fields.leader }),
    ...(fields.retryAfterMs === 0 ? {} : { retryAfterMs: fields.retryAfterMs }),
    ...(fields.sn === 0 ? {} : { sn: fields.sn }),
    ...(fields.errno === '' ? {} : { errno: fields.errno }),
    ...(fields.path === '' ? {} : { path: fields.path }),
  });
}
