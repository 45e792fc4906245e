/**
 * What becomes of an inode whose time to live is over: it is removed, with all that is below it, or given up by the workers.
 */
import { understudy } from '#proto/understudy.js';
import { EXPIRY, NO_EXPIRY } from './inode-more.js';
import { pathTo } from './inode-path.js';
import type { EntryBody, PlanContext } from './plan.js';
import { planRemove } from './plan-remove.js';
import { PERSISTENCE } from './records.js';
import type { StateView } from './state.js';
import { withUnderWork } from './under-work.js';

/**
 * @returns null: not now. It was given more time, or is part of a tree that is being reaped, or what is to be given up is nowhere else yet.
 * @throws what removing is refused for.
 */
export function planExpiry(inodeId: number, state: StateView, context: PlanContext): EntryBody | null {
  const place = state.parentOf(inodeId);
  const inode = place && state.child(place.parentId, place.name);
  if (inode?.id !== inodeId || inode.more === null) return null;
  const { expiresMs, expiryAction } = inode.more;
  const path = pathTo(inodeId, state);
  if (expiresMs === 0 || expiresMs > context.timeMs || path === null) return null;
  if (expiryAction === EXPIRY.free) {
    if (!inode.directory && inode.persistence !== PERSISTENCE.persisted) return null;
    return { path, setAttributes: { ...place, pinned: false, ...NO_EXPIRY } };
  }
  const removed = planRemove(new understudy.RemoveRequest({ path, recursive: true, skipTrash: true }), state, context);
  const planned = withUnderWork(removed, state);
  return 'entry' in planned ? planned.entry : null;
}
