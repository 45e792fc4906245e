/** What is told of an inode, alike for the program and for the reference model, so that the two can be compared. */
import type { understudy } from '../../generated/understudy.js';
import { byBytes, modeOf, type Node } from './inode.js';

/** @returns the inode of the reference model as it has to be told. */
export function shownOf(node: Node): object {
  const { id, directory, owner, group, createdMs, modifiedMs, accessedMs, length, blockBytes, complete, persistence, generation } = node;
  const { pinned, replicationMin, replicationMax, ttlMs, expiryAction, quota, xattrs, lease, extents, mount, children } = node;
  return {
    ...{ id, directory, owner, group, mode: modeOf(node), createdMs, modifiedMs, accessedMs, length, blockBytes, complete },
    ...{ childCount: children.size, persistence, generation, pinned, replicationMin, replicationMax },
    ...{ ttlMs: ttlMs ?? 0, expiresMs: ttlMs === null ? 0 : createdMs + ttlMs, expiryAction },
    quota: `${quota.namesMax} ${quota.bytesMax}`,
    acl: listed(node.acl),
    defaultAcl: listed(node.defaultAcl),
    hasXattrs: xattrs.size > 0,
    lease: lease === null ? '' : `${lease.client} ${lease.blocks}`,
    extents: extents.map(({ inodeId, first, blocks }) => `${inodeId}:${first}+${blocks}`).join(),
    mount: mount?.id ?? 0,
  };
}

const KINDS = ['user', 'group', 'mask', 'other'];

/** @returns the same of an inode that the program told. */
export function shownOfMessage(inode: understudy.Inode.$Properties): object {
  const more = inode.more ?? {};
  const mode = inode.mode ?? 0;
  const entries = (more.acl ?? []).map(({ default: isDefault, kind, name, permissions }) => ({
    isDefault: isDefault ?? false,
    key: `${KINDS[kind ?? 0]}:${name ?? ''}`,
    permissions: permissions ?? 0,
  }));
  const access = new Map(entries.filter(({ isDefault }) => !isDefault).map(({ key, permissions }) => [key, permissions]));
  access.set(access.size > 0 ? 'mask:' : 'group:', (mode >> 3) & 7);
  access.set('user:', (mode >> 6) & 7).set('other:', mode & 7);
  const defaults = new Map(entries.filter(({ isDefault }) => isDefault).map(({ key, permissions }) => [key, permissions]));
  const { high = 0, low = 0 } = more.quota?.bytesMax ?? {};
  const { clientId = 0, blocks = 0 } = more.lease ?? {};
  return {
    ...{ id: inode.id ?? 0, directory: inode.directory ?? false, owner: inode.owner ?? '', group: inode.group ?? '', mode },
    ...{ createdMs: inode.createdMs ?? 0, modifiedMs: inode.modifiedMs ?? 0, accessedMs: inode.accessedMs ?? 0 },
    ...{ length: inode.length ?? 0, blockBytes: inode.blockBytes ?? 0, complete: inode.complete ?? false },
    ...{ childCount: inode.childCount ?? 0, persistence: inode.persistence ?? 0, generation: inode.generation ?? 0 },
    ...{ pinned: more.pinned ?? false, replicationMin: more.replicationMin ?? 0, replicationMax: more.replicationMax ?? 0 },
    ...{ ttlMs: more.ttlMs ?? 0, expiresMs: more.expiresMs ?? 0, expiryAction: more.expiryAction ?? 0 },
    quota: `${more.quota?.namesMax ?? 0} ${BigInt(high ?? 0) * 2n ** 32n + BigInt(low ?? 0)}`,
    acl: listed(access),
    defaultAcl: listed(defaults),
    hasXattrs: more.hasXattrs ?? false,
    lease: more.lease ? `${clientId} ${blocks}` : '',
    extents: (more.extents ?? []).map(({ inodeId = 0, first = 0, blocks: count = 0 }) => `${inodeId}:${first}+${count}`).join(),
    mount: more.mountId ?? 0,
  };
}

const listed = (list: ReadonlyMap<string, number>): string =>
  [...list]
    .map(([key, permissions]) => `${key}${permissions}`)
    .sort(byBytes)
    .join();
