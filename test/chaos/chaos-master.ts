/** A master on a host of its own, with a metastore on a disk of its own. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { MasterProcess } from '../cluster/master-process.js';
import { FakeClock } from '../servers/fake-clock.js';
import { SmallDisk } from '../servers/storage.js';
import type { VirtualHost } from '../servers/virtual-network.js';
import { KeptProcess } from './kept-process.js';

export const RPC_PORT = 19_998;
const WEB_PORT = 19_999;
const METASTORE_MEGABYTES = 512;

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

export class ChaosMaster extends KeptProcess {
  readonly host: VirtualHost;
  readonly address: string;
  readonly disk: SmallDisk;
  readonly clock: FakeClock;
  readonly metastore: string;

  constructor({ name, host, confDir, folder, memory, journal }: ChaosMasterPlace) {
    const disk = new SmallDisk(METASTORE_MEGABYTES, memory);
    const clock = new FakeClock();
    const metastore = path.join(disk.folder, 'metastore');
    const process = new MasterProcess({
      ...{ confDir, host: host.address, rpcPort: RPC_PORT, webPort: WEB_PORT, metastore, logFile: path.join(folder, `${name}.log`) },
      ...(journal === undefined ? {} : { journal }),
      wrapper: ['setpriv', '--pdeathsig', 'KILL', ...host.wrapper],
      env: clock.env,
    });
    super(name, process);
    this.host = host;
    this.disk = disk;
    this.clock = clock;
    this.metastore = metastore;
    this.address = process.address;
  }

  /** While it is held and gone. */
  deleteMetastore(): void {
    rmSync(this.metastore, { recursive: true, force: true });
  }

  override async close(): Promise<void> {
    await super.close();
    this.disk.close();
    this.clock.close();
  }
}
