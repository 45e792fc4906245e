/**
 * The world of a chaos run: three masters, three workers, three ZooKeeper servers, the journal's store and the clients, each on a host of its own, all of them
 * real processes; and a client of the nemesis that nothing cuts off.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { FileSystem } from '../../src/cli/understudy.js';
import { digestsOf, statusOf } from '../cluster/ask-master.js';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { memoryFolder, type OwnFolder, ownFolder } from '../servers/own-folder.js';
import { type VirtualHost, VirtualNetwork } from '../servers/virtual-network.js';
import { startZooKeeperOn, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { BlockCopies } from './block-copies.js';
import { ChaosMaster, RPC_PORT } from './chaos-master.js';
import { ChaosWorker } from './chaos-worker.js';
import { FILES_FOLDER } from './file-lines.js';
import { type JournalKind, type JournalStore, openStore } from './journal-store.js';

export const SESSION_TIMEOUT_MS = 2_000;
export const WORKER_TIMEOUT_MS = 3_000;
/** No fault keeps a worker that goes on afterwards from hearing masters for longer. */
export const WORKER_AWAY_MAX_MS = 3 * WORKER_TIMEOUT_MS;
export const SUPERUSER = 'chaos';
const MASTERS = 3;
const WORKERS = 3;
const ZOOKEEPERS = 3;
const HISTORY_CLIENTS = 4;
const FILE_CLIENTS = 2;
/** A mount is asked for before anybody leads. */
const MOUNT_LIMIT_MS = 60_000;
const STATUS_LIMIT_MS = 1_000;
const OUTPUT_MAX = 64 << 20;
const runFile = promisify(execFile);

/** Small, so that a short run has all of them: segments that rotate, checkpoints, collection. */
const OFTEN = {
  'master.journal.log.size.bytes.max': '4MB',
  'master.journal.batch.size.max': '1MB',
  'master.journal.checkpoint.period.entries': '20000',
  'master.journal.checkpoint.keep': '2',
  'master.digest.interval': '1000',
  // A file that is closed for its writer would be a change that nobody asked for.
  'master.lease.timeout': '30day',
  'master.worker.timeout': `${WORKER_TIMEOUT_MS}ms`,
  'worker.scrub.interval': '10s',
  'worker.scrub.rate': '4MB',
};

/** Those of one kind are one host to who runs a program there. */
interface ClientHosts {
  readonly probe: VirtualHost;
  readonly history: readonly VirtualHost[];
  readonly files: readonly VirtualHost[];
}

interface Parts {
  readonly kind: JournalKind;
  readonly confDir: string;
  readonly masters: readonly ChaosMaster[];
  readonly workers: readonly ChaosWorker[];
  readonly zookeeper: ZooKeeperEnsemble;
  readonly zookeeperHosts: readonly VirtualHost[];
  readonly clients: ClientHosts;
  readonly store: JournalStore;
  readonly fs: FileSystem;
  readonly network: VirtualNetwork;
  readonly memory: OwnFolder;
}

export class World {
  readonly copies: BlockCopies;
  readonly #parts: Parts;

  /** Formats a journal and starts everything; masters may not serve yet. @param folder for logs and configuration; the caller's. */
  static async start(kind: JournalKind, folder: string): Promise<World> {
    mustBeBuilt();
    const own = ownFolder('chaos', memoryFolder());
    const memory = own.path;
    const network = new VirtualNetwork();
    const add = (name: string, count: number) => Array.from({ length: count }, (_, index) => network.addHost(`${name}${index + 1}`));
    const [hosts, zookeeperHosts] = [add('m', MASTERS), add('zk', ZOOKEEPERS)];
    const workerHosts = add('w', WORKERS);
    const clients = {
      probe: network.addHost('probe'),
      history: network.addHosts('clients', HISTORY_CLIENTS),
      files: network.addHosts('files', FILE_CLIENTS),
    };
    const [zookeeper, store] = await Promise.all([
      startZooKeeperOn(zookeeperHosts),
      openStore(kind, { folder: memory, network, masters: hosts }),
    ]);
    const confDir = path.join(folder, 'conf');
    const addresses = hosts.map(({ address }) => `${address}:${RPC_PORT}`);
    writeSettings(confDir, {
      'security.login.username': SUPERUSER,
      'master.rpc.addresses': addresses.join(','),
      'zookeeper.enabled': 'true',
      'zookeeper.address': zookeeper.connectString,
      'zookeeper.session.timeout': `${SESSION_TIMEOUT_MS}ms`,
      ...OFTEN,
      ...store.settings,
    });
    const masters = hosts.map((host, index) => {
      const journal = store.folderOf?.(index);
      return new ChaosMaster({ name: `m${index + 1}`, host, confDir, folder, memory, ...(journal === undefined ? {} : { journal }) });
    });
    const workers = workerHosts.map((host, index) => new ChaosWorker({ name: `w${index + 1}`, host, confDir, folder, memory }));
    const fs = await FileSystem.connect({ user: SUPERUSER, group: SUPERUSER, masters: addresses });
    const world = new World({ kind, confDir, masters, workers, zookeeper, zookeeperHosts, clients, store, fs, network, memory: own });
    await world.run('format');
    for (const each of [...masters, ...workers]) each.release();
    await fs.mount(FILES_FOLDER, store.mounted.uri, { timeoutMs: MOUNT_LIMIT_MS });
    return world;
  }

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.copies = new BlockCopies(parts.workers, WORKER_AWAY_MAX_MS);
  }

  get kind(): JournalKind {
    return this.#parts.kind;
  }

  get masters(): readonly ChaosMaster[] {
    return this.#parts.masters;
  }

  get masterHosts(): readonly VirtualHost[] {
    return this.masters.map(({ host }) => host);
  }

  get workers(): readonly ChaosWorker[] {
    return this.#parts.workers;
  }

  get workerHosts(): readonly VirtualHost[] {
    return this.workers.map(({ host }) => host);
  }

  get zookeeper(): ZooKeeperEnsemble {
    return this.#parts.zookeeper;
  }

  get zookeeperHosts(): readonly VirtualHost[] {
    return this.#parts.zookeeperHosts;
  }

  get clients(): ClientHosts {
    return this.#parts.clients;
  }

  /** Of all of them. */
  get clientHosts(): readonly VirtualHost[] {
    const { probe, history, files } = this.clients;
    return [probe, ...history, ...files];
  }

  get store(): JournalStore {
    return this.#parts.store;
  }

  /** Of the nemesis: nothing keeps it from any host. */
  get fs(): FileSystem {
    return this.#parts.fs;
  }

  /** The master that says it leads, of the highest epoch where several do; undefined where none answers so. */
  async leader(): Promise<ChaosMaster | undefined> {
    const states = await Promise.all(
      this.masters.map(async (master) => ({ master, status: await within(STATUS_LIMIT_MS, statusOf(master)) })),
    );
    const leaders = states.filter(({ status }) => status?.state === 'ACTIVE');
    return leaders.sort((a, b) => (b.status?.epoch ?? 0) - (a.status?.epoch ?? 0))[0]?.master;
  }

  /** One that does not lead. */
  async otherMaster(): Promise<ChaosMaster> {
    const leading = await this.leader();
    return this.masters.find((master) => master !== leading) as ChaosMaster;
  }

  /** One that has seen nothing yet; the caller's to close. */
  freshClient(): Promise<FileSystem> {
    return FileSystem.connect({ user: SUPERUSER, group: SUPERUSER, masters: this.masters.map(({ address }) => address) });
  }

  /** After all faults and all changes: what each master's state is, at one common entry. */
  digests(): Promise<readonly string[]> {
    return digestsOf(this.masters);
  }

  /** Runs `understudy` with the cluster's configuration. @throws with its output where it fails. */
  async run(command: string, ...args: string[]): Promise<string> {
    const program = path.join(ROOT, 'bin', 'understudy');
    const { stdout } = await runFile(program, [command, ...args, '--conf', this.#parts.confDir], { maxBuffer: OUTPUT_MAX });
    return stdout;
  }

  async close(): Promise<void> {
    const { masters, workers, fs, zookeeper, store, network, memory } = this.#parts;
    await fs.close();
    // What hangs on the store ends with it.
    await Promise.allSettled([...[...masters, ...workers].map((each) => each.close()), zookeeper.close(), store.close()]);
    network.close();
    memory.remove();
  }
}

function writeSettings(confDir: string, settings: Readonly<Record<string, string>>): void {
  mkdirSync(confDir, { recursive: true });
  const lines = Object.entries(settings).map(([key, value]) => `understudy.${key}=${value}\n`);
  writeFileSync(path.join(confDir, 'understudy-site.properties'), lines.join(''));
}

/** @returns undefined where it fails or takes longer. */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([promise.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
