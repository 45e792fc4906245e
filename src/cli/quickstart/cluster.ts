/**
 * Three masters and a worker on this machine, each a process of its own as an operator would start it, with all they keep in one temporary folder.
 *
 * Whatever ends this process, short of SIGKILL, ends them and removes the folder: nothing in it is worth keeping.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { UnderstudyError } from '../../base/errors.js';
import type { FileSystem } from '../../client/file-system.js';
import { type MasterInfo, UNREACHABLE } from '../../client/master-info.js';
import { workerReports } from '../../client/worker-report.js';
import { HOME } from '../context.js';
import { freePorts } from './free-ports.js';

const MASTERS = 3;
const READY_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 20;
/** More than the quickstart stores. */
const WORKER_QUOTA = '3GB';

export interface LocalMaster {
  readonly rpcAddress: string;
  readonly process: ChildProcess;
}

export class LocalCluster implements AsyncDisposable {
  /** Holds conf, journal, metastores and logs. */
  readonly folder: string;
  /** RPC addresses of all masters, those that were killed included. */
  readonly addresses: readonly string[];
  readonly #webPorts: readonly number[];
  readonly #workerPorts: readonly number[];
  readonly #masters = new Map<string, LocalMaster>();
  #worker: ChildProcess | undefined;
  readonly #atExit = () => this.#endNow();
  #closed = false;

  private constructor(folder: string, ports: readonly number[]) {
    this.folder = folder;
    this.addresses = ports.slice(0, MASTERS).map((port) => `127.0.0.1:${port}`);
    this.#webPorts = ports.slice(MASTERS, 2 * MASTERS);
    this.#workerPorts = ports.slice(2 * MASTERS);
    process.once('exit', this.#atExit);
  }

  /** Formats a new journal and starts the masters and the worker; does not wait for them. */
  static async start(): Promise<LocalCluster> {
    const ports = await freePorts(2 * MASTERS + 2);
    const cluster = new LocalCluster(await mkdtemp(path.join(tmpdir(), 'understudy-quickstart-')), ports);
    try {
      await cluster.#configure();
      await promisify(execFile)(process.execPath, [program, 'format', '--conf', cluster.confFolder], { env: bareEnvironment() });
      for (const address of cluster.addresses) cluster.startMaster(address);
      cluster.#startWorker();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** For `--conf` of any command. */
  get confFolder(): string {
    return path.join(this.folder, 'conf');
  }

  /** The masters that were started last at each address. */
  get masters(): readonly LocalMaster[] {
    return [...this.#masters.values()];
  }

  master(rpcAddress: string): LocalMaster {
    const master = this.#masters.get(rpcAddress);
    if (master === undefined) throw new UnderstudyError('internal', `no master of this cluster: address=${rpcAddress}`);
    return master;
  }

  /** Starts the master at `rpcAddress`, for the first time or again. */
  startMaster(rpcAddress: string): LocalMaster {
    const index = this.addresses.indexOf(rpcAddress);
    const settings = [
      `master.rpc.port=${rpcAddress.split(':')[1]}`,
      `master.web.port=${this.#webPorts[index]}`,
      `master.metastore.dir=${path.join(this.folder, `metastore-${index + 1}`)}`,
    ].map((setting) => `-Dunderstudy.${setting}`);
    const master = { rpcAddress, process: this.#spawn('master', this.#logPath(rpcAddress), settings) };
    this.#masters.set(rpcAddress, master);
    return master;
  }

  #startWorker(): void {
    this.#worker = this.#spawn('worker', this.#workerLog, []);
  }

  #spawn(command: string, logPath: string, settings: readonly string[]): ChildProcess {
    const log = openSync(logPath, 'a');
    try {
      return spawn(program, [command, '--conf', this.confFolder, ...settings], { stdio: ['ignore', log, log], env: bareEnvironment() });
    } finally {
      closeSync(log);
    }
  }

  #children(): readonly ChildProcess[] {
    const masters = this.masters.map(({ process: child }) => child);
    return this.#worker === undefined ? masters : [...masters, this.#worker];
  }

  get #workerLog(): string {
    return path.join(this.folder, 'worker.log');
  }

  /** Resolves once the leader knows the worker. @throws `unavailable`: it ended instead, or takes too long. */
  async workerReady(fs: FileSystem): Promise<void> {
    const giveUpAt = performance.now() + READY_WITHIN_MS;
    while (!(await workerReports(fs.client)).some(({ state }) => state === 'LIVE')) {
      if (this.#worker === undefined || hasEnded(this.#worker)) throw await endedEarly('the worker', this.#workerLog);
      if (performance.now() > giveUpAt) throw new UnderstudyError('unavailable', `no worker within ${READY_WITHIN_MS} ms`);
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** @returns the leader, once every master answers. @throws `unavailable`: one ended instead, or they take too long. */
  async ready(fs: FileSystem): Promise<MasterInfo> {
    const giveUpAt = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const masters = await fs.masterInfo();
      const leader = masters.find(({ state }) => state === 'ACTIVE');
      if (leader !== undefined && masters.every(({ state }) => state !== UNREACHABLE)) return leader;
      for (const master of this.masters)
        if (hasEnded(master.process)) throw await endedEarly(`the master at ${master.rpcAddress}`, this.#logPath(master.rpcAddress));
      if (performance.now() > giveUpAt) throw new UnderstudyError('unavailable', `no leader within ${READY_WITHIN_MS} ms`);
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Ends them, and removes all they kept. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#children().map(end));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    process.off('exit', this.#atExit);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #configure(): Promise<void> {
    const lines = [
      '# The cluster of scripts/quickstart. Gone when that ends.',
      'understudy.master.election=embedded',
      'understudy.master.hostname=127.0.0.1',
      'understudy.master.bind.host=127.0.0.1',
      'understudy.master.web.bind.host=127.0.0.1',
      `understudy.master.rpc.addresses=${this.addresses.join(',')}`,
      `understudy.master.journal.folder=${path.join(this.folder, 'journal')}`,
      'understudy.worker.hostname=127.0.0.1',
      'understudy.worker.bind.host=127.0.0.1',
      `understudy.worker.rpc.port=${this.#workerPorts[0]}`,
      `understudy.worker.web.port=${this.#workerPorts[1]}`,
      `understudy.worker.tieredstore.level0.dirs.path=${path.join(this.folder, 'worker')}`,
      `understudy.worker.ramdisk.size=${WORKER_QUOTA}`,
    ];
    await mkdir(this.confFolder);
    await writeFile(path.join(this.confFolder, 'understudy-site.properties'), `${lines.join('\n')}\n`);
  }

  #logPath(rpcAddress: string): string {
    return path.join(this.folder, `master-${this.addresses.indexOf(rpcAddress) + 1}.log`);
  }

  #endNow(): void {
    for (const child of this.#children()) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

/** @returns what it said last. */
async function endedEarly(who: string, logPath: string): Promise<UnderstudyError> {
  const lines = (await readFile(logPath, 'utf8')).trimEnd().split('\n');
  return new UnderstudyError('unavailable', `${who} ended: ${lines.at(-1)}`);
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

const program = path.join(HOME, 'bin', 'understudy');

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Settings of the user's own cluster are none of this one's. */
function bareEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(UNDERSTUDY|ALLUXIO)_/.test(key)));
}
