/**
 * Three masters, a ZooKeeper ensemble of three and, where the journal is not on a folder that all masters share, an S3 server: each in a container,
 * all on a network of their own. Clients are in this process, on the network's gateway.
 *
 *     const cluster = await ContainerCluster.start('s3');
 *
 * Gone when the test ends, however it does; after a failed one it prints what the masters said.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { type ConnectOptions, FileSystem } from '../../src/cli/understudy.js';
import { type Asked, digestsOf, leaderAmong, statusOf } from '../cluster/ask-master.js';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { closedWithTest } from '../servers/closed-with-test.js';
import { CREDENTIALS, createBucket, s3Settings } from '../servers/s3.js';
import { waitUntil } from '../servers/wait-until.js';
import { askZooKeeper, findClasspath } from '../servers/zookeeper.js';
import { type Host, HostNetwork } from './host.js';

export const SESSION_MS = 2_000;
/** Of one request of a master to S3: one that does not get through for twice as long steps down. */
export const REQUEST_TIMEOUT_MS = 500;
const SERVERS = [1, 2, 3];
const START_LIMIT_MS = 40_000;
const USER = 'tester';
const ZOOKEEPER_PORT = 2181;
const S3_PORT = 7070;
const RPC_PORT = 19_998;
const runFile = promisify(execFile);

/** Waits until the session of a master that was cut off at `since` has ended. */
export async function sessionOver(since: number): Promise<void> {
  await waitUntil('the session is over', () => performance.now() - since > 1.25 * SESSION_MS);
}

export type JournalKind = 'folder' | 's3';

export interface MasterHost extends Asked {
  readonly host: Host;
}

export class ContainerCluster {
  readonly zooKeepers: readonly Host[];
  readonly masters: readonly MasterHost[];
  readonly #store: Host | undefined;
  readonly #clients: FileSystem[] = [];

  /** Resolves when all serve and one leads. */
  static async start(journal: JournalKind): Promise<ContainerCluster> {
    mustBeBuilt();
    const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'understudy-containers-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const network = closedWithTest(await HostNetwork.make());
    const [zooKeepers, store] = await Promise.all([
      Promise.all(SERVERS.map((id) => startZooKeeper(network, folder, id))),
      journal === 's3' ? startStore(network, folder) : undefined,
    ]);
    const place =
      store === undefined ? { 'master.journal.folder': path.join(folder, 'journal') } : s3Settings(endpointOf(store), 'journal');
    writeSettings(folder, { ...place, 'zookeeper.address': addressesOf(zooKeepers).join(',') });
    await Promise.all([runFile(path.join(ROOT, 'bin', 'understudy'), ['format', '--conf', folder]), ...zooKeepers.map(serves)]);
    const masters = await Promise.all(SERVERS.map((id) => startMaster(network, folder, id)));
    const cluster = new ContainerCluster(network, zooKeepers, masters, store);
    await cluster.areUp(masters);
    await cluster.leader();
    return cluster;
  }

  private constructor(network: HostNetwork, zooKeepers: readonly Host[], masters: readonly MasterHost[], store: Host | undefined) {
    this.zooKeepers = zooKeepers;
    this.masters = masters;
    this.#store = store;
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') for (const { host } of masters) console.error(`--- ${host.name}\n${await host.output()}`);
      // First: a client that says goodbye would wait for a host that does not answer.
      network.close();
      await Promise.all(this.#clients.map((client) => client.close()));
    });
  }

  /** The S3 server. */
  get store(): Host {
    if (this.#store === undefined) throw new Error('the journal of this cluster is a folder');
    return this.#store;
  }

  /** A client of its own, closed with the cluster. */
  async client(options: ConnectOptions = {}): Promise<FileSystem> {
    const zookeeper = addressesOf(this.zooKeepers).join(',');
    const client = await FileSystem.connect({ user: USER, group: 'testers', callTimeoutMs: 30_000, zookeeper, ...options });
    this.#clients.push(client);
    return client;
  }

  leader(among: readonly MasterHost[] = this.masters): Promise<MasterHost> {
    return leaderAmong(among);
  }

  others(but: MasterHost): MasterHost[] {
    return this.masters.filter((master) => master !== but);
  }

  /** Waits until all of `masters` answer. */
  async areUp(masters: readonly MasterHost[] = this.masters): Promise<void> {
    const answers = ({ address }: MasterHost) =>
      statusOf({ address }).then(
        () => true,
        () => false,
      );
    for (const master of masters) await waitUntil(`${master.host.name} answers`, () => answers(master), START_LIMIT_MS);
  }

  /** Waits until `host`, a ZooKeeper server or the S3 server, serves. */
  serves(host: Host): Promise<void> {
    return host === this.#store ? storeServes(host) : serves(host);
  }

  /** Waits until one master leads and all others follow it. */
  async rolesSettled(): Promise<void> {
    const settled = async () => {
      const all = await Promise.all(this.masters.map((master) => statusOf(master).catch(() => undefined)));
      const leader = all.find((status) => status?.state === 'ACTIVE' && status.reason === '')?.leader;
      return (
        leader !== undefined && all.filter((status) => status?.state === 'PASSIVE' && status.leader === leader).length === all.length - 1
      );
    };
    await waitUntil('one master leads and the others follow it', settled, START_LIMIT_MS);
  }

  /** Waits until all masters stand at the same entry. @returns their digests, which are to be the same. Nothing may be changing the state. */
  digests(): Promise<readonly string[]> {
    return digestsOf(this.masters);
  }
}

const addressesOf = (servers: readonly Host[]) => servers.map(({ address }) => `${address}:${ZOOKEEPER_PORT}`);
const endpointOf = ({ address }: Host) => `http://${address}:${S3_PORT}`;

function startZooKeeper(network: HostNetwork, parent: string, id: number): Promise<Host> {
  const folder = path.join(parent, `zookeeper-${id}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'myid'), `${id}\n`);
  const lines = [
    ...['tickTime=200', 'initLimit=50', 'syncLimit=25', 'minSessionTimeout=500', 'admin.enableServer=false', '4lw.commands.whitelist=*'],
    ...['maxClientCnxns=0', `clientPort=${ZOOKEEPER_PORT}`, `dataDir=${folder}`],
    ...SERVERS.map((each) => `server.${each}=${network.address(10 + each)}:2888:3888`),
  ];
  writeFileSync(path.join(folder, 'zoo.cfg'), `${lines.join('\n')}\n`);
  const java = ['java', '-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', findClasspath()];
  const command = [...java, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', path.join(folder, 'zoo.cfg')];
  return network.startHost({ name: `zookeeper-${id}`, address: network.address(10 + id), command, mounts: [folder] });
}

async function serves(zooKeeper: Host): Promise<void> {
  const answers = async () => /^Mode:/m.test(await askZooKeeper(zooKeeper.address, ZOOKEEPER_PORT, 'srvr'));
  await waitUntil(`${zooKeeper.name} serves`, answers, START_LIMIT_MS);
}

async function startStore(network: HostNetwork, parent: string): Promise<Host> {
  const folder = path.join(parent, 's3');
  mkdirSync(folder);
  const environment = { ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey };
  const command = ['versitygw', '--port', `:${S3_PORT}`, '--quiet', '--keep-alive', 'posix', folder];
  const store = await network.startHost({ name: 's3', address: network.address(20), command, environment, mounts: [folder] });
  await storeServes(store);
  await createBucket(endpointOf(store), 'journal');
  return store;
}

async function storeServes(store: Host): Promise<void> {
  const answers = () =>
    fetch(endpointOf(store), { signal: AbortSignal.timeout(1_000) }).then(
      ({ status }) => status < 500,
      () => false,
    );
  await waitUntil('s3 serves', answers, START_LIMIT_MS);
}

function writeSettings(folder: string, settings: Readonly<Record<string, string>>): void {
  const all = {
    'security.login.username': USER,
    'master.metastore.dir': '/metastore',
    'master.journal.s3.request.timeout': `${REQUEST_TIMEOUT_MS}ms`,
    'master.rpc.addresses': '',
    'zookeeper.enabled': 'true',
    'zookeeper.session.timeout': `${SESSION_MS}ms`,
    ...settings,
  };
  const lines = Object.entries(all).map(([key, value]) => `understudy.${key}=${value}\n`);
  writeFileSync(path.join(folder, 'understudy-site.properties'), lines.join(''));
}

async function startMaster(network: HostNetwork, folder: string, id: number): Promise<MasterHost> {
  const address = network.address(30 + id);
  const command = [path.join(ROOT, 'bin', 'master'), '--conf', folder, `-Dunderstudy.master.hostname=${address}`];
  const code = [ROOT, realpathSync(path.join(ROOT, 'node_modules'))].map((each) => `${each}:ro`);
  const host = await network.startHost({ name: `master-${id}`, address, command, mounts: [folder, ...code] });
  return { host, address: `${address}:${RPC_PORT}` };
}
