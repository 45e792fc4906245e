/** Reaps detached trees: takes some children out of one directory at a time; a directory among them is detached in turn. */
import { DETACHED_RANGE, decodeId } from '../metadata/keys.js';
import { firstNames } from '../metadata/listing.js';
import { firstKeys } from '../metadata/scan.js';
import { appendStep, type HousekeepingDeps, type HousekeepingStep } from './housekeeping-step.js';

const NAMES_MAX = 512;
const IDLE_MS = 100;

export function reapTrees({ replica, leadership }: HousekeepingDeps): HousekeepingStep {
  return async () => {
    const { kv, state } = replica;
    const [directoryId] = await firstKeys(state.detached, kv, DETACHED_RANGE, decodeId, 1);
    if (directoryId === undefined) return IDLE_MS;
    const names = await firstNames(kv, state, directoryId, NAMES_MAX);
    await appendStep(leadership, (now) => {
      if (!now.isDetached(directoryId)) return null;
      const present = names.filter((name) => now.child(directoryId, name) !== null);
      return { reap: { directoryId, names: present, done: names.length < NAMES_MAX } };
    });
    return 0;
  };
}
