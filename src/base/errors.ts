/**
 * Operating errors: everything that can go wrong without a defect in the program.
 *
 * One class, one list of codes: gRPC's canonical ones plus those that a replicated journal needs. "Failed" and "may have happened" are
 * different codes. The numbers travel on the wire and stand in stored records: they are never reused.
 */

/** When each code is raised, and what the caller should do. */
export const ERROR_NUMBERS = {
  /** The caller cancelled, or closed what it was using. */
  cancelled: 1,
  /** Not told apart. Report it. */
  unknown: 2,
  /** The request itself is wrong, whatever the state. Correct it. */
  invalid_argument: 3,
  /** Not answered in time; a mutation may have happened. */
  deadline_exceeded: 4,
  /** What the request names does not exist. */
  not_found: 5,
  /** What the request would make exists. */
  already_exists: 6,
  /** The caller may not do that. */
  permission_denied: 7,
  /** A bound was reached (queue, size, number). Try less, or later. */
  resource_exhausted: 8,
  /** The state does not allow it (directory not empty, file not complete). Change the state first. */
  failed_precondition: 9,
  /** A concurrent action won. Look again, then retry. */
  aborted: 10,
  /** A position outside of what there is. */
  out_of_range: 11,
  /** This server does not know the method. */
  unimplemented: 12,
  /** A defect here. Report it. */
  internal: 13,
  /** Not now, and nothing happened. Retry with back-off. */
  unavailable: 14,
  /** Data is gone for good. */
  data_loss: 15,
  /** The caller has not said who it is. */
  unauthenticated: 16,
  /** This master does not lead, and nothing happened. Ask the leader, named in `leader` where it is known. */
  not_leader: 17,
  /** A later epoch exists: this writer is dead and what it had not acknowledged is its successor's to decide. */
  fenced: 18,
  /** Storage failed in the middle: it may or may not be in the journal. Only a new claim can tell. */
  outcome_unknown: 19,
  /** Stored data contradicts its checksum, its chain or its neighbours. Nothing was skipped; an operator has to look. */
  corrupt: 20,
  /** The first answer to this call can no longer be told; it was not run again. Look at the state. */
  session_expired: 21,
  /** The reader's position is not on the journal's chain: its state has to be rebuilt. */
  diverged: 22,
} as const;

export type ErrorCode = keyof typeof ERROR_NUMBERS;

const CODES = new Map<number, ErrorCode>(Object.entries(ERROR_NUMBERS).map(([code, number]) => [number, code as ErrorCode]));

/** @returns the code with this number; `unknown` for a number from a later version. */
export function errorCode(number: number): ErrorCode {
  return CODES.get(number) ?? 'unknown';
}

export interface ErrorDetails {
  cause?: unknown;
  /** With `not_leader`: `host:port` of the leader, where it is known. */
  leader?: string;
  /** Do not retry before this many milliseconds have passed. */
  retryAfterMs?: number;
  /** The refusal holds as of this entry, where it says something of the namespace: what is asked later elsewhere has to be at least as new. */
  sn?: number;
  /** POSIX's name of the refusal, where it has one: `ENOENT`, `ENOTDIR` … */
  errno?: string;
  /** The path that the refusal is about. */
  path?: string;
}

/** An operating error. Messages are lowercase, static text first, values last as `key=value`. */
export class UnderstudyError extends Error {
  readonly code: ErrorCode;
  readonly leader: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly sn: number | undefined;
  readonly errno: string | undefined;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'UnderstudyError';
    this.code = code;
    this.leader = details.leader;
    this.retryAfterMs = details.retryAfterMs;
    this.sn = details.sn;
    this.errno = details.errno;
    this.path = details.path;
  }
}

/** @returns whether `error` is an operating error, of the given code where one is given. */
export function isError(error: unknown, code?: ErrorCode): error is UnderstudyError {
  return error instanceof UnderstudyError && (code === undefined || error.code === code);
}

/** @returns `error` as of the entry `sn`. */
export function asOf(error: UnderstudyError, sn: number): UnderstudyError {
  const { code, message, cause, leader, retryAfterMs, errno, path } = error;
  return new UnderstudyError(code, message, { cause, sn, ...present({ leader, retryAfterMs, errno, path }) });
}

/** @returns `error` as about `path`. */
export function withPath(error: UnderstudyError, path: string): UnderstudyError {
  const { code, message, cause, leader, retryAfterMs, sn, errno } = error;
  return new UnderstudyError(code, message, { cause, path, ...present({ leader, retryAfterMs, sn, errno }) });
}

/** @returns those of the details that are there. */
function present(details: { readonly [Name in keyof ErrorDetails]: ErrorDetails[Name] | undefined }): ErrorDetails {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}

/** @returns `error` itself if it is an operating error, else `internal` (or the given code) with it as the cause. */
export function asError(error: unknown, code: ErrorCode = 'internal', context = 'unexpected error'): UnderstudyError {
  if (error instanceof UnderstudyError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new UnderstudyError(code, `${context}: ${message}`, { cause: error });
}
