/**
 * What no system can stand, to see that the verdict tells: never drawn, only named.
 */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { waitUntil } from '../../servers/wait-until.js';
import type { Fault } from '../fault.js';
import { PROBE_FOLDER } from '../probe.js';
import type { World } from '../world.js';

const LOST_MIN = 100;
const LIMIT_MS = 60_000;

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

async function probed({ fs }: World): Promise<number> {
  return (await fs.contentSummary(PROBE_FOLDER)).files;
}

export const plantedFaults: readonly Fault[] = [
  {
    // Nobody is left who could know: no master has kept its own state.
    name: 'journal rolled back, metastores gone',
    lastsMs: [0, 1_000],
    lacks: ({ store }) => (store.disk === undefined ? 'a folder that a copy can be put back to' : undefined),
    async begin(world) {
      const folder = world.store.disk?.folder ?? '';
      const [journal, copy] = [path.join(folder, 'journal'), path.join(folder, 'copy')];
      await whileAllAreDown(world, () => execFileSync('cp', ['--archive', journal, copy]));
      const before = await probed(world);
      await waitUntil('there is something to be lost', async () => (await probed(world)) > before + LOST_MIN, LIMIT_MS);
      return () =>
        whileAllAreDown(world, () => {
          rmSync(journal, { recursive: true });
          renameSync(copy, journal);
          for (const master of world.masters) master.deleteMetastore();
        });
    },
  },
];
