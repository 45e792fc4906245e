/**
 * Where the masters' journal is, as the nemesis sees it: what can be done to it depends on its kind, and what cannot is absent.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Ext4Disk } from '../servers/ext4-disk.js';
import { GlusterVolume } from '../servers/gluster.js';
import { s3Settings, startS3 } from '../servers/s3.js';
import { clearDisk, fillDisk, SmallDisk, Unwritable } from '../servers/storage.js';
import type { VirtualHost, VirtualNetwork } from '../servers/virtual-network.js';
import { type MountedStorage, mountedBucket, mountedFolder } from './mounted-storage.js';

export const JOURNALS = ['dir', 'gluster', 's3'] as const;
export type JournalKind = (typeof JOURNALS)[number];

const MEGABYTES = 1_024;
const BUCKET = 'chaos';

export interface JournalStore {
  /** Settings of all masters, without the prefix. */
  readonly settings: Readonly<Record<string, string>>;
  /** Where the master at `index` finds the journal, where that is not the same for all. */
  folderOf?(index: number): string;
  /** The host that it is on; absent where it is on the masters' own disk. */
  readonly host?: VirtualHost;
  readonly server?: StoreServer;
  fill(): void;
  clear(): void;
  /** @returns what makes it writable again. */
  makeUnwritable(): () => void;
  /** A disk whose power can fail. */
  readonly disk?: Ext4Disk;
  /** That files are written through to. */
  readonly mounted: MountedStorage;
  close(): Promise<void>;
}

export interface StoreServer {
  kill(): Promise<void>;
  /** Starts it, if it does not run. */
  start(): Promise<void>;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
}

export interface StorePlace {
  /** For what is to be kept in memory. */
  readonly folder: string;
  readonly network: VirtualNetwork;
  readonly masters: readonly VirtualHost[];
}

export function openStore(kind: JournalKind, place: StorePlace): Promise<JournalStore> {
  return STORES[kind](place);
}

const STORES: Readonly<Record<JournalKind, (place: StorePlace) => Promise<JournalStore>>> = {
  async dir({ folder }) {
    const disk = new Ext4Disk(MEGABYTES, folder);
    const journal = path.join(disk.folder, 'journal');
    const mounted = mountedFolder(folder);
    return {
      settings: { 'master.journal.folder': journal },
      disk,
      mounted,
      fill: () => disk.fill(0),
      clear: () => disk.clear(),
      makeUnwritable: () => new Unwritable(journal).close,
      close: async () => {
        mounted.close();
        disk.close();
      },
    };
  },

  async gluster({ folder, network, masters }) {
    const host = network.addHost('store');
    const volume = await GlusterVolume.start({ megabytes: MEGABYTES, host, clients: masters });
    const folders = volume.mounts.map((mount) => path.join(mount, 'journal'));
    const mounted = mountedFolder(folder);
    return {
      settings: { 'master.journal.folder': folders[0] ?? '' },
      folderOf: (index) => folders[index] ?? '',
      host,
      mounted,
      server: {
        kill: () => volume.killBrick(),
        start: () => volume.startBrick(),
        pause: () => volume.pauseBrick(),
        resume: () => volume.resumeBrick(),
      },
      fill: () => fillDisk(volume.disk, 0),
      clear: () => clearDisk(volume.disk),
      makeUnwritable: () => new Unwritable(path.join(volume.disk, 'brick', 'journal')).close,
      close: async () => {
        mounted.close();
        await volume.close();
      },
    };
  },

  async s3({ folder, network }) {
    const host = network.addHost('store');
    const disk = new SmallDisk(MEGABYTES, folder);
    const data = path.join(disk.folder, 'data');
    mkdirSync(data);
    const server = await startS3({ make: 'versitygw', folder: data, host });
    await server.createBucket(BUCKET);
    const mounted = await mountedBucket(server);
    return {
      settings: { ...s3Settings(server.endpoint, BUCKET), 'master.journal.s3.request.timeout': '1s' },
      host,
      server,
      mounted,
      fill: () => disk.fill(0),
      clear: () => disk.clear(),
      makeUnwritable: () => new Unwritable(path.join(data, BUCKET)).close,
      close: async () => {
        await server.close();
        disk.close();
      },
    };
  },
};
