/** The mount table, in the reference model: its rules only, there is no storage behind it. */
import { needSuperuser } from './access.js';
import { needParents, put } from './creating.js';
import { aclOfMode, allPaths, type MountPoint, type Node } from './inode.js';
import { holdsMount } from './limits.js';
import { find, nameAt, nodeAt, parentOf, walk } from './walk.js';
import type { World } from './world.js';

const OPTIONS_BYTES_MAX = 16_384;

export interface Mounting {
  path: string;
  uri?: string;
  options?: { key: string; value: string }[];
  readOnly?: boolean;
  shared?: boolean;
}

export function mount(world: World, request: Mounting): Node {
  const { uri = '', options = [], readOnly = false, shared = false } = request;
  needSuperuser(world);
  if (!/^\/|^s3:\/\/[a-z]/.test(uri)) world.wrong('EINVAL');
  needOptions(world, options);
  for (const { node } of allPaths(world.root)) if (node.mount !== null && overlap(node.mount.uri, uri)) world.wrong('EBUSY');
  const place = walk(world, request.path);
  const isRoot = place.names.length === 0;
  if (isRoot && world.root.mount !== null) world.wrong('EBUSY');
  if (isRoot && world.root.children.size > 0) world.wrong('ENOTEMPTY');
  if (!isRoot && place.missing.length === 0) world.wrong('EEXIST');
  needParents(world, place);
  world.checked();
  world.changed = true;
  const mounted: MountPoint = { id: world.kept.nextMountId++, uri, options, readOnly, shared, mountedMs: world.nowMs };
  if (isRoot) return Object.assign(world.root, { mount: mounted });
  const node = put(world, parentOf(place), nameAt(place), true, {});
  const plain = { group: world.who.group, special: 0, acl: aclOfMode(shared ? 0o777 : 0o700), defaultAcl: new Map() };
  return Object.assign(node, plain, { persistence: 2, mount: mounted });
}

export function unmount(world: World, request: { path: string }): null {
  needSuperuser(world);
  const place = find(world, request.path);
  const node = nodeAt(place);
  if (node.mount === null) world.refuse('EINVAL');
  if ([...node.children.values()].some(holdsMount)) world.wrong('EBUSY');
  const isRoot = node === world.root;
  if (isRoot && node.children.size > 0) world.wrong('ENOTEMPTY');
  world.checked();
  world.changed = true;
  if (isRoot) node.mount = null;
  else {
    parentOf(place).children.delete(nameAt(place));
    parentOf(place).modifiedMs = world.nowMs;
  }
  return null;
}

export function updateMount(world: World, request: Mounting): Node {
  const { options = [], readOnly = false, shared = false } = request;
  needSuperuser(world);
  const node = nodeAt(find(world, request.path));
  const { mount: before } = node;
  if (before === null) world.refuse('EINVAL');
  needOptions(world, options);
  world.checked();
  if (JSON.stringify([before.options, before.readOnly, before.shared]) !== JSON.stringify([options, readOnly, shared]))
    world.changed = true;
  Object.assign(before, { options, readOnly, shared });
  return node;
}

function needOptions(world: World, options: MountPoint['options']): void {
  if (options.some(({ key }) => !key.startsWith('underfs.'))) world.wrong('EINVAL');
  if (options.map(({ key, value }) => key + value).join('').length > OPTIONS_BYTES_MAX) world.wrong('E2BIG');
}

/** One place would be known under two names. */
function overlap(a: string, b: string): boolean {
  const inside = (outer: string, inner: string) => `${inner}/`.startsWith(`${outer}/`.replace(/\/\/$/, '/'));
  return inside(a, b) || inside(b, a);
}
