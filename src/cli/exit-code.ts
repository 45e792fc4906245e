/**
 * How commands end: exit codes that scripts can use, and errors as one plain sentence.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { stackOf } from '../telemetry/describe-error.js';

export const EXIT = {
  ok: 0,
  /** It was refused or failed; with `test`, it is not so. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** No master answered in time. Unless the message says that it may have happened, nothing did. */
  noAnswer: 3,
} as const;

export const EXIT_HELP = `
Exit codes:
  0  done
  1  refused or failed; with "test": it is not so; with "leader": none serves
  2  wrong usage or configuration
  3  no master answered in time (the message says where a change may have happened)`;

/** Ends a command whose problem has been told already. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = '') {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @returns the exit code that `error` stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailed) return error.exitCode;
  return isError(error, 'unavailable') || isError(error, 'deadline_exceeded') ? EXIT.noAnswer : EXIT.failed;
}

/** @returns what people are told of `error`: its message with the system's error code, if one caused it; at debug the stacks, too. */
export function sentenceOf(error: unknown, debug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = systemCodeOf(error);
  const sentence = code === undefined || message.includes(code) ? message : `${message} (${code})`;
  return debug ? `${sentence}\n${stackOf(error)}` : sentence;
}

function systemCodeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if (!(at instanceof UnderstudyError) && 'errno' in at && 'code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}
