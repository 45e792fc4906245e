/** ZooKeeper's servers: one, the ensemble's leader, or all of them, killed or silent. */
import type { ZooKeeperServer } from '../../servers/zookeeper.js';
import type { SeededRandom } from '../../simulation/seeded-random.js';
import type { Fault } from '../fault.js';
import { SESSION_TIMEOUT_MS, type World } from '../world.js';

type Choose = (world: World, random: SeededRandom) => Promise<readonly ZooKeeperServer[]>;

const anyServer: Choose = async (world, random) => [random.pick(world.zookeeper.servers)];
const allServers: Choose = async (world) => world.zookeeper.servers;

const ensembleLeader: Choose = async (world, random) => {
  const { servers } = world.zookeeper;
  const told = await Promise.all(servers.map(async (server) => ({ server, srvr: await server.ask('srvr') })));
  return [told.find(({ srvr }) => /^Mode: leader/m.test(srvr))?.server ?? random.pick(servers)];
};

function killed(choose: Choose): Fault['begin'] {
  return async (world, random) => {
    const servers = await choose(world, random);
    await Promise.all(servers.map((server) => server.kill()));
    return async () => {
      await Promise.all(servers.map((server) => server.start()));
    };
  };
}

function stopped(choose: Choose): Fault['begin'] {
  return async (world, random) => {
    const servers = await choose(world, random);
    await Promise.all(servers.map((server) => server.pause()));
    return async () => {
      await Promise.all(servers.map((server) => server.resume()));
    };
  };
}

export const zookeeperFaults: readonly Fault[] = [
  { name: 'ZooKeeper server killed', lastsMs: [500, 4_000], promisedMs: 0, begin: killed(anyServer) },
  { name: "ZooKeeper's leader killed", lastsMs: [500, 4_000], promisedMs: 0, begin: killed(ensembleLeader) },
  { name: 'ZooKeeper gone', lastsMs: [500, 4 * SESSION_TIMEOUT_MS], promisedMs: 0, begin: killed(allServers) },
  { name: "ZooKeeper's leader stopped", lastsMs: [500, 3 * SESSION_TIMEOUT_MS], promisedMs: 0, begin: stopped(ensembleLeader) },
  { name: 'ZooKeeper stopped', lastsMs: [500, 4 * SESSION_TIMEOUT_MS], promisedMs: 0, begin: stopped(allServers) },
];
