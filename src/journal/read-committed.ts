/** Reading a journal up to what is committed by now, and no further: for tools. Claims nothing, fences nothing, writes nothing. */
import { type Batch, type ChainPoint, endOf, type Journal } from './journal.js';

export interface ReadCommittedOptions {
  /** The batch that holds this entry is the last: a busy leader may be faster than a reader, which then never catches up. */
  readonly toSn?: number;
  readonly signal?: AbortSignal;
}

/**
 * Yields the batches behind `from` in order, and ends at `toSn`, or when all that was known to be committed has been yielded: at the latest
 * what was so when the reader caught up. Of a journal that nobody writes to, that is all of it.
 *
 * @throws as `Journal.read`; what `signal` was aborted with.
 */
export async function* readCommitted(
  journal: Journal,
  from: ChainPoint,
  { toSn = Number.POSITIVE_INFINITY, signal }: ReadCommittedOptions = {},
): AsyncGenerator<Batch, void, void> {
  const caughtUp = new AbortController();
  const signals = signal === undefined ? [caughtUp.signal] : [caughtUp.signal, signal];
  const ending = AbortSignal.any(signals);
  for await (const batch of journal.read({ from, signal: ending, onIdle: () => caughtUp.abort() })) {
    yield batch;
    if (endOf(batch).sn >= toSn) return;
  }
  signal?.throwIfAborted();
}
