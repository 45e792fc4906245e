/** Failed operations on a folder of this machine, as the seam's codes. */
import { asError, type ErrorCode, UnderstudyError } from '../base/errors.js';
import { errnoOf } from '../base/files.js';
import { localTurns } from './local-turns.js';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not_found',
  EEXIST: 'already_exists',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'permission_denied',
  ELOOP: 'permission_denied',
  ENOTDIR: 'failed_precondition',
  EISDIR: 'failed_precondition',
  ENOTEMPTY: 'failed_precondition',
  EXDEV: 'failed_precondition',
  EBUSY: 'unavailable',
  EINVAL: 'invalid_argument',
  ENAMETOOLONG: 'invalid_argument',
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EFBIG: 'resource_exhausted',
};

/** Runs `operation` in a turn of its own, of which it must not take another. @throws as `described`. */
export async function local<T>(name: string, path: string, operation: () => Promise<T>): Promise<T> {
  await new Promise<void>((turn) => localTurns.take(turn));
  try {
    return await described(name, path, operation);
  } finally {
    localTurns.give();
  }
}

/** Runs `operation`. @throws its failure with the seam's code; what is one already stays. */
export async function described<T>(name: string, path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw asError(error);
    throw new UnderstudyError(CODES[errno] ?? 'unavailable', `file operation failed: operation=${name} path=${path} errno=${errno}`, {
      cause: error,
    });
  }
}

/** @returns whether there is nothing under the name, as far as can be looked. */
export function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}
