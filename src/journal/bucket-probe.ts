/**
 * Proves that a store keeps the one promise that a journal rests on: of any number of creations of one object, at once or one after the
 * other, exactly one succeeds, and its bytes stand. A store that ignores the condition would let two leaders write.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { PROBE_PREFIX } from './object-layout.js';
import type { ObjectStore } from './object-store.js';

const RACERS = 8;

/**
 * Leaves nothing behind, unless it fails.
 *
 * @throws `failed_precondition`: the store is not fit for a journal. @throws `unavailable`, `permission_denied`: it cannot be told.
 */
export async function probeBucket(store: ObjectStore, random: Random, signal?: AbortSignal): Promise<void> {
  const key = PROBE_PREFIX + Buffer.from(random.bytes(8)).toString('hex');
  const bytesOf = (racer: number): Buffer => Buffer.from(`understudy probe ${racer}\n`);
  const outcomes = await Promise.all(Array.from({ length: RACERS }, (_, racer) => outcomeOf(store, key, bytesOf(racer), signal)));
  // One after the others: what a store that only looks before it writes does right.
  outcomes.push(await outcomeOf(store, key, bytesOf(RACERS), signal));
  const winners = outcomes.flatMap((outcome, racer) => (outcome === 'exists' || outcome === 'unknown' ? [] : [{ racer, outcome }]));
  const [winner] = winners;
  const unfit = (why: string): UnderstudyError => new UnderstudyError('failed_precondition', `${why}: location=${store.location}`);
  if (winners.length > 1) throw unfit('the bucket ignores "If-None-Match: *", by which leaders are told apart: it cannot hold a journal');
  const there = await store.get(key, signal);
  if (winner === undefined || there === undefined) {
    throw new UnderstudyError('unavailable', `the bucket did not answer its probe: location=${store.location}`);
  }
  if (!there.equals(bytesOf(winner.racer))) throw unfit('the bucket overwrites what a conditional PUT has made: it cannot hold a journal');
  if (winner.outcome.isVersioned) {
    throw unfit(
      'the bucket keeps old versions, so that collected parts of the journal would stay for ever: it has to be an unversioned one',
    );
  }
  await store.delete(key, signal);
}

async function outcomeOf(
  store: ObjectStore,
  key: string,
  bytes: Buffer,
  signal: AbortSignal | undefined,
): Promise<{ readonly isVersioned: boolean } | 'exists' | 'unknown'> {
  try {
    return await store.create(key, bytes, signal);
  } catch (error) {
    if (isError(error, 'already_exists')) return 'exists';
    if (isError(error, 'outcome_unknown')) return 'unknown';
    throw error;
  }
}
