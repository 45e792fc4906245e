/**
 * Where a path lies in mounted storage: below the nearest mount point on its way from the root. A mount point belongs to what is mounted there.
 */
import { namesTo, pathTo } from './inode-path.js';
import type { Mount } from './mounts.js';
import { parsePath } from './path.js';
import type { Inode } from './records.js';
import type { StateView } from './state.js';

export interface MountPlace {
  readonly mount: Mount;
  /** In the mounted storage, relative to the mount's uri; empty for the mount point. */
  readonly under: string;
  /** What the path names; null where it does not exist. */
  readonly inode: Inode | null;
}

/** @returns whether anything was ever mounted: else no path needs to be looked at. */
export function hasMounts(state: StateView): boolean {
  return state.nextIds().mountId > 1;
}

/** @returns null below no mount point. */
export function mountPlace(path: string, state: StateView): MountPlace | null {
  return hasMounts(state) ? placeOf(parsePath(path), state) : null;
}

function placeOf(names: readonly string[], state: StateView): MountPlace | null {
  let inode: Inode | null = state.root();
  let mountId = inode.more?.mountId ?? 0;
  let mountDepth = 0;
  for (const [depth, name] of names.entries()) {
    inode = inode?.directory ? state.child(inode.id, name) : null;
    if (!inode?.more?.mountId) continue;
    mountId = inode.more.mountId;
    mountDepth = depth + 1;
  }
  const mount = mountId === 0 ? null : state.mounts.get(mountId);
  return mount === null ? null : { mount, under: names.slice(mountDepth).join('/'), inode };
}

/** @returns the same place as people write it: `s3://bucket/prefix/a/b`. */
export function underUri({ mount, under }: MountPlace): string {
  return under === '' ? mount.uri : `${mount.uri.replace(/\/$/, '')}/${under}`;
}

/** @returns where the directory is now; null below no mount point, or where it hangs nowhere (any more). */
export function directoryPlace(inodeId: number, state: StateView): MountPlace | null {
  // It may lie deeper than a path goes: a tree that it is in was moved there.
  const names = hasMounts(state) ? namesTo(inodeId, state) : null;
  return names === null ? null : placeOf(names, state);
}

/** @returns the mount points at the directory `path`, and below it. */
export function mountsWithin(path: string, state: StateView): Mount[] {
  if (!hasMounts(state)) return [];
  const start = path === '/' ? '/' : `${path}/`;
  return state.allMounts().filter(({ inodeId }) => `${pathTo(inodeId, state)}/`.replace('//', '/').startsWith(start));
}
