/**
 * What many files cost besides: room on disk, loading what a folder has, removing a large tree.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FileSystem } from '../src/cli/understudy.js';
import { s3Settings, startS3 } from '../test/servers/s3.js';
import type { Figure } from './row.js';
import { type Bench, FILES_PER_DIRECTORY, makeFiles, type Scenario } from './scenario.js';

const WRITES_AT_ONCE = 32;
const BUCKET = 'loaded';

export const loadFolder: Scenario = {
  name: 'load-folder',
  async run(bench) {
    const store = await mkdtemp(path.join(bench.folder, 'store-'));
    await makeStore(store, bench.sizes.files);
    return [await loadFigure(bench, 'load-folder', 'folder', store, bench.sizes.files)];
  },
};

export const loadBucket: Scenario = {
  name: 'load-bucket',
  async run(bench) {
    const folder = await mkdtemp(path.join(bench.folder, 'objects-'));
    await using server = await startS3({ make: 'versitygw', folder });
    await server.createBucket(BUCKET);
    // The server's objects are the files of this folder.
    await makeStore(path.join(folder, BUCKET), bench.sizes.bucketObjects);
    const settings = s3Settings(server.endpoint, BUCKET);
    const shared = Object.fromEntries(Object.entries(settings).filter(([key]) => key !== 'master.journal.folder'));
    return [await loadFigure(bench, 'load-bucket', 'bucket', `s3://${BUCKET}`, bench.sizes.bucketObjects, shared)];
  },
};

/** Empty files [0, files), a thousand to a directory. */
async function makeStore(store: string, files: number): Promise<void> {
  for (let at = 0; at < Math.ceil(files / FILES_PER_DIRECTORY); at++) {
    const below = path.join(store, `d${at}`);
    await mkdir(below);
    const names = Array.from({ length: FILES_PER_DIRECTORY }, (_, i) => path.join(below, `f${i}`));
    for (let i = 0; i < names.length; i += WRITES_AT_ONCE)
      await Promise.all(names.slice(i, i + WRITES_AT_ONCE).map((name) => writeFile(name, '')));
  }
}

async function loadFigure(
  { floors, start }: Bench,
  name: string,
  what: string,
  uri: string,
  files: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<Figure> {
  await using loaded = await start({ settings });
  await using fs = await FileSystem.connect({ masters: loaded.cluster.place.masters });
  await fs.mount('/store', uri);
  const beforeMiB = loaded.cluster.first.memory().nowMiB;
  const startMs = performance.now();
  const { looked, made } = await fs.loadMetadata('/store', { recursive: true });
  const seconds = (performance.now() - startMs) / 1_000;
  const expected = Math.ceil(files / FILES_PER_DIRECTORY) * (FILES_PER_DIRECTORY + 1);
  if (made !== expected) throw new Error(`not all was loaded: made=${made} expected=${expected} looked=${looked}`);
  return {
    name,
    what: `loadMetadata -R of a ${what} with ${made} entries`,
    value: looked / seconds,
    unit: 'entries/s',
    floor: { what: 'LevelDB puts, two each', value: (await floors.level()).putsPerSecond / 2 },
    note: `resident ${Math.round(beforeMiB)} MiB before, at most ${Math.round(loaded.cluster.first.memory().peakMiB)} MiB`,
  };
}

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
