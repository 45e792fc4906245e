/**
 * Journals as crashes and disks leave them: a torn tail ends the log, damage stops replay and says where it is.
 */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { flipBit, overwrite, readSegments } from './damage.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

/** Segments as small as they can be: a few thousand files fill one. */
const SMALL_SEGMENTS = { 'master.journal.log.size.bytes.max': '1MB', 'master.journal.batch.size.max': '64KB' };

test('torn tail: all masters killed under load and half a batch behind the last one, they start and everything acknowledged is there', async () => {
  const cluster = await Cluster.start({ masters: 2 });
  const load = await Load.start(await cluster.client(), 64);
  await load.progress(1_000);
  await Promise.all(cluster.masters.map((master) => master.end()));

  const newest = readSegments(cluster.journal).at(-1);
  const last = newest?.batches.at(-1);
  if (newest === undefined || last === undefined) throw new Error('the journal is empty');
  overwrite(newest.file, last.offset + last.bytes.length, last.bytes.subarray(0, Math.ceil(last.bytes.length / 2)));
  // One has to read the whole journal, the other only its end.
  rmSync(cluster.master(0).place.metastore, { recursive: true });
  await Promise.all(cluster.masters.map((master) => master.start()));

  await load.progress(200);
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
});

test('tail that was acknowledged and is gone: a master that has applied it goes on, one that has not stops and says where', async () => {
  const cluster = await Cluster.start({ masters: 2 });
  const fs = await cluster.client();
  const load = await Load.start(fs, 8);
  await load.progress(100);
  await load.stop();
  await cluster.digests();
  await Promise.all(cluster.masters.map((master) => master.end('SIGTERM')));

  const [sound, empty] = [cluster.master(0), cluster.master(1)];
  const newest = readSegments(cluster.journal).at(-1);
  const last = newest?.batches.at(-1);
  if (newest === undefined || last === undefined) throw new Error('the journal is empty');
  overwrite(newest.file, last.offset, Buffer.alloc(last.bytes.length));
  rmSync(empty.place.metastore, { recursive: true });
  await Promise.all([sound.start(), empty.start()]);
  await haltedFor(empty, new RegExp(`corrupt: .*file=${newest.file} offset=${last.offset} sn=${last.firstSn}`));
  expect(await cluster.leader()).toBe(sound);
  await load.expectAllThere();
  await fs.createFile('/after', { completeLength: 0 });
});

test('flipped bit in a sealed segment: a new master stops at it and says where, the others go on', async () => {
  const cluster = await Cluster.start({ masters: 2, settings: SMALL_SEGMENTS });
  const fs = await cluster.client();
  const load = await Load.start(fs, 256, `/${'d'.repeat(250)}`);
  await waitUntil('a segment is full', () => readSegments(cluster.journal).length > 1, 30_000);
  const leader = await cluster.leader();
  const [standby] = cluster.others(leader);
  if (standby === undefined) throw new Error('no standby');
  await standby.end();

  const [sealed] = readSegments(cluster.journal);
  const damaged = sealed?.batches.at(sealed.batches.length / 2);
  if (sealed === undefined || damaged === undefined) throw new Error('no sealed segment');
  flipBit(sealed.file, damaged.offset + damaged.bytes.length - 1);
  const before = standby.stderr.length;
  rmSync(standby.place.metastore, { recursive: true });
  await standby.start();

  const where = new RegExp(`corrupt: .*file=${sealed.file} offset=${damaged.offset} sn=${damaged.firstSn}`);
  await haltedFor(standby, where);
  expect(standby.stderr.slice(before).match(/ERROR/g)).toHaveLength(1);
  const { reason, appliedSn } = await standby.status();
  expect(reason).toContain(`offset=${damaged.offset}`);
  expect(appliedSn).toBe(damaged.firstSn - 1);
  await load.progress(200);
  await load.stop();
  await load.expectAllThere();
  expect((await cluster.leader()).address).toBe(leader.address);
});

/** Waits until `master` says, in one line, that it has halted for this. */
async function haltedFor(master: MasterProcess, why: RegExp): Promise<void> {
  const line = () => master.stderr.split('\n').find((text) => text.includes('can follow the journal no further'));
  await waitUntil(`${master.address} halts`, () => line() !== undefined);
  expect(line()).toMatch(why);
  expect(master.isRunning).toBe(true);
}
