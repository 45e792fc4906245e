/** What the mount table says, for people: in order of paths, secrets hidden. */
import type { understudy } from '#proto/understudy.js';
import { shownMountOptions } from '../config/mount-options.js';
import { pathTo } from './inode-path.js';
import { mountMessage } from './mounts.js';
import type { StateView } from './state.js';

export function listMounts(_request: understudy.ListMountsRequest, state: StateView): understudy.ListMountsResponse.$Properties {
  const mounts = state.allMounts().map((mount) => {
    const shown = shownMountOptions(new Map(mount.options.map(({ key, value }) => [key, value])));
    const options = [...shown].map(([key, value]) => ({ key, value }));
    const queued = mount.workSeq - mount.workDone;
    return { path: pathTo(mount.inodeId, state) ?? '', mount: mountMessage({ ...mount, options }), queued };
  });
  return { mounts: mounts.sort((a, b) => (a.path < b.path ? -1 : 1)), sn: state.sn };
}
