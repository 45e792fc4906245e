/**
 * What many files cost besides: room on disk, loading what a folder has, removing a large tree.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FileSystem } from '../src/cli/understudy.js';
import { FILES_PER_DIRECTORY, makeFiles, type Scenario } from './scenario.js';

const FOLDERS_AT_ONCE = 32;

export const loadFolder: Scenario = {
  name: 'load-folder',
  async run({ sizes: { files }, floors, start, folder }) {
    const store = await mkdtemp(path.join(folder, 'store-'));
    const directories = Math.ceil(files / FILES_PER_DIRECTORY);
    for (let at = 0; at < directories; at++) {
      const below = path.join(store, `d${at}`);
      await mkdir(below);
      const names = Array.from({ length: FILES_PER_DIRECTORY }, (_, i) => path.join(below, `f${i}`));
      for (let i = 0; i < names.length; i += FOLDERS_AT_ONCE)
        await Promise.all(names.slice(i, i + FOLDERS_AT_ONCE).map((name) => writeFile(name, '')));
    }
    await using loaded = await start();
    await using fs = await FileSystem.connect({ masters: loaded.cluster.place.masters });
    await fs.mount('/store', store);
    const startMs = performance.now();
    const { looked, made } = await fs.loadMetadata('/store', { recursive: true });
    const seconds = (performance.now() - startMs) / 1_000;
    if (made !== directories * (FILES_PER_DIRECTORY + 1)) throw new Error(`not all was loaded: made=${made} looked=${looked}`);
    await rm(store, { recursive: true });
    return [
      {
        name: 'load-folder',
        what: `loadMetadata -R of a folder with ${made} entries`,
        value: looked / seconds,
        unit: 'entries/s',
        floor: { what: 'LevelDB puts, two each', value: (await floors.level()).putsPerSecond / 2 },
        note: `peak ${Math.round(loaded.cluster.first.memory().peakMiB)} MiB`,
      },
    ];
  },
};

export const storeBytes: Scenario = {
  name: 'store-bytes',
  async run({ sizes: { files }, start }) {
    await using loaded = await start();
    const { cluster, client } = loaded;
    await makeFiles(client, '/bench', files);
    // What is on its way is in the store once it was stopped.
    await cluster.first.stop('SIGTERM');
    const value = cluster.first.storeBytes() / files;
    return [{ name: 'store-bytes', what: `LevelDB on disk, a file, of ${files} small files`, value, unit: 'bytes' }];
  },
};

export const removeFull: Scenario = {
  name: 'remove-full',
  async run({ full }) {
    const { cluster, files } = await full();
    await using fs = await FileSystem.connect({ masters: cluster.place.masters });
    // A client's first change also registers it.
    await fs.createDirectory('/registered');
    const startMs = performance.now();
    await fs.remove('/full/d0', { recursive: true });
    const value = performance.now() - startMs;
    return [{ name: 'remove-full', what: `remove of a tree of ${files}: the call`, value, unit: 'ms', files }];
  },
};
