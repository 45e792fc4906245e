/**
 * A journal whose storage is rolled back to an earlier state under its masters: they have entries that it has not.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';

/** Whether it was following or had been told to lead. */
const AHEAD = /can follow the journal no further.*corrupt: .*(ahead of the journal|beyond the end)/;

test('store rolled back: a master that is ahead of it stops and says so, deletes nothing, and goes on once the journal is back', async () => {
  const cluster = await Cluster.start({ masters: 2 });
  const fs = await cluster.client();
  const load = await Load.start(fs, 16);
  await load.progress(200);
  const copy = `${cluster.folder}/copy`;
  await load.stop();
  await cluster.digests();
  await stopAll(cluster);
  copyFolder(cluster.journal, copy);
  await startAll(cluster);
  const later = await Load.start(fs, 16, '/later');
  await later.progress(200);
  await later.stop();
  const [digest] = await cluster.digests();
  await stopAll(cluster);

  // What a restored snapshot of the storage does.
  const newer = `${cluster.folder}/newer`;
  renameSync(cluster.journal, newer);
  copyFolder(copy, cluster.journal);
  await startAll(cluster);
  for (const master of cluster.masters) {
    await waitUntil(`${master.address} halts`, () => AHEAD.test(master.stderr));
    expect(await master.status()).toMatchObject({ state: 'PASSIVE', reason: expect.stringMatching(/ahead of the journal|beyond the end/) });
    expect(existsSync(`${master.place.metastore}.aside`)).toBe(false);
  }
  await stopAll(cluster);

  rmSync(cluster.journal, { recursive: true });
  renameSync(newer, cluster.journal);
  await startAll(cluster);
  await load.expectAllThere();
  await later.expectAllThere();
  expect((await cluster.digests())[0]?.split(' ')[1]).toBe(digest?.split(' ')[1]);
});

async function stopAll(cluster: Cluster): Promise<void> {
  await Promise.all(cluster.masters.map((master) => master.end('SIGTERM')));
}

async function startAll(cluster: Cluster): Promise<void> {
  await Promise.all(cluster.masters.map((master) => master.start()));
}

/** With the holes of the ledger. */
function copyFolder(from: string, to: string): void {
  execFileSync('cp', ['--archive', '--sparse=always', from, to]);
}
