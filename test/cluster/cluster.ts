/**
 * A cluster of real processes: `bin/master` N times over one directory journal, each with a LevelDB of its own, and clients in this process.
 *
 *     const cluster = await Cluster.start({ masters: 3 });
 *
 * However the test ends, by a time-out too, every process is ended, every client closed and every file removed then; after a failed test
 * it prints what the masters said.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { onTestFailed, onTestFinished } from 'vitest';
import { type ConnectOptions, FileSystem } from '../../src/cli/understudy.js';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { freePorts } from '../servers/ports.js';
import { digestsOf, leaderAmong } from './ask-master.js';
import { type MasterPlace, MasterProcess } from './master-process.js';

export const ELECTION_TIMEOUT_MS = 2_000;
/** Runs the masters, and is every client that does not say who it is. */
export const SUPERUSER = 'tester';
const LOG_SHOWN_MAX = 20_000;
const runFile = promisify(execFile);

export interface ClusterOptions {
  readonly masters: number;
  /** `h1:2181,h2:2181/chroot`; the embedded election without it. */
  readonly zookeeper?: string;
  /** Where the journal is, if not in the cluster's own folder. */
  readonly journal?: string;
  /** For all masters, without the prefix `understudy.`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What differs from master to master. */
  readonly place?: (index: number) => Partial<MasterPlace>;
}

export class Cluster {
  /** Holds the configuration and everything that is not elsewhere; made for this cluster. */
  readonly folder: string;
  readonly journal: string;
  readonly masters: readonly MasterProcess[];
  readonly #options: ClusterOptions;
  readonly #clients: FileSystem[] = [];

  /** Formats the journal and starts the masters: resolves when all serve and one leads. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = await Cluster.prepare(options);
    await cluster.format();
    await Promise.all(cluster.masters.map((master) => master.start()));
    await cluster.leader();
    return cluster;
  }

  /** A cluster of which nothing runs yet, with a journal that is not formatted. */
  static async prepare(options: ClusterOptions): Promise<Cluster> {
    mustBeBuilt();
    return new Cluster(options, await freePorts(2 * options.masters));
  }

  private constructor(options: ClusterOptions, ports: readonly number[]) {
    this.#options = options;
    this.folder = mkdtempSync(path.join(tmpdir(), 'understudy-cluster-'));
    this.journal = options.journal ?? path.join(this.folder, 'journal');
    const confDir = path.join(this.folder, 'conf');
    this.masters = Array.from({ length: options.masters }, (_, index) => {
      const [rpcPort = 0, webPort = 0] = ports.slice(2 * index);
      const metastore = path.join(this.folder, `metastore-${index + 1}`);
      return new MasterProcess({ confDir, rpcPort, webPort, metastore, ...options.place?.(index) });
    });
    const lines = Object.entries(this.#settings()).map(([key, value]) => `understudy.${key}=${value}\n`);
    mkdirSync(confDir);
    writeFileSync(path.join(confDir, 'understudy-site.properties'), lines.join(''));
    onTestFinished(() => this.#end());
    onTestFailed(() => {
      for (const { address, stderr } of this.masters) console.error(`--- master ${address}\n${stderr.slice(-LOG_SHOWN_MAX)}`);
    });
  }

  #settings(): Record<string, string> {
    const { zookeeper, settings } = this.#options;
    const election = zookeeper === undefined ? {} : { 'zookeeper.enabled': 'true', 'zookeeper.address': zookeeper };
    return {
      'security.login.username': SUPERUSER,
      'master.hostname': '127.0.0.1',
      'master.bind.host': '127.0.0.1',
      'master.web.bind.host': '127.0.0.1',
      'master.rpc.addresses': this.masters.map(({ address }) => address).join(','),
      'master.journal.folder': this.journal,
      'master.embedded.election.timeout': `${ELECTION_TIMEOUT_MS}ms`,
      'zookeeper.session.timeout': `${ELECTION_TIMEOUT_MS}ms`,
      ...election,
      ...settings,
    };
  }

  /** The master at `index`. */
  master(index: number): MasterProcess {
    const master = this.masters[index];
    if (master === undefined) throw new Error(`no master ${index}`);
    return master;
  }

  async format(): Promise<void> {
    await this.run('understudy', 'format');
  }

  /** Runs a program of `bin/` with the cluster's configuration. @throws with its output where it fails. */
  async run(program: 'understudy' | 'fs', command: string, ...args: string[]): Promise<string> {
    const conf = ['--conf', path.join(this.folder, 'conf')];
    const { stdout } = await runFile(path.join(ROOT, 'bin', program), [command, ...conf, ...args], { maxBuffer: 64 << 20 });
    return stdout;
  }

  /** A client of its own, closed with the cluster. */
  async client(options: ConnectOptions = {}): Promise<FileSystem> {
    const { zookeeper } = this.#options;
    const where = zookeeper === undefined ? { masters: this.masters.map(({ address }) => address) } : { zookeeper };
    const client = await FileSystem.connect({ user: SUPERUSER, group: 'testers', callTimeoutMs: 30_000, ...where, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Waits until one of `among` says that it leads, confirmed by the journal. */
  leader(among: readonly MasterProcess[] = this.masters): Promise<MasterProcess> {
    return leaderAmong(among);
  }

  /** All masters but these. */
  others(...but: readonly MasterProcess[]): MasterProcess[] {
    return this.masters.filter((master) => !but.includes(master));
  }

  /**
   * Waits until all of `among` have applied the same entries. @returns their digests at that entry, which are to be the same.
   * Nothing may be changing the state.
   */
  digests(among: readonly MasterProcess[] = this.masters): Promise<readonly string[]> {
    return digestsOf(among);
  }

  async #end(): Promise<void> {
    // Ended first: a client that says goodbye would wait for a stopped one.
    await Promise.all(this.masters.map((master) => master.end('SIGKILL')));
    await Promise.all(this.#clients.map((client) => client.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
