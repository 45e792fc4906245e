/** Cuts between the hosts, in one direction or both, silent or by resets; and slow links. */
import { cut, type VirtualHost } from '../../servers/virtual-network.js';
import type { SeededRandom } from '../../simulation/seeded-random.js';
import type { Fault } from '../fault.js';
import { SESSION_TIMEOUT_MS, WORKER_AWAY_MAX_MS, type World } from '../world.js';

/** The hosts of the two sides. */
type Sides = readonly [readonly VirtualHost[], readonly VirtualHost[]];
type Choose = (world: World, random: SeededRandom) => Promise<Sides>;
type Direction = 'both' | 'from' | 'to';

const CUT_MS = [500, 4 * SESSION_TIMEOUT_MS] as const;
const GONE_MS = [SESSION_TIMEOUT_MS + 500, 4 * SESSION_TIMEOUT_MS] as const;
const WORKER_CUT_MS = [500, WORKER_AWAY_MAX_MS] as const;
const HOST_GONE_MS = SESSION_TIMEOUT_MS + 500;
/** Of cuts that are silent; the others reset connections. */
const SILENT_CHANCE = 0.75;
const KILOBITS = [200, 4_000] as const;

async function leaderHost(world: World, random: SeededRandom): Promise<VirtualHost> {
  return ((await world.leader()) ?? random.pick(world.masters)).host;
}

function cutBetween(choose: Choose, direction: Direction | 'any' = 'any'): Fault['begin'] {
  return async (world, random) => {
    const [these, those] = await choose(world, random);
    const way = direction === 'any' ? random.pick<Direction>(['both', 'from', 'to']) : direction;
    const how = random.chance(SILENT_CHANCE) ? 'drop' : 'reject';
    const mends = [...(way === 'to' ? [] : [cut(these, those, how)]), ...(way === 'from' ? [] : [cut(those, these, how)])];
    return () => {
      for (const mend of mends) mend();
    };
  };
}

function leaderFrom(others: (world: World, leader: VirtualHost) => readonly VirtualHost[]): Choose {
  return async (world, random) => {
    const leader = await leaderHost(world, random);
    return [[leader], others(world, leader).filter((host) => host !== leader)];
  };
}

const zookeeper = (world: World) => world.zookeeperHosts;
const otherMasters = (world: World) => world.masterHosts;
const clients = (world: World) => world.clientHosts;
const store = ({ store: { host } }: World) => (host === undefined ? [] : [host]);
const everybody = (world: World) => [
  ...world.masterHosts,
  ...world.workerHosts,
  ...world.zookeeperHosts,
  ...world.clientHosts,
  ...store(world),
];
const everybodyButClients = (world: World) => [...world.masterHosts, ...world.workerHosts, ...world.zookeeperHosts, ...store(world)];
const workers = (world: World) => world.workerHosts;
const between =
  (these: (world: World) => readonly VirtualHost[], those: (world: World) => readonly VirtualHost[]): Choose =>
  async (world) => [these(world), those(world)];

function workerFrom(others: (world: World) => readonly VirtualHost[]): Choose {
  return async (world, random) => {
    const worker = random.pick(world.workerHosts);
    return [[worker], others(world).filter((host) => host !== worker)];
  };
}

const lacksStoreHost = (world: World) => (world.store.host === undefined ? 'a network between masters and journal' : undefined);

/** Any two hosts. */
const anyPair: Choose = async (world, random) => {
  const one = random.pick(everybody(world));
  return [[one], [random.pick(everybody(world).filter((host) => host !== one))]];
};

/** A minority of the ensemble, and one master with it. */
const zookeeperSplit: Choose = async (world, random) => {
  const one = random.pick(world.zookeeperHosts);
  return [[one], world.zookeeperHosts.filter((host) => host !== one)];
};

function slow(choose: (world: World, random: SeededRandom) => Promise<VirtualHost>): Fault['begin'] {
  return async (world, random) => {
    const host = await choose(world, random);
    return host.slowDown(Math.round(random.between(...KILOBITS)));
  };
}

export const networkFaults: readonly Fault[] = [
  { name: 'leader cut from ZooKeeper', lastsMs: CUT_MS, begin: cutBetween(leaderFrom(zookeeper)) },
  { name: 'leader cut from the other masters', lastsMs: CUT_MS, promisedMs: 0, begin: cutBetween(leaderFrom(otherMasters)) },
  { name: 'leader cut from the store', lastsMs: CUT_MS, lacks: lacksStoreHost, begin: cutBetween(leaderFrom(store)) },
  { name: 'leader cut from the clients', lastsMs: CUT_MS, begin: cutBetween(leaderFrom(clients)) },
  { name: 'leader cut from all but clients', lastsMs: CUT_MS, begin: cutBetween(leaderFrom(everybodyButClients)) },
  { name: "leader's host gone", lastsMs: GONE_MS, promisedMs: HOST_GONE_MS, begin: cutBetween(leaderFrom(everybody), 'both') },
  { name: 'leader deaf', lastsMs: CUT_MS, begin: cutBetween(leaderFrom(everybody), 'to') },
  { name: 'leader mute', lastsMs: CUT_MS, begin: cutBetween(leaderFrom(everybody), 'from') },
  { name: 'masters cut from each other', lastsMs: CUT_MS, promisedMs: 0, begin: cutBetween(between(otherMasters, otherMasters)) },
  { name: 'masters cut from ZooKeeper', lastsMs: CUT_MS, promisedMs: 0, begin: cutBetween(between(otherMasters, zookeeper)) },
  { name: 'masters cut from the store', lastsMs: CUT_MS, lacks: lacksStoreHost, begin: cutBetween(between(otherMasters, store)) },
  { name: 'ZooKeeper split', lastsMs: CUT_MS, promisedMs: 0, begin: cutBetween(zookeeperSplit) },
  { name: 'ZooKeeper cut from the clients', lastsMs: CUT_MS, promisedMs: 0, begin: cutBetween(between(zookeeper, clients)) },
  { name: 'two hosts cut', lastsMs: CUT_MS, begin: cutBetween(anyPair) },
  { name: "leader's link slow", lastsMs: CUT_MS, begin: slow(leaderHost) },
  {
    name: "store's link slow",
    lastsMs: CUT_MS,
    lacks: lacksStoreHost,
    begin: slow(async (world, random) => world.store.host ?? random.pick(world.masterHosts)),
  },
  {
    name: "a ZooKeeper server's link slow",
    lastsMs: CUT_MS,
    promisedMs: 0,
    begin: slow(async (world, random) => random.pick(world.zookeeperHosts)),
  },
  ...[
    { name: 'worker cut from the masters', lastsMs: WORKER_CUT_MS, begin: cutBetween(workerFrom(otherMasters)) },
    { name: 'worker cut from the clients', lastsMs: WORKER_CUT_MS, begin: cutBetween(workerFrom(clients)) },
    { name: 'workers cut from each other', lastsMs: WORKER_CUT_MS, begin: cutBetween(between(workers, workers)) },
    { name: "worker's host gone", lastsMs: WORKER_CUT_MS, begin: cutBetween(workerFrom(everybody), 'both') },
    { name: "worker's link slow", lastsMs: WORKER_CUT_MS, begin: slow(async (world, random) => random.pick(world.workerHosts)) },
  ].map((kind) => ({ ...kind, promisedMs: 0, hits: 'files' as const })),
];
