/**
 * The power fails everywhere: every process ends at once, and what nobody had made durable is gone. Of a journal nothing is, for it is synced
 * before anything is acknowledged (test/contract and test/model lose what was not, step by step); of a metastore the newest writes are.
 */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Cluster } from './cluster.js';
import { overwrite, readSegments } from './damage.js';
import { Load } from './load.js';

const CUTS = 3;

test('power fails everywhere under load, again and again: service comes back by itself, with everything acknowledged', {
  timeout: 90_000,
}, async () => {
  const cluster = await Cluster.start({ masters: 3, settings: { 'master.metastore.flush.interval': '10ms' } });
  const load = await Load.start(await cluster.client(), 64);
  for (let cut = 1; cut <= CUTS; cut++) {
    await load.progress(500);
    for (const master of cluster.masters) master.signal('SIGKILL');
    await Promise.all(cluster.masters.map((master) => master.end()));
    for (const { place } of cluster.masters) loseTail(place.metastore, cut / (CUTS + 1));
    tearTail(cluster.journal);
    await Promise.all(cluster.masters.map((master) => master.start()));
  }
  await load.progress(500);
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
});

/** LevelDB's logs are not synced: a part of what they hold was on its way to the disk. */
function loseTail(metastore: string, part: number): void {
  for (const name of readdirSync(metastore).filter((file) => file.endsWith('.log'))) {
    const file = path.join(metastore, name);
    truncateSync(file, Math.floor(statSync(file).size * part));
  }
}

/** A batch was being written. */
function tearTail(journal: string): void {
  const newest = readSegments(journal).at(-1);
  const last = newest?.batches.at(-1);
  if (newest === undefined || last === undefined) throw new Error('the journal is empty');
  overwrite(newest.file, last.offset + last.bytes.length, last.bytes.subarray(0, Math.ceil(last.bytes.length / 3)));
}
