/**
 * Errors as `node:fs` has them: `code`, `errno`, `syscall`, `path`, `dest`, and the words of the C library. What went wrong here is the
 * `cause`.
 */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { asError, type ErrorCode, type UnderstudyError } from '../base/errors.js';

/** What a call was about. */
export interface SystemCall {
  readonly syscall: string;
  /** As the caller wrote it. */
  readonly path: string;
  readonly dest?: string;
}

export interface NodeError extends Error {
  readonly code: string;
  /** Negative, as libuv has it. */
  readonly errno: number;
  readonly syscall: string;
  readonly path: string;
  readonly dest?: string;
}

/** What stands for codes of refusals without a POSIX name. Others, troubles of the masters, are EIO. */
const CODES: { readonly [code in ErrorCode]?: string } = {
  not_found: 'ENOENT',
  already_exists: 'EEXIST',
  permission_denied: 'EACCES',
  invalid_argument: 'EINVAL',
  resource_exhausted: 'EAGAIN',
  unavailable: 'EAGAIN',
  deadline_exceeded: 'ETIMEDOUT',
  cancelled: 'ECANCELED',
  unimplemented: 'ENOSYS',
  failed_precondition: 'EBUSY',
};

const ERRNOS: { readonly [name: string]: number | undefined } = constants.errno;
const MESSAGES = new Map([...getSystemErrorMap().values()]);

/** @param reason said beside the words for `code`. */
export function nodeError(
  code: string,
  { syscall, path, dest }: SystemCall,
  { reason, cause }: { reason?: string; cause?: unknown } = {},
): NodeError {
  const words = [MESSAGES.get(code) ?? reason ?? 'refused', ...(MESSAGES.has(code) && reason !== undefined ? [`(${reason})`] : [])].join(
    ' ',
  );
  const message = `${code}: ${words}, ${syscall} '${path}'${dest === undefined ? '' : ` -> '${dest}'`}`;
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { errno: -(ERRNOS[code] ?? 0), code, syscall, path, ...(dest === undefined ? {} : { dest }) });
}

/** @returns what `error`, thrown by a call of the file system, is to callers of `node:fs`. */
export function asNodeError(error: unknown, call: SystemCall): NodeError {
  const known: UnderstudyError = asError(error);
  const code = known.errno ?? CODES[known.code] ?? 'EIO';
  return nodeError(code, call, { cause: known, ...(MESSAGES.has(code) ? {} : { reason: known.message }) });
}

/** What `rm` says of a directory without `recursive`. */
export function isDirectoryError(path: string): Error {
  const error = new Error(`Path is a directory: rm returned EISDIR (is a directory) ${path}`);
  error.name = 'SystemError';
  return Object.assign(error, { code: 'ERR_FS_EISDIR', errno: constants.errno.EISDIR, syscall: 'rm', path });
}
