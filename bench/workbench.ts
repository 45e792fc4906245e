/**
 * The means of a run: its folder, its floors, and the clusters that scenarios ask for.
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { Cluster, type ClusterSettings } from './cluster.js';
import { Floors } from './floors.js';
import { LoadClient } from './load-client.js';
import type { Options, Sizes } from './options.js';
import { type Bench, everyOne, type Full, type Loaded, makeDirectories } from './scenario.js';

const TMPFS_MAGIC = 0x01021994;

export class Workbench implements Bench, AsyncDisposable {
  readonly sizes: Sizes;
  readonly floors: Floors;
  readonly folder: string;
  readonly profileFolder: string | undefined;
  #full: Promise<Full> | undefined;

  /** @throws where the folder is in memory: nothing would be durable there. */
  constructor({ folder, sizes, profileFolder }: Options) {
    if (statfsSync(folder).type === TMPFS_MAGIC)
      throw new Error(`${folder} is in memory, and durability is measured: name another with --dir`);
    this.sizes = sizes;
    this.folder = mkdtempSync(path.join(path.resolve(folder), 'understudy-bench-'));
    process.once('exit', () => this.#remove());
    this.profileFolder = profileFolder === undefined ? undefined : path.resolve(profileFolder);
    this.floors = new Floors(this.folder, sizes.floorMs);
  }

  readonly start = async (settings: Partial<ClusterSettings> = {}): Promise<Loaded> => {
    const profile = this.profileFolder === undefined ? {} : { profileFolder: this.profileFolder };
    const cluster = await Cluster.start({ parent: this.folder, masters: 1, ...profile, ...settings });
    const client = await LoadClient.start(cluster.place, this.profileFolder);
    return {
      cluster,
      client,
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        await cluster.close();
      },
    };
  };

  readonly full = (): Promise<Full> => {
    this.#full ??= this.#fill();
    return this.#full;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#full)?.[Symbol.asyncDispose]();
    await this.floors[Symbol.asyncDispose]();
    this.#remove();
  }

  /** Processes that were just killed may still be writing to it. */
  #remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }

  async #fill(): Promise<Full> {
    const { manyFiles: files } = this.sizes;
    const loaded = await this.start();
    await makeDirectories(loaded.client, '/full', files, files);
    const filled = await loaded.client.run(everyOne({ operation: 'create-then-complete', base: '/full', perDirectory: files, to: files }));
    return { ...loaded, files, filled };
  }
}
