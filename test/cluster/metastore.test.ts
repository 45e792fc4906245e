/**
 * LevelDB folders that are deleted, or damaged in each kind of file that LevelDB keeps: rebuilt by the master itself.
 */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { flipBit, largestFile } from './damage.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

interface Damage {
  readonly name: string;
  /** LevelDB makes tables of its log when it is opened. */
  readonly needsTables?: boolean;
  readonly damage: (folder: string) => void;
  /** What the master says of it. */
  readonly says?: RegExp;
}

const SET_ASIDE = /the metastore cannot be used; it is set aside/;
const DAMAGES: readonly Damage[] = [
  // LevelDB answers with the wrong owner then: it does not check its own checksums.
  { name: 'owners in rows', needsTables: true, damage: (folder) => flipOwners(largestFile(folder, /\.ldb$/)), says: /do not add up/ },
  { name: 'bits of a table', needsTables: true, damage: (folder) => flipBits(largestFile(folder, /\.ldb$/)), says: /metastore/ },
  { name: 'a table', needsTables: true, damage: (folder) => rmSync(largestFile(folder, /\.ldb$/)), says: SET_ASIDE },
  { name: 'bits of the log', damage: (folder) => flipBits(largestFile(folder, /\.log$/)) },
  { name: 'bits of MANIFEST', damage: (folder) => flipBits(largestFile(folder, /^MANIFEST/)), says: SET_ASIDE },
  { name: 'bits of CURRENT', damage: (folder) => flipBits(largestFile(folder, /^CURRENT$/)), says: SET_ASIDE },
  { name: 'all', damage: (folder) => rmSync(folder, { recursive: true }) },
];
const FLIPS = 50;
/** Many restarts, each of which is quick, but not on a busy machine. */
const LIMIT_MS = 90_000;
/** Little stays in memory: the store has most of what was acknowledged. */
const SETTINGS = { 'master.metastore.flush.interval': '10ms', 'master.digest.interval': '5' };

test('metastore of a standby: damaged or deleted while it is down, rebuilt by itself', { timeout: LIMIT_MS }, async () => {
  const cluster = await Cluster.start({ masters: 2, settings: SETTINGS });
  const load = await Load.start(await cluster.client(), 64);
  await load.progress(1_000);
  const [standby] = cluster.others(await cluster.leader());
  if (standby === undefined) throw new Error('no standby');

  for (const damage of DAMAGES) {
    await restartDamaged(standby, damage);
    await load.progress(200);
    expect((await standby.status()).state, damage.name).toBe('PASSIVE');
  }
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
});

test('metastore of the only master: damaged or deleted while it is down, rebuilt by itself', { timeout: LIMIT_MS }, async () => {
  const cluster = await Cluster.start({ masters: 1, settings: SETTINGS });
  const fs = await cluster.client();
  const master = cluster.master(0);
  const load = await Load.start(fs, 64);
  await load.progress(1_000);

  for (const damage of DAMAGES) {
    await restartDamaged(master, damage);
    await load.progress(200);
  }
  await load.stop();
  await load.expectAllThere();
});

test('metastore of the leader: deleted under load, served from on, and rebuilt when it is started again', async () => {
  const cluster = await Cluster.start({ masters: 2, settings: SETTINGS });
  const load = await Load.start(await cluster.client(), 64);
  await load.progress(500);
  const leader = await cluster.leader();
  rmSync(leader.place.metastore, { recursive: true });
  await load.progress(500);
  await leader.end('SIGTERM');
  await leader.start();
  await load.progress(500);
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
});

async function restartDamaged(master: MasterProcess, { name, needsTables, damage, says }: Damage): Promise<void> {
  // Asking for the digest makes it flush; a master that is still rebuilding has little to flush, or nothing.
  const flushed = async () => ((await master.digest().catch(() => undefined))?.sn ?? 0) > 500;
  await waitUntil(`${master.address} has most of it in its metastore`, flushed);
  if (needsTables) {
    await master.end();
    await master.start();
  }
  await master.end();
  damage(master.place.metastore);
  const before = master.stderr.length;
  await master.start();
  if (says !== undefined) await waitUntil(`damage to ${name} is noticed`, () => says.test(master.stderr.slice(before)));
}

/** Many, for some may lie in rows that later ones have replaced. */
function flipBits(file: string): void {
  const { size } = statSync(file);
  for (let part = 0; part < 1; part += 1 / FLIPS) flipBit(file, Math.floor(size * part));
}

function flipOwners(file: string): void {
  const bytes = readFileSync(file);
  const first = bytes.indexOf('tester');
  if (first === -1) throw new Error(`no owner in ${file}`);
  for (let offset = first; offset !== -1; offset = bytes.indexOf('tester', offset + 1)) flipBit(file, offset);
}
