/**
 * Real ZooKeeper servers for tests, one or an ensemble, each on ports and a folder of its own; to be killed, stopped and started singly.
 * They are taken from ZOOKEEPER_HOME (an unpacked distribution), from ZOOKEEPER_CLASSPATH (jars), or from Debian's package. A test that needs one
 * never skips: without a server `startZooKeeper` fails and says what to install.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { memoryFolder, type OwnFolder, ownFolder } from './own-folder.js';
import { freePorts } from './ports.js';
import { RunningProgram, type ServerHost, THIS_MACHINE } from './server-program.js';
import { waitUntil } from './wait-until.js';

const START_LIMIT_MS = 60_000;
const DEBIAN_JAR = '/usr/share/java/zookeeper.jar';

/** Starts `count` servers on this machine that form one ensemble, and waits until they serve. */
export function startZooKeeper(count = 1): Promise<ZooKeeperEnsemble> {
  return startZooKeeperOn(Array.from({ length: count }, () => THIS_MACHINE));
}

/** As `startZooKeeper`, a server on each of `hosts`. */
export async function startZooKeeperOn(hosts: readonly ServerHost[]): Promise<ZooKeeperEnsemble> {
  const folder = ownFolder('zk', memoryFolder());
  const ports = await freePorts(3 * hosts.length);
  const members = hosts.map((host, index): Member => {
    const [port = 0, peerPort = 0, votePort = 0] = ports.slice(3 * index);
    return { host, port, peerPort, votePort };
  });
  const servers = members.map((_, index) => new ZooKeeperServer(join(folder.path, String(index + 1)), index + 1, members));
  const ensemble = new ZooKeeperEnsemble(folder, servers);
  await ensemble.start();
  return ensemble;
}

export class ZooKeeperEnsemble implements AsyncDisposable {
  readonly servers: readonly ZooKeeperServer[];
  readonly #folder: OwnFolder;

  constructor(folder: OwnFolder, servers: readonly ZooKeeperServer[]) {
    this.#folder = folder;
    this.servers = servers;
  }

  /** `h1:p1,h2:p2` */
  get connectString(): string {
    return this.servers.map(({ address }) => address).join(',');
  }

  /** Starts those that are not running, and waits until all serve. */
  async start(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.start()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }

  async close(): Promise<void> {
    await this.kill();
    this.#folder.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Member {
  readonly host: ServerHost;
  readonly port: number;
  readonly peerPort: number;
  readonly votePort: number;
}

export class ZooKeeperServer {
  readonly id: number;
  readonly address: string;
  readonly #folder: string;
  readonly #member: Member;
  #program: RunningProgram | undefined;

  constructor(folder: string, id: number, members: readonly Member[]) {
    const member = members[id - 1];
    if (member === undefined) throw new Error(`no member ${id} of ${members.length}`);
    this.id = id;
    this.#folder = folder;
    this.#member = member;
    this.address = `${member.host.address}:${member.port}`;
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'data', 'myid'), `${id}\n`);
    const lines = [
      ...['tickTime=200', 'initLimit=50', 'syncLimit=25', 'minSessionTimeout=500', 'admin.enableServer=false', '4lw.commands.whitelist=*'],
      ...['maxClientCnxns=0', `clientPortAddress=${member.host.address}`, `clientPort=${member.port}`, `dataDir=${join(folder, 'data')}`],
      ...(members.length === 1
        ? []
        : members.map((one, index) => `server.${index + 1}=${one.host.address}:${one.peerPort}:${one.votePort}`)),
    ];
    writeFileSync(join(folder, 'zoo.cfg'), `${lines.join('\n')}\n`);
  }

  /** Starts it if it is not running, and waits until it serves. */
  async start(): Promise<void> {
    this.#program ??= this.#run();
    const program = this.#program;
    await waitUntil(
      `zookeeper ${this.address} serves`,
      async () => {
        if (program.hasEnded()) throw new Error(`zookeeper ended: ${program.output().slice(-2000)}`);
        return /^Mode:/m.test(await this.ask('srvr'));
      },
      START_LIMIT_MS,
    );
  }

  #run(): RunningProgram {
    const options = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
    const args = [...options, '-cp', findClasspath(), 'org.apache.zookeeper.server.quorum.QuorumPeerMain', join(this.#folder, 'zoo.cfg')];
    const { wrapper } = this.#member.host;
    return new RunningProgram({ command: 'java', args, folder: this.#folder, wrapper });
  }

  async kill(): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    await program?.kill();
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  pause(): void {
    this.#program?.pause();
  }

  resume(): void {
    this.#program?.resume();
  }

  /** @returns the answer to a four-letter command, such as `srvr`, `cons`, `wchp`; empty when there is none. */
  ask(command: string): Promise<string> {
    return askZooKeeper(this.#member.host.address, this.#member.port, command);
  }
}

/** @returns the answer to a four-letter command; empty when there is none. */
export function askZooKeeper(host: string, port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host, port }, () => socket.write(command));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('utf8');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

export function findClasspath(): string {
  const { ZOOKEEPER_HOME: home, ZOOKEEPER_CLASSPATH: jars } = process.env;
  if (jars) return jars;
  if (home) {
    if (!existsSync(join(home, 'lib'))) throw new Error(`ZOOKEEPER_HOME holds no distribution of ZooKeeper (no lib folder): ${home}`);
    return [join(home, 'conf'), join(home, 'lib', '*'), join(home, '*')].join(delimiter);
  }
  if (existsSync(DEBIAN_JAR)) return ['/etc/zookeeper/conf', DEBIAN_JAR].join(delimiter);
  throw new Error(
    'no ZooKeeper server for the tests: run scripts/install-test-servers as root, or "apt-get install zookeeper", ' +
      'or unpack a distribution from https://zookeeper.apache.org and set ZOOKEEPER_HOME to it; Java 11 or later must be on the path',
  );
}
