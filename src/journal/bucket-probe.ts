/**
 * Proves that a store keeps the one promise that a journal rests on: of any number of creations of one object, at once or one after the
 * other, exactly one succeeds, and its bytes stand. A store that ignores the condition would let two leaders write.
 */
import type { Clock } from '../base/clock.js';
import { isError, UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { throwIfAborted } from '../base/wait.js';
import { PROBE_PREFIX } from './object-layout.js';
import type { Created, ObjectStore } from './object-store.js';
import { insistently } from './persistence.js';

const RACERS = 8;

export interface BucketProbeDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * @throws `failed_precondition`: the store is not fit for a journal. @throws `unavailable`: it cannot be told, or creates nothing now.
 */
export async function probeBucket(deps: BucketProbeDeps, signal?: AbortSignal): Promise<void> {
  const { store, random } = deps;
  const key = PROBE_PREFIX + Buffer.from(random.bytes(8)).toString('hex');
  const bytesOf = (racer: number): Buffer => Buffer.from(`understudy probe ${racer}\n`);
  const outcomes = await Promise.all(Array.from({ length: RACERS }, (_, racer) => outcomeOf(store, key, bytesOf(racer), signal)));
  // One after the others: what a store that only looks before it writes does right.
  outcomes.push(await outcomeOf(store, key, bytesOf(RACERS), signal));
  const winners = outcomes.flatMap((outcome, racer) => (typeof outcome === 'string' ? [] : [{ racer, ...outcome }]));
  const unfit = (why: string): UnderstudyError => new UnderstudyError('failed_precondition', `${why}: location=${store.location}`);
  if (winners.length > 1) throw unfit('the bucket ignores "If-None-Match: *", by which leaders are told apart: it cannot hold a journal');
  const there = await insistently(deps, () => store.get(key, signal), signal);
  if (there === undefined) throw new UnderstudyError('unavailable', `the bucket did not answer its probe: location=${store.location}`);
  const [winner] = winners;
  // Where nobody was told that it won, one of them did all the same.
  const isWinners = outcomes.some((_, racer) => (winner === undefined || winner.racer === racer) && there.equals(bytesOf(racer)));
  if (!isWinners) throw unfit('the bucket overwrites what a conditional PUT has made: it cannot hold a journal');
  if (winner?.isVersioned) {
    throw unfit(
      'the bucket keeps old versions, so that collected parts of the journal would stay for ever: it has to be an unversioned one',
    );
  }
  // One that stays is no harm.
  await insistently(deps, () => store.delete(key)).catch(() => undefined);
}

/** @returns what a creation came to; a name where it is not known to have been the one that succeeded. */
async function outcomeOf(
  store: ObjectStore,
  key: string,
  bytes: Buffer,
  signal: AbortSignal | undefined,
): Promise<Created | 'exists' | 'unknown'> {
  try {
    return await store.create(key, bytes, signal);
  } catch (error) {
    if (isError(error, 'already_exists')) return 'exists';
    if (isError(error, 'outcome_unknown') || isError(error, 'unavailable')) return 'unknown';
    throwIfAborted(signal);
    throw isError(error) ? new UnderstudyError('unavailable', error.message, { cause: error }) : error;
  }
}
