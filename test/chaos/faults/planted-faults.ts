/**
 * What no system can stand, to see that the verdict tells: never drawn, only named.
 */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Fault } from '../fault.js';
import type { World } from '../world.js';

/** Ends all masters, does it, and starts them. */
async function whileAllAreDown({ masters }: World, act: () => void): Promise<void> {
  for (const master of masters) master.hold();
  await Promise.all(masters.map((master) => master.ended()));
  try {
    act();
  } finally {
    for (const master of masters) master.release();
  }
}

export const plantedFaults: readonly Fault[] = [
  {
    // Nobody is left who could know: no master has kept its own state.
    name: 'journal rolled back, metastores gone',
    lastsMs: [8_000, 12_000],
    lacks: ({ store }) => (store.disk === undefined ? 'a folder that a copy can be put back to' : undefined),
    async begin(world) {
      const folder = world.store.disk?.folder ?? '';
      const [journal, copy] = [path.join(folder, 'journal'), path.join(folder, 'copy')];
      await whileAllAreDown(world, () => execFileSync('cp', ['--archive', journal, copy]));
      return () =>
        whileAllAreDown(world, () => {
          rmSync(journal, { recursive: true });
          renameSync(copy, journal);
          for (const master of world.masters) master.deleteMetastore();
        });
    },
  },
];
