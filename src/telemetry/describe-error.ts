/**
 * Makes one clear line out of an error: its code and message, then what caused it, outermost first.
 * Bounded in depth, whatever errors are chained to each other.
 */
import { inspect } from 'node:util';
import { UnderstudyError } from '../base/errors.js';

const CAUSES_MAX = 8;
const MEMBERS_MAX = 4;

/** @returns `unavailable: cannot reach the journal path=/j <- EIO: i/o error, fsync`. */
export function describeError(error: unknown): string {
  const links: string[] = [];
  let at = error;
  for (let depth = 0; depth < CAUSES_MAX && (depth === 0 || (at !== undefined && at !== null)); depth++, at = causeOf(at)) {
    const link = describeOne(at);
    if (!links.some((earlier) => earlier.includes(link))) links.push(link);
  }
  return links.join(' <- ');
}

/** @returns the stack of `error` and of its causes, one below the other. */
export function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at: unknown = error; at instanceof Error && stacks.length < CAUSES_MAX; at = at.cause) {
    stacks.push(at.stack ?? describeOne(at));
  }
  return stacks.join('\ncaused by ');
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);

function describeOne(error: unknown): string {
  if (!(error instanceof Error))
    return typeof error === 'string' ? error : inspect(error, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  const message = error.message || membersOf(error) || 'no message';
  const code = error instanceof UnderstudyError ? error.code : systemCode(error);
  if (code !== undefined) return message.startsWith(code) ? message : `${code}: ${message}`;
  return error.name === 'Error' ? message : `${error.name}: ${message}`;
}

const systemCode = (error: Error): string | undefined => ('code' in error && typeof error.code === 'string' ? error.code : undefined);

function membersOf(error: Error): string {
  if (!(error instanceof AggregateError)) return '';
  return error.errors.slice(0, MEMBERS_MAX).map(describeOne).join('; ');
}
