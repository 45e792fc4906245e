import type { understudy } from '#proto/understudy.js';
import { BLOCKS_MAX } from './extents.js';
import { checkCount, type PlanContext, type Planned, plainPath } from './plan.js';
import { checkQuota } from './quota.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { resolveOpenFile } from './writing.js';

/** In one call. */
const ADDED_MAX = 65_536;

/**
 * Hands out further blocks, many at a time: they are the file's own, by number, behind those that it has. So the entry is a count, and the
 * recorded outcome, asked for again, names the same blocks. Takes the lease over from a client that is gone.
 */
export function planAddBlocks(request: understudy.AddBlocksRequest, state: StateView, context: PlanContext): Planned {
  const { blocks } = request;
  if (blocks < 1 || blocks > ADDED_MAX) throw refusal('EINVAL', `1 to ${ADDED_MAX} blocks can be added`, request.path, `blocks=${blocks}`);
  const told = request.length == null ? null : checkCount(request.length, 'length');
  const resolved = resolveOpenFile(request, state, context);
  const { path, parentId, name, inode } = resolved;
  const { clientId: holder = 0, blocks: before = 0 } = inode.more?.lease ?? {};
  const bytes = (before + blocks) * inode.blockBytes;
  if (before + blocks > BLOCKS_MAX || !Number.isSafeInteger(bytes)) {
    throw refusal('EFBIG', 'the file would be too long', path, `blocks=${before + blocks} block_bytes=${inode.blockBytes}`);
  }
  const length = told ?? inode.length;
  if (length < inode.length || length > bytes) {
    throw refusal('EINVAL', 'not a length that the file can have now', path, `length=${length} from=${inode.length} to=${bytes}`);
  }
  checkQuota(resolved, { names: 0, bytes: length - inode.length }, state);
  const addBlocks = {
    parentId,
    name,
    blocks,
    ...(length === inode.length ? {} : { length }),
    ...(holder === context.clientId ? {} : { clientId: context.clientId }),
  };
  return { entry: { path: plainPath(resolved), addBlocks } };
}
