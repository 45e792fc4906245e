/**
 * Begins a blank store where the journal's newest sound checkpoint ends. One that is damaged is reported, and the one before is taken.
 */
import type { Clock } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { throwIfAborted } from '../base/wait.js';
import { type CheckpointRef, type Checkpoints, NOTHING_RETAINED } from '../journal/checkpoints.js';
import type { KvStore } from '../kv/kv-store.js';
import { CheckpointReader } from '../metadata/checkpoint-reader.js';
import type { JournalIdentity } from '../metadata/flush-mark.js';
import { checkEmpty, clearBrokenLoad, isBlank, loadCheckpoint } from '../metadata/load-checkpoint.js';

export interface BootstrapDeps {
  readonly identity: JournalIdentity;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly log: Log;
  /** Told what is being done, for people; empty when it is done. */
  readonly doing: (what: string) => void;
}

export interface Unusable extends CheckpointRef {
  readonly error: UnderstudyError;
}

export interface Bootstrapped {
  /** A checkpoint was loaded now; else the store goes on from its mark, or begins with the journal's first entry. */
  readonly isLoaded: boolean;
  readonly unusable: readonly Unusable[];
}

/** Looks at what is published, while what it names has been collected meanwhile. */
const LOOKS_MAX = 5;
/** Damaged, of a later version, or gone. */
const UNUSABLE: ReadonlySet<string> = new Set(['corrupt', 'failed_precondition', 'not_found']);

/**
 * Loads the newest sound checkpoint into `kv`, where that is blank; clears away what a load left that broke off.
 *
 * @throws `corrupt`: it is blank, and yet has rows. @throws `data_loss`: no checkpoint can be used, and what comes before them was collected. @throws `unavailable`, `cancelled`.
 */
export async function bootstrap(kv: KvStore, deps: BootstrapDeps, signal: AbortSignal): Promise<Bootstrapped> {
  const unusable: Unusable[] = [];
  if (!isBlank(kv)) return { isLoaded: false, unusable };
  await clearBrokenLoad(kv);
  await checkEmpty(kv);
  let published = NOTHING_RETAINED;
  for (let look = 1; look <= LOOKS_MAX; look++) {
    published = await deps.checkpoints.published(signal);
    const untried = published.checkpoints.filter(({ id }) => unusable.every((tried) => tried.id !== id));
    if (untried.length === 0) break;
    for (const checkpoint of untried) {
      const error = await tryToLoad(kv, checkpoint, deps, signal);
      if (error === null) return { isLoaded: true, unusable };
      unusable.push({ ...checkpoint, error });
      await clearBrokenLoad(kv);
    }
  }
  if (published.boundary === null) return { isLoaded: false, unusable };
  const { sn } = published.boundary.point;
  throw new UnderstudyError(
    'data_loss',
    `no checkpoint can be used, and the journal before them was collected: tried=${unusable.length} collectedTo=${sn}`,
    { cause: unusable[0]?.error },
  );
}

/** @returns why the checkpoint cannot be used; null once it is loaded. */
async function tryToLoad(
  kv: KvStore,
  checkpoint: CheckpointRef,
  deps: BootstrapDeps,
  signal: AbortSignal,
): Promise<UnderstudyError | null> {
  const { checkpoints, clock, log, doing, identity } = deps;
  const { sn, id } = checkpoint;
  const beganMs = clock.monotonicMs();
  let rows = 0;
  doing(`a checkpoint is being loaded: sn=${sn}`);
  try {
    await using reader = await CheckpointReader.open(checkpoints.read(checkpoint, signal));
    if (reader.head.sn !== sn) throw new UnderstudyError('corrupt', `the checkpoint is another one: sn=${reader.head.sn} named=${sn}`);
    await loadCheckpoint(kv, reader, identity, async (count) => {
      rows = count;
      await new Promise<void>((resolve) => clock.defer(resolve));
      throwIfAborted(signal);
    });
    log.info({ sn, id, rows, ms: Math.round(clock.monotonicMs() - beganMs) }, 'a checkpoint was loaded');
    return null;
  } catch (thrown) {
    const error = asError(thrown);
    if (!UNUSABLE.has(error.code)) throw error;
    log.error({ sn, id, error }, 'a checkpoint cannot be used; the one before is tried');
    return error;
  } finally {
    doing('');
  }
}
