/**
 * What becomes of a file whose writer is gone: whoever reads it has what the writer told last.
 */
import { pathTo } from './inode-path.js';
import type { EntryBody, PlanContext } from './plan.js';
import type { StateView } from './state.js';

/** What is done with files that were never complete. */
export type LeaseRecovery = 'complete' | 'remove';

/**
 * A file that was complete before, and was opened to be appended to, is completed in every case: nobody loses what was there.
 *
 * @param holder the client that is gone.
 * @returns null: nothing any longer. It is complete, or somebody else writes it, or it is part of a tree that is being reaped.
 */
export function planRecovery(
  { inodeId, holder, recovery }: { readonly inodeId: number; readonly holder: number; readonly recovery: LeaseRecovery },
  state: StateView,
  context: PlanContext,
): EntryBody | null {
  const place = state.parentOf(inodeId);
  const inode = place && state.child(place.parentId, place.name);
  const path = pathTo(inodeId, state);
  if (inode?.more?.lease?.clientId !== holder || path === null) return null;
  if (recovery === 'complete' || inode.generation > 0) {
    return { path, completeFile: { ...place, length: inode.length, modifiedMs: context.timeMs } };
  }
  return { path, remove: { ...place } };
}
