/** Reading a journal up to what is committed by now, and no further: for tools. Claims nothing, fences nothing, writes nothing. */
import type { Batch, ChainPoint, Journal } from './journal.js';

/**
 * Yields the batches behind `from` in order, and ends when all that was known to be committed has been yielded: at the latest what was so
 * when the reader caught up. Of a journal that nobody writes to, that is all of it.
 *
 * @throws as `Journal.read`; what `signal` was aborted with.
 */
export async function* readCommitted(journal: Journal, from: ChainPoint, signal?: AbortSignal): AsyncGenerator<Batch, void, void> {
  const caughtUp = new AbortController();
  const signals = signal === undefined ? [caughtUp.signal] : [caughtUp.signal, signal];
  const ending = AbortSignal.any(signals);
  yield* journal.read({ from, signal: ending, onIdle: () => caughtUp.abort() });
  signal?.throwIfAborted();
}
