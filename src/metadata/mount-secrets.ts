/**
 * Entries as they may be shown: without the secrets of mounted storage. The journal has to hold them, since any master may come to need them;
 * nothing that is printed or sent to a client does.
 */
import type { understudy } from '#proto/understudy.js';
import { shownMountOptions } from '../config/mount-options.js';
import type { Entry } from './entries.js';

/** @returns the same entry where it holds none. */
export function withoutMountSecrets(entry: Entry): Entry {
  const { mount, updateMount, group } = entry;
  if (!mount && !updateMount && !group) return entry;
  return {
    ...entry,
    ...(mount ? { mount: { ...mount, mount: shownMount(mount.mount ?? {}) } } : {}),
    ...(updateMount ? { updateMount: { ...updateMount, mount: shownMount(updateMount.mount ?? {}) } } : {}),
    ...(group ? { group: { ...group, entries: (group.entries ?? []).map(withoutMountSecrets) } } : {}),
  };
}

function shownMount(mount: understudy.Mount.$Properties): understudy.Mount.$Properties {
  const options = shownMountOptions(new Map((mount.options ?? []).map(({ key, value }) => [key ?? '', value ?? ''])));
  return { ...mount, options: [...options].map(([key, value]) => ({ key, value })) };
}
