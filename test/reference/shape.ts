/** Names move and go, in the reference model. */
import { need, needTakeAway, R, W, X } from './access.js';
import { needParents } from './creating.js';
import { type Node, usageOf } from './inode.js';
import { holdsMount, mountOf, needRoom, needWritable } from './limits.js';
import { goesToTrash, moveToTrash } from './trash.js';
import { aboveOf, find, nameAt, nodeAt, parentOf, walk } from './walk.js';
import type { World } from './world.js';

export interface Rename {
  from: string;
  to: string;
  overwrite?: boolean;
  into?: boolean;
}

export interface Remove {
  path: string;
  recursive?: boolean;
  skipTrash?: boolean;
  namespaceOnly?: boolean;
}

export function rename(world: World, request: Rename): Node {
  const from = world.look(() => find(world, request.from));
  const there = world.look(() => walk(world, request.to));
  if (from?.names.length === 0) world.wrong('EINVAL');
  if (from === null || from.names.length === 0 || there === null) return world.stop();
  const node = nodeAt(from);
  const isInto = request.into && there.missing.length === 0 && nodeAt(there).directory;
  const to = isInto ? walk(world, `/${[...there.names, nameAt(from)].join('/')}`) : there;
  if (to.names.length === 0) world.refuse('EINVAL');
  needParents(world, to);
  const replaced = to.missing.length === 0 ? nodeAt(to) : null;
  if (replaced === node) return node;
  if (to.chain.includes(node)) world.wrong('EINVAL');
  if (replaced !== null && !request.overwrite) world.wrong('EEXIST');
  if (replaced !== null && request.overwrite) {
    if (replaced.directory && !node.directory) world.wrong('EISDIR');
    if (!replaced.directory && node.directory) world.wrong('ENOTDIR');
    if (replaced.mount !== null) world.wrong('EBUSY');
    if (replaced.children.size > 0) world.wrong('ENOTEMPTY');
    needTakeAway(world, parentOf(to), replaced);
  }
  needTakeAway(world, parentOf(from), node);
  need(world, parentOf(to), W | X);
  if (node.mount !== null) world.wrong('EBUSY');
  const [left, entered] = [aboveOf(from), aboveOf(to)];
  needWritable(world, left);
  needWritable(world, entered);
  if (mountOf(left) !== mountOf(entered)) world.wrong('EXDEV');
  const usage = usageOf(node);
  const names = usage.files + usage.directories + (replaced === null ? 1 : 0);
  const bytes = usage.bytes + BigInt(node.length) - BigInt(replaced?.length ?? 0);
  needRoom(
    world,
    entered.filter((directory) => !left.includes(directory)),
    names,
    bytes,
  );
  world.checked();

  world.changed = true;
  parentOf(from).children.delete(nameAt(from));
  parentOf(from).modifiedMs = world.nowMs;
  parentOf(to).children.set(nameAt(to), node);
  parentOf(to).modifiedMs = world.nowMs;
  return node;
}

export function remove(world: World, request: Remove): null {
  const place = find(world, request.path);
  const node = nodeAt(place);
  if (node === world.root) world.refuse('EINVAL');
  needTakeAway(world, parentOf(place), node);
  if (node.children.size > 0) {
    if (request.recursive) need(world, node, R | W | X);
    else world.wrong('ENOTEMPTY');
  }
  if (!request.skipTrash && goesToTrash(world, place)) return moveToTrash(world, place);
  if (!request.namespaceOnly) needWritable(world, place.chain);
  if (holdsMount(node)) world.wrong('EBUSY');
  world.checked();
  world.changed = true;
  parentOf(place).children.delete(nameAt(place));
  parentOf(place).modifiedMs = world.nowMs;
  return null;
}
