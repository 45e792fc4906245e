/** What is kept of a directory journal, as its leaders have made it known: in their marks, which each new epoch repeats. */
import { NOTHING_RETAINED, type Retention } from './checkpoints.js';
import type { Ledger } from './ledger.js';

/**
 * @param from no mark above this epoch counts.
 * @returns what the newest mark says. Whoever has fenced all epochs up to `from` finds all that they may delete by.
 */
export async function newestRetention(ledger: Ledger, from: number): Promise<Retention> {
  for (let epoch = from; epoch >= 1; epoch--) {
    const { mark } = await ledger.read(epoch);
    if (mark !== undefined) return mark.retention;
  }
  return NOTHING_RETAINED;
}
