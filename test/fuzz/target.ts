/**
 * What is fuzzed: one decoder of bytes or text that come from outside.
 *
 * Of any input a decoder may do two things: accept it, or refuse it with an operating error whose code fits. It never throws anything else, never
 * takes longer or more memory than the bounds of trial.ts, and never accepts what was not written: `run` checks that of what it accepts, as far as
 * the format allows (a canonical format comes back as the same bytes; where a checksum covers all of it, nothing but what was sealed is accepted).
 */
import assert from 'node:assert/strict';
import { type ErrorCode, isError } from '../../src/base/errors.js';

export interface Target {
  /** Also of its folder in the corpus. */
  readonly name: string;
  /** The codes with which it refuses. */
  readonly refusals: readonly ErrorCode[];
  /** What mutations put in, beside bytes. */
  readonly words?: readonly string[];
  /** Valid inputs, made by the production encoders; the corpus holds them too. */
  seeds(): readonly Uint8Array[];
  /** Decodes. @throws a refusal; anything else is a finding. */
  run(input: Buffer): unknown;
}

/** @returns what `decode` does, with refusals by other classes of errors (a command's usage) as operating errors. */
export function refusedAs<T>(isRefusal: (error: unknown) => boolean, decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** Fails unless a format that has one form only comes back as it was. */
export function assertSameBytes(encoded: Uint8Array, input: Uint8Array, what: string): void {
  assert.equal(Buffer.from(encoded).toString('hex'), Buffer.from(input).toString('hex'), `${what} was accepted, and is written otherwise`);
}

/** @returns whether a sealed format refused with a code that it may use. */
export function isRefusal(target: Target, error: unknown): boolean {
  return isError(error) && target.refusals.includes(error.code);
}
