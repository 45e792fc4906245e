/** What the mount table says, for people: in order of paths, secrets hidden. */
import type { understudy } from '#proto/understudy.js';
import { shownMountOptions } from '../config/mount-options.js';
import type { Identity } from './access.js';
import { pathTo } from './inode-path.js';
import { mountMessage } from './mounts.js';
import type { ReadContext } from './plan.js';
import type { StateView } from './state.js';

export function listMounts(
  _request: understudy.ListMountsRequest,
  state: StateView,
  { troubles, identity }: ReadContext,
): understudy.ListMountsResponse.$Properties {
  const mounts = state.allMounts().map((mount) => {
    const shown = shownMountOptions(new Map(mount.options.map(({ key, value }) => [key, value])));
    const options = [...shown].map(([key, value]) => ({ key, value }));
    const queued = mount.workSeq - mount.workDone;
    return {
      path: pathTo(mount.inodeId, state) ?? '',
      mount: mountMessage({ ...mount, options }),
      queued,
      trouble: queued === 0 ? '' : shownTrouble(troubles.ofMount(mount.id), identity),
    };
  });
  return { mounts: mounts.sort((a, b) => (a.path < b.path ? -1 : 1)), sn: state.sn };
}

/** What the storage answered names paths in it, which may be others'. */
function shownTrouble(trouble: string, { isSuperuser }: Identity): string {
  return trouble === '' || isSuperuser ? trouble : 'the storage does not take the change that is next; superusers are told why';
}
