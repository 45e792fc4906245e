/** A worker on a host of its own, with two tiers, each on a small disk of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../servers/built.js';
import { tracked } from '../servers/processes.js';
import type { VirtualHost } from '../servers/virtual-network.js';
import { KeptProcess, type KeptProgram } from './kept-process.js';
import { WorkerDisk } from './worker-disk.js';

const RPC_PORT = 29_999;
const WEB_PORT = 30_000;
/** Of each tier: of blocks, and of its disk. */
const TIERS = [
  { name: 'MEM', quota: '12MB', megabytes: 20 },
  { name: 'HDD', quota: '36MB', megabytes: 48 },
];

export interface ChaosWorkerPlace {
  readonly name: string;
  readonly host: VirtualHost;
  readonly confDir: string;
  /** For logs. */
  readonly folder: string;
  /** For disks in memory. */
  readonly memory: string;
}

export class ChaosWorker extends KeptProcess {
  readonly host: VirtualHost;
  readonly address: string;
  readonly disks: readonly WorkerDisk[];

  constructor({ name, host, confDir, folder, memory }: ChaosWorkerPlace) {
    const disks = TIERS.map(({ name: tier, megabytes }) => new WorkerDisk(path.join(memory, name, tier), megabytes));
    const settings: Record<string, string> = {
      'worker.hostname': host.address,
      'worker.bind.host': host.address,
      'worker.rpc.port': String(RPC_PORT),
      'worker.web.port': String(WEB_PORT),
      'worker.tieredstore.levels': String(TIERS.length),
    };
    for (const [level, { name: tier, quota }] of TIERS.entries()) {
      settings[`worker.tieredstore.level${level}.alias`] = tier;
      settings[`worker.tieredstore.level${level}.dirs.path`] = disks[level]?.folder ?? '';
      settings[`worker.tieredstore.level${level}.dirs.quota`] = quota;
    }
    const args = ['--conf', confDir, ...Object.entries(settings).map(([key, value]) => `-Dunderstudy.${key}=${value}`)];
    const wrapper = ['setpriv', '--pdeathsig', 'KILL', ...host.wrapper];
    super(name, new WorkerProgram([...wrapper, path.join(ROOT, 'bin', 'worker'), ...args], path.join(folder, `${name}.log`)));
    this.host = host;
    this.address = `${host.address}:${RPC_PORT}`;
    this.disks = disks;
  }

  override async close(): Promise<void> {
    await super.close();
    for (const disk of this.disks) disk.close();
  }
}

class WorkerProgram implements KeptProgram {
  readonly #command: readonly string[];
  readonly #logFile: string;
  #child: ChildProcess | undefined;

  constructor(command: readonly string[], logFile: string) {
    this.#command = command;
    this.#logFile = logFile;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  spawn(): ChildProcess {
    const [program = '', ...args] = this.#command;
    const log = openSync(this.#logFile, 'a');
    this.#child = tracked(spawn(program, args, { stdio: ['ignore', 'ignore', log] }));
    closeSync(log);
    return this.#child;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}
