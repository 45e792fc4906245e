/**
 * Real ZooKeeper servers for tests, one or an ensemble, each on ports and a folder of its own; to be killed, stopped and started singly.
 * They run as processes, or in containers where there is an engine with the image (server-program.ts).
 *
 * As processes they are taken from ZOOKEEPER_HOME (an unpacked distribution), from ZOOKEEPER_CLASSPATH (jars), or from Debian's package. A test that needs one never skips:
 * without a server `startZooKeeper` fails and says what to install.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePorts } from './ports.js';
import { type RunningProgram, type Surroundings, startProgram, surroundingsFor } from './server-program.js';
import { waitUntil } from './wait-until.js';

const START_LIMIT_MS = 60_000;
const DEBIAN_JAR = '/usr/share/java/zookeeper.jar';
const IMAGE = 'understudy-test-zookeeper';

/** Starts `count` servers that form one ensemble, and waits until they serve. */
export async function startZooKeeper(count = 1): Promise<ZooKeeperEnsemble> {
  const where = await surroundingsFor(IMAGE);
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'understudy-zk-'));
  const ports = await freePorts(3 * count);
  const members = Array.from({ length: count }, (_, index) => ports.slice(3 * index, 3 * index + 3));
  const servers = members.map(([port = 0], index) => new ZooKeeperServer(where, join(folder, String(index + 1)), index + 1, port, members));
  const ensemble = new ZooKeeperEnsemble(folder, servers);
  await ensemble.start();
  return ensemble;
}

export class ZooKeeperEnsemble implements AsyncDisposable {
  readonly servers: readonly ZooKeeperServer[];
  readonly #folder: string;

  constructor(folder: string, servers: readonly ZooKeeperServer[]) {
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
    rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class ZooKeeperServer {
  readonly id: number;
  readonly address: string;
  readonly #where: Surroundings;
  readonly #folder: string;
  readonly #port: number;
  #program: RunningProgram | undefined;

  constructor(where: Surroundings, folder: string, id: number, port: number, members: readonly (readonly number[])[]) {
    this.id = id;
    this.#where = where;
    this.#folder = folder;
    this.#port = port;
    this.address = `127.0.0.1:${port}`;
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'data', 'myid'), `${id}\n`);
    const lines = [
      ...['tickTime=200', 'initLimit=50', 'syncLimit=25', 'minSessionTimeout=500', 'admin.enableServer=false', '4lw.commands.whitelist=*'],
      ...['maxClientCnxns=0', 'clientPortAddress=127.0.0.1', `clientPort=${port}`, `dataDir=${join(folder, 'data')}`],
      ...(members.length === 1 ? [] : members.map(([, peer, vote], index) => `server.${index + 1}=127.0.0.1:${peer}:${vote}`)),
    ];
    writeFileSync(join(folder, 'zoo.cfg'), `${lines.join('\n')}\n`);
  }

  /** Starts it if it is not running, and waits until it serves. */
  async start(): Promise<void> {
    this.#program ??= await this.#run();
    const program = this.#program;
    await waitUntil(
      `zookeeper ${this.address} serves`,
      async () => {
        if (await program.hasEnded()) throw new Error(`zookeeper ended: ${(await program.output()).slice(-2000)}`);
        return /^Mode:/m.test(await this.ask('srvr'));
      },
      START_LIMIT_MS,
    );
  }

  #run(): Promise<RunningProgram> {
    const options = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
    const classpath = this.#where === 'container' ? DEBIAN_JAR : findClasspath();
    const args = [...options, '-cp', classpath, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', join(this.#folder, 'zoo.cfg')];
    return startProgram({ command: 'java', args, folder: this.#folder, image: IMAGE }, this.#where);
  }

  async kill(): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    await program?.kill();
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  async pause(): Promise<void> {
    await this.#program?.pause();
  }

  async resume(): Promise<void> {
    await this.#program?.resume();
  }

  /** @returns the answer to a four-letter command, such as `srvr`, `cons`, `wchp`; empty when there is none. */
  ask(command: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect({ host: '127.0.0.1', port: this.#port }, () => socket.write(command));
      socket.setTimeout(2_000, () => socket.destroy());
      socket.on('data', (chunk) => {
        answer += chunk.toString('utf8');
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer));
    });
  }
}

function findClasspath(): string {
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
