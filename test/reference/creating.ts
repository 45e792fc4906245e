/** Files and directories are made, in the reference model. */
import { need, needTakeAway, W, X } from './access.js';
import { blockBytesFor, umaskFor } from './config.js';
import { needFits } from './files.js';
import { aclOfMode, type Node } from './inode.js';
import { mountOf, needMode, needReplication, needRoom, needWritable } from './limits.js';
import { aboveOf, nameAt, nodeAt, type Place, parentOf, walk } from './walk.js';
import type { World } from './world.js';

export interface Made {
  path: string;
  mode?: number;
  umask?: number;
  recursive?: boolean;
  ttlMs?: number;
  expiryAction?: number;
}

export interface CreateFile extends Made {
  blockBytes?: number;
  completeLength?: number;
  modifiedMs?: number;
  overwrite?: boolean;
  replicationMin?: number;
  replicationMax?: number;
  persist?: boolean;
  mustPersist?: boolean;
}

export interface CreateDirectory extends Made {
  allowExists?: boolean;
}

export function createFile(world: World, request: CreateFile): Node {
  const { replicationMin = 0, replicationMax = 0, completeLength } = request;
  const blockBytes = world.look(() => blockBytesFor(world.asIfAlone(), request)) ?? world.settings.blockBytesDefault;
  needMode(world, request.mode);
  needReplication(world, replicationMin, replicationMax);
  needFits(world, completeLength ?? 0, blockBytes);
  const place = walk(world, request.path);
  const old = place.missing.length === 0 ? nodeAt(place) : null;
  if (old === world.root) world.refuse(request.overwrite ? 'EISDIR' : 'EEXIST');
  const above = aboveOf(place);
  const parent = parentOf(place);
  needParents(world, place, request.recursive);
  if (old === null) need(world, parent, W | X);
  else if (old.directory) world.wrong(request.overwrite ? 'EISDIR' : 'EEXIST');
  else if (!request.overwrite) world.wrong('EEXIST');
  else {
    needTakeAway(world, parent, old);
    need(world, old, W);
    if (world.isLeaseOfOther(old)) world.wrong('EBUSY');
  }
  needWritable(world, above);
  needRoom(world, above, place.missing.length, BigInt(completeLength ?? 0) - BigInt(old?.length ?? 0));
  const isMounted = mountOf(above) !== null;
  if (request.mustPersist && !isMounted) world.wrong('ENOTSUP');
  world.checked();

  const umask = umaskFor(world, request);
  let directory = parent;
  for (const name of place.missing.slice(0, -1)) {
    directory = put(world, directory, name, true, { mode: 0o777, umask: umask & ~0o300 });
    if (isMounted) directory.persistence = 2;
  }
  const file = put(world, directory, nameAt(place), false, { ...request, umask, mode: request.mode ?? 0o666 });
  file.blockBytes = blockBytes;
  file.replicationMin = replicationMin;
  file.replicationMax = replicationMax;
  if ((request.persist || request.mustPersist) && isMounted) file.persistence = 1;
  if (completeLength === undefined) file.lease = { client: world.client, blocks: 0 };
  else {
    file.complete = true;
    file.length = completeLength;
    file.modifiedMs = request.modifiedMs ?? world.nowMs;
  }
  return file;
}

export function createDirectory(world: World, request: CreateDirectory): Node {
  needMode(world, request.mode);
  const place = walk(world, request.path);
  if (place.missing.length === 0) {
    if (!nodeAt(place).directory || !request.allowExists) world.wrong('EEXIST');
    world.checked();
    return nodeAt(place);
  }
  needParents(world, place, request.recursive);
  need(world, nodeAt(place), W | X);
  needWritable(world, place.chain);
  needRoom(world, place.chain, place.missing.length, 0n);
  world.checked();
  const isMounted = mountOf(place.chain) !== null;
  let directory = nodeAt(place);
  const { mode = 0o777 } = request;
  const umask = umaskFor(world, request);
  for (const [at, name] of place.missing.entries()) {
    const isLast = at === place.missing.length - 1;
    directory = put(world, directory, name, true, isLast ? { ...request, mode, umask } : { mode, umask });
    if (isMounted) directory.persistence = 2;
  }
  return directory;
}

/** Something can be made at `place`: only its last name is missing, or what is missing above is to be made as well. */
export function needParents(world: World, { chain, missing }: Place, recursive = false): void {
  if (missing.length > 0 && !nodeAt({ chain }).directory) world.refuse('ENOTDIR');
  if (missing.length > 1 && !recursive) world.wrong('ENOENT');
}

/** Puts a new inode under a name, in place of what is there. */
export function put(world: World, parent: Node, name: string, directory: boolean, request: Omit<Made, 'path'>): Node {
  world.changed = true;
  const { who, nowMs } = world;
  const handsDown = (parent.special & 0o2000) !== 0;
  const { mode = 0, umask = 0, ttlMs, expiryAction = 0 } = request;
  const given = parent.defaultAcl.size > 0 ? mode : mode & ~umask;
  const node: Node = {
    id: world.kept.nextInodeId++,
    directory,
    owner: who.user,
    group: handsDown ? parent.group : who.group || parent.group,
    special: (given & 0o7000) | (handsDown && directory ? 0o2000 : 0),
    acl: aclOfMode(given),
    defaultAcl: new Map(),
    createdMs: nowMs,
    modifiedMs: nowMs,
    accessedMs: nowMs,
    length: 0,
    blockBytes: 0,
    complete: false,
    persistence: 0,
    generation: 0,
    pinned: false,
    replicationMin: 0,
    replicationMax: 0,
    ttlMs: ttlMs ?? null,
    expiryAction: ttlMs === undefined ? 0 : expiryAction,
    quota: { namesMax: 0, bytesMax: 0n },
    xattrs: new Map(),
    lease: null,
    extents: [],
    mount: null,
    children: new Map(),
  };
  if (parent.defaultAcl.size > 0) inherit(node, parent.defaultAcl, mode);
  parent.children.set(name, node);
  parent.modifiedMs = nowMs;
  return node;
}

/** POSIX 1003.1e: the default list instead of the umask, cut by what was asked for. */
function inherit(node: Node, defaults: ReadonlyMap<string, number>, mode: number): void {
  node.acl = new Map(defaults);
  if (node.directory) node.defaultAcl = new Map(defaults);
  const cut = (key: string, bits: number) => node.acl.set(key, (node.acl.get(key) ?? 0) & bits);
  cut('user:', (mode >> 6) & 7);
  cut(node.acl.has('mask:') ? 'mask:' : 'group:', (mode >> 3) & 7);
  cut('other:', mode & 7);
}
