import { freezeOf } from './freeze.js';
import type { EntryBody } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

const REASON_BYTES_MAX = 1_000;

/** Makes the namespace read only. @returns null where it is already: the first one stands. @throws E2BIG. */
export function planFreeze({ user, reason }: { user: string; reason: string }, state: StateView, timeMs: number): EntryBody | null {
  if (Buffer.byteLength(reason) > REASON_BYTES_MAX) throw refusal('E2BIG', `a reason has at most ${REASON_BYTES_MAX} bytes`, '');
  return state.frozenBy() === null ? { freeze: { freeze: freezeOf({ user, reason, sinceMs: timeMs }) } } : null;
}

/** @returns null where it is not frozen. */
export function planUnfreeze(state: StateView): EntryBody | null {
  return state.frozenBy() === null ? null : { unfreeze: {} };
}
