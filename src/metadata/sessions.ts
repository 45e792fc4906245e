/**
 * Exactly-once (I5): which call of which client this is, and whether its outcome is known already.
 *
 * A client registers, numbers its calls 1, 2, 3 … and says with each one which is the lowest whose answer it still waits for. The outcome
 * of every call at or above that is kept, in the state, in a ring of `CALL_WINDOW` slots. A call that the ring cannot speak for is refused
 * with `session_expired`: it is never run a second time.
 */
import type { understudy } from '#proto/understudy.js';
import { errorCode, UnderstudyError } from '../base/errors.js';
import { CALL_WINDOW } from './keys.js';
import type { CallResult } from './records.js';
import type { StateView } from './state.js';

/** Numbers of a client's calls end here: far from where numbers are no longer exact. */
const CALL_ID_MAX = 2 ** 48;
/** Client and slot share one number inside the program (keys.ts). */
const CLIENT_ID_MAX = 2 ** 40;

/**
 * @returns the recorded outcome of this call, or null if it has none and may run.
 * @throws `session_expired`: the client is not known (any longer), or the call lies outside of what is kept.
 * @throws `invalid_argument`: no client, call or attempt is named.
 */
export function recordedOutcome(caller: understudy.Caller.$Properties | null | undefined, state: StateView): CallResult | null {
  const clientId = caller?.clientId ?? 0;
  const callId = caller?.callId ?? 0;
  const lowest = caller?.lowestUnanswered ?? 0;
  if (clientId < 1 || callId < 1 || !caller?.attempt)
    throw new UnderstudyError('invalid_argument', 'a mutation has to name its client, call and attempt');
  if (clientId > CLIENT_ID_MAX || callId > CALL_ID_MAX) {
    throw new UnderstudyError('invalid_argument', `a number is out of range: client=${clientId} call=${callId}`);
  }
  if (lowest > callId)
    throw new UnderstudyError('invalid_argument', `a call below the lowest unanswered one: call=${callId} lowest=${lowest}`);
  const session = state.session(clientId);
  if (session === null) throw new UnderstudyError('session_expired', `the client is not known: client=${clientId}`);
  const recorded = state.result(clientId, callId);
  if (recorded !== null && callId >= session.lowestUnanswered) return recorded;
  if (callId < session.lowestUnanswered) {
    throw new UnderstudyError('session_expired', `the call was answered before: client=${clientId} call=${callId}`);
  }
  if (callId >= Math.max(session.lowestUnanswered, lowest) + CALL_WINDOW) {
    throw new UnderstudyError('session_expired', `the call is beyond the window of ${CALL_WINDOW}: client=${clientId} call=${callId}`);
  }
  return null;
}

/** @returns the refusal that a recorded outcome stands for, or null if it is a success. */
export function refusalOf(recorded: CallResult): UnderstudyError | null {
  const { errorCode: number, errorMessage, errno, path } = recorded;
  if (number === 0) return null;
  return new UnderstudyError(errorCode(number), errorMessage, errno === '' ? {} : { errno, path });
}
