import { orAborted } from '../base/wait.js';
import type { Leadership } from './leadership.js';

/** Resolves once all that can be seen now is committed, and this leader was found not to be superseded after. @throws as `Leadership.release`; as `signal`. */
export function confirmed(leadership: Leadership, signal: AbortSignal): Promise<void> {
  const released = new Promise<void>((resolve, reject) =>
    leadership.release((refused) => (refused === null ? resolve() : reject(refused))),
  );
  return orAborted(released, signal);
}
