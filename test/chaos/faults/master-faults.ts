/** Masters that are killed, stopped, sent away, and that come back without what they had. */
import { existsSync, readdirSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { flipBit } from '../../cluster/damage.js';
import type { SeededRandom } from '../../simulation/seeded-random.js';
import type { ChaosMaster } from '../chaos-master.js';
import type { Fault } from '../fault.js';
import { SESSION_TIMEOUT_MS, type World } from '../world.js';

const TAKEOVER_MS = 500;
const HAND_OVER_MS = 100;
const LONGER_THAN_A_SESSION = [SESSION_TIMEOUT_MS + 500, 3 * SESSION_TIMEOUT_MS] as const;
const CLOCK_JUMPS = ['+1d', '-1d', '+2h', '-2h', '+90s', '-90s'];
const FLIPPED_BITS = 8;

type Choose = (world: World, random: SeededRandom) => Promise<readonly ChaosMaster[]>;

/** The leader; where nobody leads, any master. */
const leader: Choose = async (world, random) => [(await world.leader()) ?? random.pick(world.masters)];

const standby: Choose = async (world, random) => {
  const leading = await world.leader();
  return [random.pick(world.masters.filter((master) => master !== leading))];
};

const everyMaster: Choose = async (world) => world.masters;

/** Ends masters; while they are gone, something may become of what they have on disk. */
function ended(
  choose: Choose,
  signal: NodeJS.Signals,
  spoil: (master: ChaosMaster, random: SeededRandom) => void = () => {},
): Fault['begin'] {
  return async (world, random) => {
    const masters = await choose(world, random);
    for (const master of masters) master.hold(signal);
    return async () => {
      await Promise.all(masters.map((master) => master.ended()));
      try {
        for (const master of masters) spoil(master, random);
      } finally {
        for (const master of masters) master.release();
      }
    };
  };
}

function stopped(choose: Choose): Fault['begin'] {
  return async (world, random) => {
    const continues = (await choose(world, random)).map((master) => master.stop());
    return () => {
      for (const resume of continues) resume();
    };
  };
}

function clockJump(choose: Choose): Fault['begin'] {
  return async (world, random) => {
    const masters = await choose(world, random);
    const offset = random.pick(CLOCK_JUMPS);
    for (const { clock } of masters) clock.set(offset);
    return () => {
      for (const { clock } of masters) clock.set('+0');
    };
  };
}

const deleteMetastore = (master: ChaosMaster) => master.deleteMetastore();

/** LevelDB's files, as a bad disk returns them. */
function damageMetastore({ metastore }: ChaosMaster, random: SeededRandom): void {
  for (let bit = 0; bit < FLIPPED_BITS; bit++) {
    const files = filesOf(metastore).filter((file) => statSync(file).size > 0);
    if (files.length === 0) return;
    const file = random.pick(files);
    flipBit(file, random.below(statSync(file).size));
  }
}

/** What LevelDB's log held and had not synced, as a power cut leaves it. */
export function loseMetastoreTail({ metastore }: ChaosMaster, random: SeededRandom): void {
  for (const file of filesOf(metastore).filter((name) => name.endsWith('.log'))) {
    truncateSync(file, Math.floor(statSync(file).size * random.float()));
  }
}

/** None where a rebuild was under way, and its store is not there yet. */
function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

function metastoreFull(choose: Choose): Fault['begin'] {
  return async (world, random) => {
    const masters = await choose(world, random);
    for (const { disk } of masters) disk.fill(0);
    return () => {
      for (const { disk } of masters) disk.clear();
    };
  };
}

export const masterFaults: readonly Fault[] = [
  { name: 'leader killed', lastsMs: [500, 5_000], promisedMs: TAKEOVER_MS, begin: ended(leader, 'SIGKILL') },
  { name: 'leader killed, back at once', lastsMs: [0, 50], promisedMs: TAKEOVER_MS, begin: ended(leader, 'SIGKILL') },
  { name: 'standby killed', lastsMs: [500, 5_000], promisedMs: 0, begin: ended(standby, 'SIGKILL') },
  { name: 'all masters killed', lastsMs: [0, 1_000], begin: ended(everyMaster, 'SIGKILL') },
  { name: 'leader told to end', lastsMs: [500, 3_000], promisedMs: HAND_OVER_MS, begin: ended(leader, 'SIGTERM') },
  { name: 'all masters told to end', lastsMs: [0, 1_000], begin: ended(everyMaster, 'SIGTERM') },
  { name: 'leader stopped', lastsMs: LONGER_THAN_A_SESSION, promisedMs: SESSION_TIMEOUT_MS + TAKEOVER_MS, begin: stopped(leader) },
  { name: 'leader stopped briefly', lastsMs: [50, 1_500], begin: stopped(leader) },
  { name: 'standby stopped', lastsMs: LONGER_THAN_A_SESSION, promisedMs: 0, begin: stopped(standby) },
  { name: 'all masters stopped', lastsMs: LONGER_THAN_A_SESSION, begin: stopped(everyMaster) },
  { name: "leader's clock jumps", lastsMs: [500, 4_000], promisedMs: 0, begin: clockJump(leader) },
  { name: 'all clocks jump', lastsMs: [500, 4_000], promisedMs: 0, begin: clockJump(everyMaster) },
  { name: 'leader killed, metastore gone', lastsMs: [0, 1_000], promisedMs: TAKEOVER_MS, begin: ended(leader, 'SIGKILL', deleteMetastore) },
  { name: 'new empty standby', lastsMs: [0, 1_000], promisedMs: 0, begin: ended(standby, 'SIGKILL', deleteMetastore) },
  { name: 'standby killed, metastore damaged', lastsMs: [0, 1_000], promisedMs: 0, begin: ended(standby, 'SIGKILL', damageMetastore) },
  {
    name: 'leader killed, metastore damaged',
    lastsMs: [0, 1_000],
    promisedMs: TAKEOVER_MS,
    begin: ended(leader, 'SIGKILL', damageMetastore),
  },
  { name: 'all masters killed, metastores lose their tails', lastsMs: [0, 500], begin: ended(everyMaster, 'SIGKILL', loseMetastoreTail) },
  { name: "leader's metastore disk full", lastsMs: [1_000, 5_000], begin: metastoreFull(leader) },
  { name: "standby's metastore disk full", lastsMs: [1_000, 5_000], promisedMs: 0, begin: metastoreFull(standby) },
];
