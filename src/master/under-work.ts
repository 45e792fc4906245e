/**
 * Works off what mounted storage has yet to see: the rows `w`, journaled with the changes that they follow from (src/metadata/under-work.ts).
 *
 * - In order for each mount; several mounts at once, so that storage that does not answer holds up nobody else's.
 * - One batch at a time for each mount: the next pieces of work that have nothing to do with each other (no path of one is, holds or lies in a
 *   path of another). Each of them may be repeated, and so may all of them in any order: that a later leader does if this one ends before the
 *   journal knows. No later work begins before it does, so nothing is repeated behind it.
 * - What the storage does not answer is tried again for as long as it takes. What it refuses is tried a few times and then given up, told in
 *   the log: the namespace goes on, and a check of consistency shows the difference.
 */
import type { Clock } from '../base/clock.js';
import { asError, type ErrorCode, isError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { pairKey } from '../metadata/keys.js';
import { type Mount, UNDER_WORK, type UnderWork } from '../metadata/mounts.js';
import { renamedPart } from '../metadata/parts.js';
import { hasQueuedWork } from '../metadata/under-work.js';
import type { UnderEntry, UnderStore } from '../underfs/under-store.js';
import type { UnderStores } from '../underfs/under-stores.js';
import { independentPrefix } from './independent-work.js';
import type { Leadership } from './leadership.js';
import { partTold, putPart } from './persisted-parts.js';
import type { Replica } from './replica.js';
import type { StorageTroubles } from './storage-troubles.js';

export interface UnderWorkDeps {
  readonly replica: Replica;
  readonly leadership: Pick<Leadership, 'append' | 'outside'>;
  readonly underStores: UnderStores;
  readonly troubles: StorageTroubles;
  readonly clock: Clock;
  readonly log: Log;
}

const BATCH_MAX = 32;
const MOUNTS_AT_ONCE = 8;
const LOOK_MS = 20;
const PAUSE_MS = 25;
const PAUSE_MAX_MS = 30_000;
const REFUSALS_MAX = 5;

/** What passes: the storage does not answer or is full, or this leadership is held or over. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'unavailable',
  'outcome_unknown',
  'resource_exhausted',
  'cancelled',
  'not_leader',
  'fenced',
]);

/** How the work of one mount goes. */
interface Lane {
  isBusy: boolean;
  /** Batches in a row that failed. */
  failures: number;
  /** Of these, how often the storage refused the next piece of work. */
  refusals: number;
  notBeforeMs: number;
}

/** Runs until `signal` is aborted. What it began is given up by then (`Leadership.outside`); storage that hangs is not waited for. Never throws. */
export async function doUnderWork(deps: UnderWorkDeps, signal: AbortSignal): Promise<void> {
  const { clock } = deps;
  const lanes = new Map<number, Lane>();
  let running = 0;
  while (!signal.aborted) {
    for (const mount of queuedMounts(deps)) {
      const lane = lanes.get(mount.id) ?? { isBusy: false, failures: 0, refusals: 0, notBeforeMs: 0 };
      if (lane.isBusy || lane.notBeforeMs > clock.monotonicMs() || running >= MOUNTS_AT_ONCE) continue;
      lanes.set(mount.id, lane);
      lane.isBusy = true;
      running += 1;
      void workOff(mount.id, lane, deps, signal).finally(() => {
        lane.isBusy = false;
        running -= 1;
      });
    }
    await sleep(clock, LOOK_MS, signal).catch(() => {});
  }
}

/** Lets go of storage that is mounted no longer, by the way. */
function queuedMounts({ replica, underStores }: UnderWorkDeps): readonly Mount[] {
  try {
    const mounts = replica.state.allMounts();
    underStores.keepOnly(mounts);
    return mounts.filter(hasQueuedWork);
  } catch (thrown) {
    replica.checked(thrown);
    return [];
  }
}

/** Works until nothing is left, or something fails. */
async function workOff(mountId: number, lane: Lane, deps: UnderWorkDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let batch: readonly UnderWork[] = [];
    try {
      const mount = deps.replica.state.mounts.get(mountId);
      if (mount === null || !hasQueuedWork(mount)) return;
      batch = nextBatch(mount, lane.failures > 0 ? 1 : BATCH_MAX, deps.replica);
      await doBatch(mount, batch, deps);
      lane.failures = lane.refusals = 0;
      deps.troubles.mountIsOver(mountId);
    } catch (thrown) {
      const error = asError(thrown);
      if (signal.aborted) return;
      if (!(await isGivenUp(error, mountId, batch, lane, deps))) return;
    }
  }
}

function nextBatch({ id, workSeq, workDone }: Mount, max: number, { state }: Replica): readonly UnderWork[] {
  const batch: UnderWork[] = [];
  for (let seq = workDone + 1; seq <= Math.min(workSeq, workDone + max); seq++) {
    const work = state.work.get(pairKey(id, seq));
    if (work !== null) batch.push(work);
  }
  return independentPrefix(batch);
}

async function doBatch(mount: Mount, batch: readonly UnderWork[], { leadership, underStores }: UnderWorkDeps): Promise<void> {
  const done = await leadership.outside(async (signal) => {
    const store = await opened(mount, underStores);
    const outcomes = await Promise.allSettled(batch.map((work) => doWork(work, store, signal)));
    return outcomes.map((outcome, at): Done => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return { work: batch[at] as UnderWork, there: outcome.value };
    });
  });
  await tellDone(mount, done, leadership);
}

/** @throws `unavailable` whatever keeps it from being opened: a folder that is not there may come back. */
async function opened(mount: Mount, underStores: UnderStores): Promise<UnderStore> {
  try {
    return await underStores.of(mount);
  } catch (cause) {
    throw new UnderstudyError('unavailable', `mounted storage cannot be opened: uri=${mount.uri}: ${asError(cause).message}`, { cause });
  }
}

interface Done {
  readonly work: UnderWork;
  /** Of a part that was renamed: what the storage has in its place. */
  readonly there: UnderEntry | undefined;
}

async function tellDone(
  { id, workDone }: Mount,
  works: readonly Done[],
  leadership: UnderWorkDeps['leadership'],
  refused = false,
): Promise<void> {
  await leadership.append((state) => {
    if (state.mounts.get(id)?.workDone !== workDone) return null;
    const told = works.flatMap(({ work, there }) => partTold(work, there, state) ?? []);
    const done = { workDone: { mountId: id, through: workDone + works.length, refused } };
    return told.length === 0 ? done : { group: { entries: [done, ...told] } };
  });
}

/** Brings one change to the storage. @returns of a part that is renamed, what is in its place then. */
export async function doWork(work: UnderWork, store: UnderStore, signal: AbortSignal): Promise<UnderEntry | undefined> {
  if (renamedPart(work) !== null) return await putPart(work, store, signal);
  await change(work, store, signal);
  return undefined;
}

async function change({ kind, path, to, directory, mode, owner, group }: UnderWork, store: UnderStore, signal: AbortSignal): Promise<void> {
  const attributes = { ...(mode === null ? {} : { mode }), ...(owner === '' ? {} : { owner }), ...(group === '' ? {} : { group }) };
  switch (kind) {
    case UNDER_WORK.rename:
      return await store.rename(path, to, signal).catch((error) => {
        // A file that was written to may never have been there before: then there is nothing to move.
        if (directory || !isError(error, 'not_found')) throw error;
      });
    case UNDER_WORK.delete:
      return await store.delete(path, { signal });
    case UNDER_WORK.deleteTree:
      return await store.delete(path, { recursive: true, signal });
    case UNDER_WORK.makeDirectory:
      await store.makeDirectory(path, signal);
      return await store.setAttributes(path, attributes, signal);
    case UNDER_WORK.setAttributes:
      return await store.setAttributes(path, attributes, signal);
  }
}

/** Sets the lane's rest. @returns whether the next piece of work is given up, so that others go on at once. */
async function isGivenUp(
  error: UnderstudyError,
  mountId: number,
  batch: readonly UnderWork[],
  lane: Lane,
  { replica, leadership, clock, log, troubles }: UnderWorkDeps,
): Promise<boolean> {
  const isRefusal = !PASSING.has(error.code);
  // Of several it is not known yet which one is refused: they are tried one by one.
  if (isRefusal && batch.length === 1) lane.refusals += 1;
  lane.failures += 1;
  const [work] = batch;
  const mount = replica.state.mounts.get(mountId);
  const about = { error, mount: mount?.uri, work: work && { ...work } };
  if (isRefusal && work !== undefined && mount !== null && lane.refusals >= (error.code === 'not_found' ? 1 : REFUSALS_MAX)) {
    log.error(about, 'mounted storage refuses a change; it is given up, and the storage differs from the namespace');
    lane.failures = lane.refusals = 0;
    troubles.mountIsOver(mountId);
    return await tellDone(mount, [{ work, there: undefined }], leadership, true).then(
      () => true,
      () => false,
    );
  }
  if (error.code !== 'cancelled' && error.code !== 'not_leader') {
    log.warn(about, 'mounted storage has not taken a change; it is tried again');
    troubles.noteMount(mountId, error.message);
  }
  lane.notBeforeMs = clock.monotonicMs() + Math.min(PAUSE_MS * 2 ** lane.failures, PAUSE_MAX_MS);
  return false;
}
