/**
 * Mounted storage that is full, or away. One that refuses changes for good (EPERM) is none of them: the leader gives such a change up, and counts it; from
 * then on storage and namespace differ.
 */
import type { Fault } from '../fault.js';

export const mountedFaults: readonly Fault[] = [
  {
    name: 'mounted storage full',
    lastsMs: [500, 5_000],
    promisedMs: 0,
    hits: 'files',
    lacks: ({ store }) => (store.mounted.disk === undefined ? 'a disk of its own for what is mounted' : undefined),
    async begin({ store: { mounted } }) {
      mounted.disk?.fill(0);
      return () => mounted.disk?.clear();
    },
  },
  {
    name: 'mounted storage away',
    lastsMs: [500, 4_000],
    promisedMs: 0,
    hits: 'files',
    lacks: ({ store }) => (store.mounted.takeAway === undefined ? 'a folder that is mounted' : undefined),
    begin: async ({ store }) => store.mounted.takeAway?.() ?? (() => {}),
  },
];
