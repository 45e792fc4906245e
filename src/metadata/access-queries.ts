/** Questions about permissions and extended attributes. A list comes with the inode, as `getStatus` tells it. */
import type { understudy } from '#proto/understudy.js';
import { checkAccess, READ } from './access.js';
import { type QueryContext, resolveExisting } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { checkXattrName, isUserXattr, visibleXattrs } from './xattr-edits.js';
import { xattrsMessage } from './xattrs.js';

const ALL = 7;

/** Tells the attributes that are named, or all that the caller may see. @throws ENODATA. */
export function getXattrs(
  { path, names }: understudy.GetXattrsRequest,
  state: StateView,
  context: QueryContext,
): understudy.GetXattrsResponse.$Properties {
  const { identity } = context;
  for (const name of names) checkXattrName(name, identity, path);
  const { inode } = resolveExisting(path, state, context);
  if (names.length === 0 || names.some(isUserXattr)) checkAccess(inode, identity, READ, path);
  const visible = visibleXattrs(inode.more?.hasXattrs ? (state.xattrs.get(inode.id) ?? []) : [], identity);
  const missing = names.find((name) => !visible.some((each) => each.name === name));
  if (missing !== undefined) throw refusal('ENODATA', 'the attribute does not exist', path, `name=${JSON.stringify(missing)}`);
  const asked = names.length === 0 ? visible : visible.filter(({ name }) => names.includes(name));
  return { ...xattrsMessage(asked), sn: state.sn };
}

/** Answers where the caller has the permissions that it wants. @throws EACCES where not, ENOENT. */
export function askAccess(
  { path, wanted }: understudy.CheckAccessRequest,
  state: StateView,
  context: QueryContext,
): understudy.CheckAccessResponse.$Properties {
  const { inode } = resolveExisting(path, state, context);
  if (wanted > ALL) throw refusal('EINVAL', 'permissions have three bits', path, `wanted=${wanted}`);
  checkAccess(inode, context.identity, wanted, path);
  return { sn: state.sn };
}
