/**
 * The last step of persisting a file: its part takes the file's place in mounted storage, as the mount's queue says. The storage then has the file
 * with a time of its own, which becomes the file's here too: else the next look would take it for a file that somebody else put there.
 */

import { isError } from '../base/errors.js';
import { namesTo } from '../metadata/inode-path.js';
import { pairKey } from '../metadata/keys.js';
import { directoryPlace } from '../metadata/mount-place.js';
import type { UnderWork } from '../metadata/mounts.js';
import { renamedPart } from '../metadata/parts.js';
import type { EntryBody } from '../metadata/plan.js';
import { PERSISTENCE } from '../metadata/records.js';
import type { State } from '../metadata/state.js';
import { hasQueuedWork } from '../metadata/under-work.js';
import type { UnderEntry, UnderStore } from '../underfs/under-store.js';

/** Of one mount. Where more is queued, it is not told apart. */
const QUEUED_MAX = 256;

/** @returns whether its mounted storage may not have the file yet: the rename of its part is queued. */
export function isPartQueued(inodeId: number, state: State): boolean {
  const mount = directoryPlace(state.parentOf(inodeId)?.parentId ?? 0, state)?.mount;
  if (mount === undefined || !hasQueuedWork(mount)) return false;
  if (mount.workSeq - mount.workDone > QUEUED_MAX) return true;
  for (let seq = mount.workDone + 1; seq <= mount.workSeq; seq++) {
    const work = state.work.get(pairKey(mount.id, seq));
    if (work !== null && renamedPart(work)?.inodeId === inodeId) return true;
  }
  return false;
}

/** Repeatable. @returns what the storage has in the file's place then. @throws `not_found`: there is neither the part nor such a file. */
export async function putPart({ path, to, mode }: UnderWork, store: UnderStore, signal: AbortSignal): Promise<UnderEntry | undefined> {
  if (mode !== null) {
    await store.setAttributes(path, { mode }, signal).catch((error) => {
      // It has been renamed already.
      if (!isError(error, 'not_found')) throw error;
    });
  }
  await store.rename(path, to, signal);
  return await store.stat(to, signal);
}

/**
 * @param there what the storage has in its place; undefined: it has not taken the part.
 * @returns what becomes of the file here: the storage's time, or it is to be persisted once more. Null: nothing, it is another by now, or no part.
 */
export function partTold(work: UnderWork, there: UnderEntry | undefined, state: State): EntryBody | null {
  const of = renamedPart(work);
  const names = of && namesTo(of.inodeId, state);
  const parent = of && state.parentOf(of.inodeId);
  const inode = parent && state.child(parent.parentId, parent.name);
  if (!of || !names || !parent || inode?.generation !== of.generation || inode.persistence !== PERSISTENCE.persisted) return null;
  const isThere = there !== undefined && !there.isDirectory && there.length === inode.length;
  if (isThere && (there.modifiedMs === inode.modifiedMs || !(there.modifiedMs > 0))) return null;
  const change = isThere ? { modifiedMs: there.modifiedMs } : { persistence: PERSISTENCE.toBePersisted };
  return { path: `/${names.join('/')}`, setAttributes: { ...parent, ...change } };
}
