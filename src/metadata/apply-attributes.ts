/**
 * Entries that change what stands in an inode, beside its contents and its place.
 */
import { changeInode, mustHave } from './apply-inode.js';
import type { Entry } from './entries.js';
import { type ExpiryAction, type InodeMore, quotaOf, storedAclOf, withMore } from './inode-more.js';
import type { Inode } from './records.js';
import type { State } from './state.js';
import { xattrsOf } from './xattrs.js';

type Body<K extends keyof Entry> = NonNullable<Entry[K]>;

export function setAttributes(body: Body<'setAttributes'>, state: State): Inode {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  const before = mustHave(state, parentId, name);
  const changes = moreChanges(body);
  const after: Inode = {
    ...before,
    owner: body.owner ?? before.owner,
    group: body.group ?? before.group,
    mode: body.mode ?? before.mode,
    modifiedMs: body.modifiedMs ?? before.modifiedMs,
    accessedMs: body.accessedMs ?? before.accessedMs,
    length: body.length ?? before.length,
    generation: before.generation + (body.length == null ? 0 : 1),
    persistence: body.persistence ?? before.persistence,
    more: changes === null ? before.more : withMore(before.more, changes),
  };
  return changeInode(state, parentId, name, after, before);
}

function moreChanges(body: Body<'setAttributes'>): Partial<InodeMore> | null {
  const { pinned, replicationMin, replicationMax, ttlMs, expiresMs, expiryAction, quota, childrenLoaded, syncedMs, length } = body;
  const changes: Partial<InodeMore> = {
    ...(pinned == null ? {} : { pinned }),
    ...(replicationMin == null ? {} : { replicationMin }),
    ...(replicationMax == null ? {} : { replicationMax }),
    ...(ttlMs == null ? {} : { ttlMs }),
    ...(expiresMs == null ? {} : { expiresMs }),
    ...(expiryAction == null ? {} : { expiryAction: expiryAction as ExpiryAction }),
    ...(quota == null ? {} : { quota: quota.namesMax || quota.bytesMax ? quotaOf(quota) : null }),
    ...(childrenLoaded == null ? {} : { childrenLoaded }),
    ...(syncedMs == null ? {} : { syncedMs }),
    // What was in it is gone: the under store has something else.
    ...(length == null ? {} : { extents: [], stored: null }),
  };
  return Object.keys(changes).length === 0 ? null : changes;
}

export function setAcl(body: Body<'setAcl'>, state: State): Inode {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  const before = mustHave(state, parentId, name);
  const more = withMore(before.more, { acl: storedAclOf(body.acl) });
  return changeInode(state, parentId, name, { ...before, mode: body.mode ?? before.mode, more }, before);
}

export function setXattr(body: Body<'setXattr'>, state: State): Inode {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  const before = mustHave(state, parentId, name);
  const xattrs = xattrsOf(body.xattrs ?? {});
  const hasXattrs = xattrs.length > 0;
  if (hasXattrs || before.more?.hasXattrs === true) state.xattrs.put(before.id, hasXattrs ? xattrs : null);
  return changeInode(state, parentId, name, { ...before, more: withMore(before.more, { hasXattrs }) }, before);
}

/** Access times never go back. */
export function touch(body: Body<'touch'>, state: State): null {
  for (const [at, id] of (body.inodeIds ?? []).entries()) {
    const place = state.parentOf(id);
    const before = place === null ? null : state.child(place.parentId, place.name);
    const accessedMs = body.accessedMs?.[at] ?? 0;
    if (place === null || before === null || before.accessedMs >= accessedMs) continue;
    changeInode(state, place.parentId, place.name, { ...before, accessedMs }, before);
  }
  return null;
}
