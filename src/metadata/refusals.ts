/**
 * Refusals of the namespace by POSIX's names: each has one code of ours, and tells its path apart, for programs.
 */
import { type ErrorCode, UnderstudyError } from '../base/errors.js';

/** When each is raised. */
export const ERRNO_CODES = {
  /** A component of the path does not exist. */
  ENOENT: 'not_found',
  /** What is to be made exists. */
  EEXIST: 'already_exists',
  /** A component that has to be a directory is a file. */
  ENOTDIR: 'failed_precondition',
  /** A directory where a file has to be. */
  EISDIR: 'failed_precondition',
  /** The directory is not empty. */
  ENOTEMPTY: 'failed_precondition',
  /** Permission bits or an ACL do not allow it. */
  EACCES: 'permission_denied',
  /** Only the owner or the superuser may do it. */
  EPERM: 'permission_denied',
  /** The request makes no sense, whatever the state. */
  EINVAL: 'invalid_argument',
  /** A component or the path is too long. */
  ENAMETOOLONG: 'invalid_argument',
  /** Source and target lie in different mounts. */
  EXDEV: 'failed_precondition',
  /** Below a read-only mount point. */
  EROFS: 'failed_precondition',
  /** A quota would be passed. */
  EDQUOT: 'resource_exhausted',
  /** Somebody uses it: a lease is held, a mount point is there. */
  EBUSY: 'failed_precondition',
  /** There is no such extended attribute. */
  ENODATA: 'not_found',
  /** Too large, or too many. */
  E2BIG: 'resource_exhausted',
  /** A length or a sum passes its bound. */
  EFBIG: 'resource_exhausted',
  /** The file is not complete, or not writable as it is. */
  ETXTBSY: 'failed_precondition',
  /** Not with this kind of thing, or not here. */
  ENOTSUP: 'failed_precondition',
} as const satisfies Record<string, ErrorCode>;

export type Errno = keyof typeof ERRNO_CODES;

/** @param message lowercase; the path is added, unless it is empty. @param more `key=value key=value`. */
export function refusal(errno: Errno, message: string, path: string, more = ''): UnderstudyError {
  const shown = path.length > SHOWN_CHARACTERS ? `${path.slice(0, SHOWN_CHARACTERS)}…` : path;
  const values = [...(path === '' ? [] : [`path=${shown}`]), ...(more === '' ? [] : [more])].join(' ');
  return new UnderstudyError(ERRNO_CODES[errno], values === '' ? message : `${message}: ${values}`, { errno, path });
}

const SHOWN_CHARACTERS = 300;
