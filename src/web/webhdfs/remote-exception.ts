/**
 * Errors as Hadoop tells them: `{"RemoteException": {exception, javaClassName, message}}` with the names of the Java classes that its clients
 * go by, and the status codes that a NameNode answers them with (403 is that of nearly every IOException).
 */
import { type ErrorCode, isError, type UnderstudyError } from '../../base/errors.js';
import type { Errno } from '../../metadata/refusals.js';
import { outwardMessage } from '../outward-message.js';

/** By their short names; a `$` stands before the name of a class within another. */
const JAVA_CLASSES = {
  AccessControlException: { in: 'org.apache.hadoop.security.', status: 403 },
  AclException: { in: 'org.apache.hadoop.hdfs.protocol.', status: 403 },
  AuthorizationException: { in: 'org.apache.hadoop.security.authorize.', status: 403 },
  DSQuotaExceededException: { in: 'org.apache.hadoop.hdfs.protocol.', status: 403 },
  FileAlreadyExistsException: { in: 'org.apache.hadoop.fs.', status: 403 },
  FileNotFoundException: { in: 'java.io.', status: 404 },
  HadoopIllegalArgumentException: { in: 'org.apache.hadoop.', status: 400 },
  IOException: { in: 'java.io.', status: 403 },
  IllegalArgumentException: { in: 'java.lang.', status: 400 },
  InvalidPathException: { in: 'org.apache.hadoop.fs.', status: 400 },
  InvalidToken: { in: 'org.apache.hadoop.security.token.SecretManager$', status: 403 },
  NSQuotaExceededException: { in: 'org.apache.hadoop.hdfs.protocol.', status: 403 },
  ParentNotDirectoryException: { in: 'org.apache.hadoop.fs.', status: 403 },
  PathComponentTooLongException: { in: 'org.apache.hadoop.hdfs.protocol.FSLimitException$', status: 403 },
  PathIsNotEmptyDirectoryException: { in: 'org.apache.hadoop.fs.', status: 403 },
  RetriableException: { in: 'org.apache.hadoop.ipc.', status: 403 },
  RuntimeException: { in: 'java.lang.', status: 500 },
  SafeModeException: { in: 'org.apache.hadoop.hdfs.server.namenode.', status: 403 },
  SecurityException: { in: 'java.lang.', status: 403 },
  SnapshotException: { in: 'org.apache.hadoop.hdfs.protocol.', status: 403 },
  StandbyException: { in: 'org.apache.hadoop.ipc.', status: 403 },
  UnsupportedOperationException: { in: 'java.lang.', status: 400 },
  XAttrNotFoundException: { in: 'org.apache.hadoop.hdfs.protocol.', status: 403 },
} as const;

export type JavaException = keyof typeof JAVA_CLASSES;

export class RemoteException extends Error {
  readonly exception: JavaException;

  constructor(exception: JavaException, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exception = exception;
  }

  get status(): number {
    return JAVA_CLASSES[this.exception].status;
  }

  get body(): string {
    const { exception, message } = this;
    const javaClassName = JAVA_CLASSES[exception].in + exception;
    return JSON.stringify({ RemoteException: { exception, javaClassName, message: outwardMessage(message) } });
  }
}

/** What an operation that is refused for this reason fails with, unless it says something else. */
const OF_ERRNO: Readonly<Record<Errno, JavaException>> = {
  ENOENT: 'FileNotFoundException',
  EEXIST: 'FileAlreadyExistsException',
  ENOTDIR: 'ParentNotDirectoryException',
  EISDIR: 'FileNotFoundException',
  ENOTEMPTY: 'PathIsNotEmptyDirectoryException',
  EACCES: 'AccessControlException',
  EPERM: 'AccessControlException',
  EINVAL: 'HadoopIllegalArgumentException',
  ENAMETOOLONG: 'PathComponentTooLongException',
  EXDEV: 'IOException',
  EROFS: 'IOException',
  EDQUOT: 'NSQuotaExceededException',
  EBUSY: 'IOException',
  ENODATA: 'IOException',
  E2BIG: 'IOException',
  EFBIG: 'IOException',
  ETXTBSY: 'IOException',
  ENOTSUP: 'UnsupportedOperationException',
};

const OF_CODE: Partial<Record<ErrorCode, JavaException>> = {
  invalid_argument: 'IllegalArgumentException',
  permission_denied: 'AccessControlException',
  unauthenticated: 'SecurityException',
  unimplemented: 'UnsupportedOperationException',
  not_found: 'FileNotFoundException',
  // Nothing has happened: a client does well to ask again.
  not_leader: 'RetriableException',
  unavailable: 'RetriableException',
  aborted: 'RetriableException',
  cancelled: 'RetriableException',
  resource_exhausted: 'RetriableException',
  internal: 'RuntimeException',
};

/** What an operation makes of its refusals. */
export type Renamed = Partial<Record<Errno, JavaException>>;

/** @returns what clients are told of `error`; one that may have happened is an IOException, which none of them sends again. */
export function remoteExceptionOf(error: UnderstudyError, renamed: Renamed = {}): RemoteException {
  const errno = error.errno as Errno | undefined;
  if (errno === 'EDQUOT' && error.message.includes('bytes_max='))
    return new RemoteException('DSQuotaExceededException', error.message, error);
  // Of the whole namespace, which is frozen; not of a mount, which will be read-only however often a client asks again.
  if (errno === 'EROFS' && !error.path) return new RemoteException('SafeModeException', error.message, error);
  const exception = (errno && (renamed[errno] ?? OF_ERRNO[errno])) ?? OF_CODE[error.code] ?? 'IOException';
  return new RemoteException(exception, error.message, error);
}

/** Runs `work`, whose refusals are told as `renamed` has them. */
export async function renaming<T>(renamed: Renamed, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isError(error) ? remoteExceptionOf(error, renamed) : error;
  }
}

/** @returns what `work` gives; `instead` where it is refused for one of these reasons. */
export async function unless<T>(refusals: readonly Errno[], instead: T, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isError(error) && refusals.includes(error.errno as Errno)) return instead;
    throw error;
  }
}
