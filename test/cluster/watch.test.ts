/** Watchers of real masters, whose leader is killed while writers write. */
import { expect, test } from 'vitest';
import type { FileSystem } from '../../src/cli/understudy.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';

const WATCHERS = 4;
const KILLS = 2;

interface Seen {
  readonly order: number[];
  readonly paths: string[];
  throughSn: number;
}

/** Watches until the client is closed. */
async function watch(fs: FileSystem, path: string, seen: Seen): Promise<void> {
  for await (const { events, throughSn } of fs.watchBatches(path, { fromSn: 1 })) {
    for (const { sn, step, kind, path: place } of events) {
      seen.order.push(sn * 1_000 + step);
      if (kind === 'createFile') seen.paths.push(place);
    }
    seen.throughSn = throughSn;
  }
}

test('leaders are killed: every watcher is told each acknowledged file once, in one order, on whichever master', async () => {
  const cluster = await Cluster.start({ masters: 3 });
  const fs = await cluster.client();
  const seen = Array.from({ length: WATCHERS }, (): Seen => ({ order: [], paths: [], throughSn: 0 }));
  const watching = seen.map(async (each, at) => watch(await cluster.client(), at % 2 === 0 ? '/load' : '/', each).catch((error) => error));
  const load = await Load.start(fs, 32);
  for (let kill = 0; kill < KILLS; kill++) {
    await load.progress(300);
    const leader = await cluster.leader();
    await leader.end('SIGKILL');
    await load.progress(300);
    await leader.start();
  }
  await load.stop();
  const { sn } = await fs.createFile('/load/last', { completeLength: 0 });
  await waitUntil('all of it was looked at', () => seen.every(({ throughSn }) => throughSn >= sn), 30_000);
  const files: string[] = [];
  for await (const { name } of fs.list('/load')) files.push(`/load/${name}`);
  for (const { order, paths } of seen) {
    expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
    expect([...paths].sort()).toEqual([...files].sort());
  }
  expect(seen[2]?.order).toEqual(seen[0]?.order);
  expect(seen[3]?.order).toEqual(seen[1]?.order);
  expect(watching).toHaveLength(WATCHERS);
});
