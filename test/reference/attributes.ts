/** What stands in an inode beside its contents, in the reference model. */
import { need, needOwner, needSuperuser, W } from './access.js';
import { modeOf, type Node, setMode } from './inode.js';
import { needMode, needReplication, needWritable } from './limits.js';
import { find, nodeAt, type Place } from './walk.js';
import type { World } from './world.js';

export interface SetAttributes {
  path: string;
  owner?: string;
  group?: string;
  mode?: number;
  modifiedMs?: number;
  accessedMs?: number;
  pinned?: boolean;
  replicationMin?: number;
  replicationMax?: number;
  ttlMs?: number;
  expiryAction?: number;
  clearTtl?: boolean;
  persistence?: number;
}

export interface SetQuota {
  path: string;
  namesMax?: number;
  bytesMax?: { high?: number; low?: number };
}

export interface SetXattr {
  path: string;
  name: string;
  /** Text; the program gets its bytes. */
  value?: string;
  /** 0 either, 1 create, 2 replace. */
  flag?: number;
}

export function setAttributes(world: World, request: SetAttributes): Node {
  const { who } = world;
  needMode(world, request.mode);
  for (const name of [request.owner, request.group]) {
    if (name !== undefined && (name === '' || Buffer.byteLength(name) > 255)) world.wrong('EINVAL');
  }
  if (request.clearTtl && request.ttlMs !== undefined) world.wrong('EINVAL');
  const place = find(world, request.path);
  const node = nodeAt(place);
  if (node === world.root && request.ttlMs !== undefined) world.wrong('EINVAL');
  needMaySet(world, node, request);
  const { replicationMin, replicationMax, persistence } = request;
  const [min, max] = [replicationMin ?? node.replicationMin, replicationMax ?? node.replicationMax];
  if (replicationMin !== undefined || replicationMax !== undefined) {
    if (node.directory) world.wrong('EISDIR');
    needReplication(world, min, max);
  }
  if (persistence !== undefined && !mayFollow(node.persistence, persistence)) world.wrong('EINVAL');

  const after = { ...node, acl: new Map(node.acl) };
  const isGivenAway = (request.owner ?? node.owner) !== node.owner || (request.group ?? node.group) !== node.group;
  after.owner = request.owner ?? node.owner;
  after.group = request.group ?? node.group;
  if (isGivenAway && !node.directory && !who.isSuperuser) after.special &= ~0o6000;
  if (request.mode !== undefined) {
    setMode(after, request.mode);
    if (!who.isSuperuser && !who.groups.includes(after.group)) after.special &= ~0o2000;
  }
  after.modifiedMs = request.modifiedMs ?? node.modifiedMs;
  after.accessedMs = request.accessedMs ?? node.accessedMs;
  after.pinned = request.pinned ?? node.pinned;
  after.replicationMin = min;
  after.replicationMax = max;
  after.persistence = persistence ?? node.persistence;
  if (request.clearTtl) Object.assign(after, { ttlMs: null, expiryAction: 0 });
  if (request.ttlMs !== undefined) Object.assign(after, { ttlMs: request.ttlMs, expiryAction: request.expiryAction ?? 0 });

  const isSame = JSON.stringify(own(after)) === JSON.stringify(own(node));
  const isOfStorage = [request.owner, request.group, request.mode].some((value) => value !== undefined);
  if (!isSame && isOfStorage) needWritable(world, place.chain);
  world.checked();
  if (!isSame) world.changed = true;
  return Object.assign(node, after);
}

const own = (node: Node) => ({ ...node, mode: modeOf(node), quota: null, children: null, acl: null, defaultAcl: null, xattrs: null });

function needMaySet(world: World, node: Node, request: SetAttributes): void {
  const { who } = world;
  const { owner, group, mode, modifiedMs, accessedMs, persistence, pinned, ttlMs, clearTtl } = request;
  if ([owner, group, mode, modifiedMs, accessedMs, pinned, ttlMs, clearTtl || undefined].some((value) => value !== undefined))
    needOwner(world, node);
  if (owner !== undefined && owner !== node.owner) needSuperuser(world);
  if (group !== undefined && group !== node.group && !who.isSuperuser && !who.groups.includes(group)) world.wrong('EPERM');
  if (persistence !== undefined) needSuperuser(world);
  const isOfCopies = request.replicationMin !== undefined || request.replicationMax !== undefined;
  if (isOfCopies && who.user !== node.owner) need(world, node, W);
}

/** NOT_PERSISTED 0 → TO_BE_PERSISTED 1 → PERSISTED 2; any → LOST 3; TO_BE_PERSISTED → NOT_PERSISTED. */
function mayFollow(before: number, after: number): boolean {
  return after === before || after === 3 || ['0>1', '1>2', '1>0'].includes(`${before}>${after}`);
}

export function setQuota(world: World, request: SetQuota): Node {
  const { high = 0, low = 0 } = request.bytesMax ?? {};
  const bytes = BigInt(high) * 2n ** 32n + BigInt(low);
  if (bytes >= 2n ** 63n) world.wrong('EINVAL');
  const node = nodeAt(find(world, request.path));
  if (!node.directory) world.wrong('ENOTDIR');
  needSuperuser(world);
  world.checked();
  const namesMax = request.namesMax ?? node.quota.namesMax;
  const bytesMax = request.bytesMax === undefined ? node.quota.bytesMax : bytes;
  if (namesMax !== node.quota.namesMax || bytesMax !== node.quota.bytesMax) world.changed = true;
  node.quota = { namesMax, bytesMax };
  return node;
}

const XATTRS_MAX = 32;
const XATTR_BYTES_MAX = 16 * 1024;
const XATTRS_BYTES_MAX = 64 * 1024;

export function setXattr(world: World, request: SetXattr): Node {
  const place = ofXattr(world, request);
  const node = nodeAt(place);
  const { name, value = '', flag = 0 } = request;
  const has = node.xattrs.has(name);
  if (has && flag === 1) world.wrong('EEXIST');
  if (!has && flag === 2) world.wrong('ENODATA');
  const after = new Map(node.xattrs).set(name, value);
  const bytes = [...after].reduce((sum, [each, its]) => sum + Buffer.byteLength(each) + Buffer.byteLength(its), 0);
  const isTooLarge = Buffer.byteLength(name) + Buffer.byteLength(value) > XATTR_BYTES_MAX;
  if (isTooLarge || after.size > XATTRS_MAX || bytes > XATTRS_BYTES_MAX) world.wrong('E2BIG');
  if (node.xattrs.get(name) !== value) needWritable(world, place.chain);
  world.checked();
  if (node.xattrs.get(name) !== value) world.changed = true;
  node.xattrs = after;
  return node;
}

export function removeXattr(world: World, request: { path: string; name: string }): Node {
  const place = ofXattr(world, request);
  const node = nodeAt(place);
  if (node.xattrs.has(request.name)) needWritable(world, place.chain);
  else world.wrong('ENODATA');
  world.checked();
  world.changed = true;
  node.xattrs.delete(request.name);
  return node;
}

function ofXattr(world: World, { path, name }: { path: string; name: string }): Place {
  const namespace = needXattrName(world, name);
  const place = find(world, path);
  const node = nodeAt(place);
  const isSticky = node.directory && (node.special & 0o1000) !== 0;
  if (namespace === 'user' && isSticky) needOwner(world, node);
  else if (namespace === 'user') need(world, node, W);
  return place;
}

/** @returns its namespace: users' or superusers'. */
export function needXattrName(world: World, name: string): string | undefined {
  const [, namespace] = /^([a-z]+)\.[^\p{Cc}]+$/u.exec(name) ?? [];
  if (namespace === undefined || Buffer.byteLength(name) > 255) world.wrong('EINVAL');
  else if (namespace !== 'user' && namespace !== 'trusted') world.wrong('ENOTSUP');
  if (namespace === 'trusted') needSuperuser(world);
  return namespace;
}
