import type { understudy } from '#proto/understudy.js';
import { checkSuperuser } from './access.js';
import { quotaMessage } from './inode-more.js';
import { checkCount, type PlanContext, type Planned, plainPath, resolveExisting } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { SUM_MAX, sumOf } from './sum.js';

/** Bounds what is below a directory, itself not counted; a bound of 0 takes it away, one that is not named stays. */
export function planSetQuota(request: understudy.SetQuotaRequest, state: StateView, context: PlanContext): Planned {
  const namesMax = request.namesMax == null ? null : checkCount(request.namesMax, 'names_max');
  const bytesMax = request.bytesMax == null ? null : sumOf(request.bytesMax);
  if (bytesMax !== null && bytesMax > SUM_MAX)
    throw refusal('EINVAL', 'a quota of bytes is below 2^63', request.path, `bytes_max=${bytesMax}`);
  const resolved = resolveExisting(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  if (!inode.directory) throw refusal('ENOTDIR', 'only a directory has a quota', path);
  checkSuperuser(context.identity, 'set quotas', path);
  const before = inode.more?.quota ?? { namesMax: 0, bytesMax: 0n };
  const after = { namesMax: namesMax ?? before.namesMax, bytesMax: bytesMax ?? before.bytesMax };
  if (after.namesMax === before.namesMax && after.bytesMax === before.bytesMax) return { unchanged: inode };
  return { entry: { path: plainPath(resolved), setAttributes: { parentId, name, quota: quotaMessage(after) } } };
}
