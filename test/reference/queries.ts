/** Questions, in the reference model. */
import { may, need, R, X } from './access.js';
import { needXattrName } from './attributes.js';
import { blocksOf } from './files.js';
import { byBytes, type Node, usageOf } from './inode.js';
import { aboveOf, find, findById, nodeAt, walk } from './walk.js';
import { Refusal, type World } from './world.js';

export function getStatus(world: World, { path = '', inodeId = 0 }: { path?: string; inodeId?: number }): Node {
  if (inodeId === 0) return nodeAt(find(world, path));
  const place = findById(world.root, inodeId) ?? world.refuse('ENOENT');
  if (aboveOf(place).some((directory) => !may(world.who, directory, X))) world.refuse('EACCES');
  return nodeAt(place);
}

/** Below a file there is nothing. */
export function exists(world: World, { path }: { path: string }): boolean {
  try {
    return walk(world, path).missing.length === 0;
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.errnos.has('ENOTDIR')) return false;
    throw thrown;
  }
}

export interface ListStatus {
  path: string;
  startAfter?: string;
  prefix?: string;
  recursive?: boolean;
  pageEntries?: number;
}

/** Names, with `recursive` paths from here; and those directories that may not be read end it. */
export function listStatus(
  world: World,
  { path, startAfter = '', prefix = '', recursive, pageEntries = 0 }: ListStatus,
): { name: string; node: Node }[] {
  if (pageEntries > 10_000) world.wrong('EINVAL');
  const node = nodeAt(find(world, path));
  if (!node.directory) return [{ name: '', node }];
  need(world, node, R | X);
  world.checked();
  const found: { name: string; node: Node }[] = [];
  list(node, '');
  return found;

  function list(directory: Node, above: string): void {
    for (const name of [...directory.children.keys()].sort(byBytes)) {
      const child = directory.children.get(name) as Node;
      const shown = above === '' ? name : `${above}/${name}`;
      if (shown.startsWith(prefix) && (startAfter === '' || isWanted(shown))) found.push({ name: shown, node: child });
      if (!recursive || !child.directory || !mayHold(shown)) continue;
      if (!may(world.who, child, R | X)) world.refuse('EACCES');
      list(child, shown);
    }
  }

  /** In a plain listing what it begins behind is a name, whatever is in it. */
  function isWanted(shown: string): boolean {
    return recursive ? isBehind(shown, startAfter) : byBytes(shown, startAfter) > 0;
  }

  /** Something below `shown` has the prefix and lies behind. */
  function mayHold(shown: string): boolean {
    const within = `${shown}/`.startsWith(prefix) || prefix.startsWith(`${shown}/`);
    return within && (startAfter === '' || startAfter.startsWith(`${shown}/`) || startAfter === shown || isBehind(shown, startAfter));
  }
}

/** Component by component: a directory comes before what is in it, and all of that before its next sibling. */
function isBehind(path: string, other: string): boolean {
  const [mine, others] = [path.split('/'), other.split('/')];
  for (const [at, name] of mine.entries()) {
    const order = byBytes(name, others[at] ?? '');
    if (at >= others.length || order > 0) return true;
    if (order < 0) return false;
  }
  return false;
}

export function getXattrs(world: World, { path, names = [] }: { path: string; names?: string[] }): Map<string, string> {
  for (const name of names) needXattrName(world, name);
  const node = nodeAt(find(world, path));
  if (names.length === 0 || names.some((name) => name.startsWith('user.'))) need(world, node, R);
  const visible = [...node.xattrs].filter(([name]) => world.who.isSuperuser || name.startsWith('user.'));
  if (names.some((name) => !visible.some(([each]) => each === name))) world.wrong('ENODATA');
  world.checked();
  return new Map(visible.filter(([name]) => names.length === 0 || names.includes(name)).sort(([a], [b]) => byBytes(a, b)));
}

export function checkAccess(world: World, { path, wanted = 0 }: { path: string; wanted?: number }): null {
  if (wanted > 7) world.wrong('EINVAL');
  need(world, nodeAt(find(world, path)), wanted);
  world.checked();
  return null;
}

export function contentSummary(world: World, { path }: { path: string }) {
  const node = nodeAt(find(world, path));
  if (node.directory) need(world, node, R | X);
  world.checked();
  const { files, directories, bytes } = usageOf(node);
  const own = node.directory ? { files: 0, directories: 1 } : { files: 1, directories: 0 };
  return { files: files + own.files, directories: directories + own.directories, bytes: bytes + BigInt(node.length) };
}

export interface Blocks {
  path: string;
  offset?: number;
  length?: number;
}

/** That one answer tells. */
const BLOCKS_MAX = 2_048;

/** The first of those blocks that hold a byte of [offset, offset + length). */
export function getBlockLocations(world: World, { path, offset = 0, length }: Blocks) {
  const file = nodeAt(find(world, path));
  if (file.directory) world.refuse('EISDIR');
  need(world, file, R);
  world.checked();
  const end = length === undefined ? file.length : Math.min(file.length, offset + length);
  const found: { inodeId: number; index: number; offset: number; length: number }[] = [];
  let at = 0;
  for (const { inodeId, first, blocks } of blocksOf(file)) {
    for (let i = 0; i < blocks; i++) {
      const its = Math.min(file.blockBytes, file.length - at);
      if (its > 0 && offset < end && at < end && at + its > offset) found.push({ inodeId, index: first + i, offset: at, length: its });
      at += its;
      if (at >= end || found.length === BLOCKS_MAX) return found;
    }
  }
  return found;
}
