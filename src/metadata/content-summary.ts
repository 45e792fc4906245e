import type { understudy } from '#proto/understudy.js';
import { checkAccess, EXECUTE, READ } from './access.js';
import { quotaMessage } from './inode-more.js';
import { type QueryContext, resolveExisting } from './plan.js';
import type { StateView } from './state.js';
import { sumMessage } from './sum.js';
import { NO_USAGE, usageWith } from './usage.js';

/**
 * What is at and below a path, itself counted: one look, whatever the size, for usage is kept with each change (usage.ts).
 *
 * Nothing below is looked at, so permissions below do not matter; a directory itself has to be readable.
 */
export function contentSummary(
  request: understudy.ContentSummaryRequest,
  state: StateView,
  context: QueryContext,
): understudy.ContentSummaryResponse.$Properties {
  const { path, inode } = resolveExisting(request.path, state, context);
  if (inode.directory) checkAccess(inode, context.identity, READ | EXECUTE, path);
  const { files, directories, bytes } = usageWith(inode, state.usages.get(inode.id) ?? NO_USAGE);
  const quota = inode.more?.quota ?? null;
  return { files, directories, bytes: sumMessage(bytes), quota: quota && quotaMessage(quota), sn: state.sn };
}
