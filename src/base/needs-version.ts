/**
 * The refusal of what a later release wrote. Nothing of it is read in part: what a reader skips would be missing from its state (I4).
 *
 * docs/compatibility.md has the rules by which formats change.
 */
import { UnderstudyError } from './errors.js';

/** @param what the format. @param where `file=…`, `address=…`, `sn=…`: enough to find it. */
export function needsVersion(what: string, version: number, known: number, where = ''): UnderstudyError {
  return new UnderstudyError(
    'failed_precondition',
    `needs version: ${ADVICE}: ${what} format=${version} known=${known} ${where}`.trimEnd(),
  );
}

/** @returns the refusal of a field or a kind that this release does not know, in what has no version of its own. */
export function needsVersionFor(what: string): UnderstudyError {
  return new UnderstudyError('failed_precondition', `needs version: ${ADVICE}: unknown ${what}`);
}

const ADVICE = 'a later release wrote this; run that release here, or one after it';
