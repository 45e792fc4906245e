/**
 * A master on a host of its own, kept running as a service manager would: started again whenever it ends, except while a fault holds it down.
 * Faults overlap: it runs again when the last of them lets go.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { MasterProcess } from '../cluster/master-process.js';
import { FakeClock } from '../servers/fake-clock.js';
import { SmallDisk } from '../servers/storage.js';
import type { VirtualHost } from '../servers/virtual-network.js';
import { waitUntil } from '../servers/wait-until.js';

export const RPC_PORT = 19_998;
const WEB_PORT = 19_999;
const METASTORE_MEGABYTES = 512;
/** As a service manager does. */
const RESTART_AFTER_MS = 500;
/** A process that waits for storage in the kernel cannot be killed before that answers. */
const END_LIMIT_MS = 120_000;

export interface ChaosMasterPlace {
  readonly name: string;
  readonly host: VirtualHost;
  readonly confDir: string;
  /** For logs. */
  readonly folder: string;
  /** For disks in memory. */
  readonly memory: string;
  readonly journal?: string;
}

export class ChaosMaster {
  readonly name: string;
  readonly host: VirtualHost;
  readonly address: string;
  readonly disk: SmallDisk;
  readonly clock = new FakeClock();
  readonly metastore: string;
  readonly logFile: string;
  /** How often it ended without having been told to. */
  unexpectedEnds = 0;
  readonly #process: MasterProcess;
  #holds = 1;
  #stops = 0;
  #restart: NodeJS.Timeout | undefined;

  /** Not running yet: `release` starts it. */
  constructor({ name, host, confDir, folder, memory, journal }: ChaosMasterPlace) {
    this.name = name;
    this.host = host;
    this.disk = new SmallDisk(METASTORE_MEGABYTES, memory);
    this.metastore = path.join(this.disk.folder, 'metastore');
    this.logFile = path.join(folder, `${name}.log`);
    this.#process = new MasterProcess({
      ...{ confDir, host: host.address, rpcPort: RPC_PORT, webPort: WEB_PORT, metastore: this.metastore, logFile: this.logFile },
      ...(journal === undefined ? {} : { journal }),
      wrapper: ['setpriv', '--pdeathsig', 'KILL', ...host.wrapper],
      env: this.clock.env,
    });
    this.address = this.#process.address;
  }

  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  /** Ends it, and keeps it from running until `release`. Does not wait until it is gone. */
  hold(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#holds += 1;
    clearTimeout(this.#restart);
    if (!this.isRunning) return;
    this.#process.signal(signal);
    // A stopped one would not hear it.
    if (signal !== 'SIGKILL') this.#process.signal('SIGCONT');
  }

  /** Undoes one `hold`. */
  release(): void {
    this.#holds -= 1;
    this.#startIfFree();
  }

  async ended(): Promise<void> {
    await waitUntil(`${this.name} is gone`, () => !this.isRunning, END_LIMIT_MS);
  }

  /** SIGSTOP: its connections stay open and nothing is answered. @returns what continues it, once nobody else wants it stopped. */
  stop(): () => void {
    this.#stops += 1;
    if (this.isRunning) this.#process.signal('SIGSTOP');
    return () => {
      this.#stops -= 1;
      if (this.#stops === 0 && this.isRunning) this.#process.signal('SIGCONT');
    };
  }

  /** While it is held and gone. */
  deleteMetastore(): void {
    rmSync(this.metastore, { recursive: true, force: true });
  }

  /** It is not started again. */
  async close(): Promise<void> {
    this.hold();
    await this.ended();
    this.disk.close();
    this.clock.close();
  }

  #startIfFree(): void {
    clearTimeout(this.#restart);
    if (this.#holds > 0 || this.isRunning) return;
    this.#process.spawn().once('exit', () => {
      if (this.#holds === 0) this.unexpectedEnds += 1;
      this.#restart = setTimeout(() => this.#startIfFree(), RESTART_AFTER_MS);
    });
  }
}
