/**
 * Checkpoints of many files: how long the leader takes for one while it has nothing else to do, what its clients feel of it, and how long an
 * empty master takes to begin with one. The leader is alone: standbys take this off it.
 */

import { FileSystem } from '../src/cli/understudy.js';
import { requestCheckpoint } from '../src/client/request-checkpoint.js';
import { waitUntil } from '../test/servers/wait-until.js';
import type { Measured } from './load.js';
import type { Figure } from './row.js';
import { everyOne, type Full, makeDirectories, type Scenario } from './scenario.js';

const BOOTSTRAP_LIMIT_MS = 300_000;
const IN_FLIGHT = 64;
/** Of `d` and `p` rows: one each a file. */
const ROWS_PER_FILE = 2;

export const checkpoint: Scenario = {
  name: 'checkpoint',
  async run({ sizes, floors, full }) {
    const loaded = await full();
    await using fs = await FileSystem.connect({ masters: loaded.cluster.place.masters });
    await makeDirectories(loaded.client, '/first', 1);
    const { bytes, made } = await requestCheckpoint(fs.client);
    const rows = loaded.files * ROWS_PER_FILE;
    const level = await floors.level();
    const writeSeconds = bytes / (await floors.sequentialBytes());
    const making: Figure = {
      ...{ name: 'checkpoint-seconds', what: `checkpoint of ${loaded.files} files, idle leader`, unit: 's', files: loaded.files },
      value: (made?.tookMs ?? 0) / 1_000,
      floor: { what: 'LevelDB scan, then a file written', value: rows / level.scannedPerSecond + writeSeconds },
      note: `${(bytes / 1e6).toFixed(0)} MB`,
    };
    const creates = (base: string) => createMany(loaded, base, sizes.files, sizes.measureMs);
    const without = await creates('/without');
    let isOver = false;
    const again = (async () => {
      let count = 0;
      for (; !isOver; count++) await requestCheckpoint(fs.client);
      return count;
    })();
    const during = await creates('/during');
    isOver = true;
    const note = `p99 ${without.p99Ms.toFixed(1)} ms without; ${await again} made one after the other`;
    const what = `p99 of creates, ${IN_FLIGHT} in flight, while checkpoints are made: over that without`;
    return [making, { name: 'checkpoint-create-p99', what, value: during.p99Ms / without.p99Ms, unit: '×', p99Ms: during.p99Ms, note }];
  },
};

export const bootstrap: Scenario = {
  name: 'bootstrap',
  async run({ floors, full }) {
    const { cluster, files } = await full();
    await using fs = await FileSystem.connect({ masters: cluster.place.masters });
    const { sn, bytes } = await requestCheckpoint(fs.client);
    await cluster.first.stop('SIGTERM');
    cluster.first.wipe();
    const startMs = performance.now();
    cluster.first.start();
    await waitUntil('the checkpoint is loaded', async () => (await cluster.appliedSn()) >= sn, BOOTSTRAP_LIMIT_MS);
    const seconds = (performance.now() - startMs) / 1_000;
    await cluster.ready();
    const value = (files * ROWS_PER_FILE) / (await floors.level()).putsPerSecond;
    const floor = { what: 'LevelDB puts, two a file', value };
    const what = `an empty master begins with a checkpoint of ${files} files`;
    return [{ name: 'bootstrap-seconds', what, value: seconds, unit: 's', floor, files, note: `${(bytes / 1e6).toFixed(0)} MB` }];
  },
};

async function createMany({ client }: Full, base: string, to: number, measureMs: number): Promise<Measured> {
  await makeDirectories(client, base, to);
  return client.run(everyOne({ operation: 'create-completed', base, to, inFlight: IN_FLIGHT, warmUpMs: measureMs / 8, measureMs }));
}
