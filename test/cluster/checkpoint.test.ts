/**
 * Checkpoints of real masters: made by standbys, loaded by whoever has too little, whatever is killed meanwhile.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { flipBit } from './damage.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

const LIMIT_MS = 90_000;
/** Checkpoints come often, one is kept, segments are small: the log is cut back all the time. */
const OFTEN = {
  'master.journal.checkpoint.period.entries': '400',
  'master.journal.checkpoint.keep': '1',
  'master.journal.log.size.bytes.max': '1MB',
  'master.journal.batch.size.max': '64KB',
  'master.metastore.flush.interval': '20ms',
};
/** None comes unless it is asked for. */
const BY_HAND = { ...OFTEN, 'master.journal.checkpoint.enabled': 'false', 'master.journal.checkpoint.keep': '2' };

const LOADED = /a checkpoint was loaded/;

interface Printed {
  readonly sn: number;
  readonly id: string;
  readonly bytes: number;
  readonly made: { readonly maker: string } | null;
}

async function checkpoint(cluster: Cluster): Promise<Printed> {
  return JSON.parse(await cluster.run('understudy', 'fsadmin', 'journal', 'checkpoint', '--json')) as Printed;
}

const files = (cluster: Cluster, folder: string, name: RegExp) =>
  readdirSync(path.join(cluster.journal, folder))
    .filter((file) => name.test(file))
    .map((file) => path.join(cluster.journal, folder, file));

async function expectSame(cluster: Cluster, load: Load): Promise<void> {
  await load.stop();
  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
}

/** Waits until the first segment of the log is gone. */
const collected = (cluster: Cluster) =>
  waitUntil('the first segment is collected', () => !files(cluster, 'log', /^1-0\.seg$/).length, LIMIT_MS / 3);

test('fsadmin journal checkpoint: a standby makes it; again with nothing changed, none is made', async () => {
  const cluster = await Cluster.start({ masters: 3, settings: BY_HAND });
  const load = await Load.start(await cluster.client(), 16);
  await load.progress(300);
  const made = await checkpoint(cluster);
  const leader = await cluster.leader();
  expect(made.made?.maker).toMatch(/^127\.0\.0\.1:/);
  expect(made.made?.maker).not.toBe(leader.address);
  const [file = ''] = files(cluster, 'checkpoint', new RegExp(`^${made.sn}-${made.id}`));
  expect(statSync(file).size).toBeGreaterThanOrEqual(made.bytes);
  await load.stop();
  const second = await checkpoint(cluster);
  expect(second.sn).toBeGreaterThan(made.sn);
  expect(await checkpoint(cluster)).toMatchObject({ sn: second.sn, id: second.id, made: null });
  await Promise.all(cluster.others(leader).map((standby) => standby.end('SIGKILL')));
  await (await cluster.client()).createDirectory('/alone');
  expect((await checkpoint(cluster)).made?.maker).toBe(leader.address);
});

test('a collected journal: new, wiped and long absent masters begin with a checkpoint under load', { timeout: LIMIT_MS }, async () => {
  const cluster = await Cluster.prepare({ masters: 3, settings: OFTEN });
  await cluster.format();
  const [first, second, late] = [cluster.master(0), cluster.master(1), cluster.master(2)];
  await Promise.all([first.start(), second.start()]);
  await cluster.leader([first, second]);
  const load = await Load.start(await cluster.client(), 32);
  await collected(cluster);
  await late.start();
  expect(late.stderr).toMatch(LOADED);

  await late.end('SIGKILL');
  rmSync(late.place.metastore, { recursive: true });
  await late.start();
  expect(late.stderr.match(new RegExp(LOADED, 'g'))?.length).toBe(2);

  const { appliedSn } = await late.status();
  await late.end('SIGKILL');
  await waitUntil('the log is collected past the absent one', async () => (await firstKept(cluster)) > appliedSn, LIMIT_MS / 3);
  await late.start();
  await waitUntil('it has begun anew by itself', () => (late.stderr.match(new RegExp(LOADED, 'g'))?.length ?? 0) === 3, LIMIT_MS / 3);
  await load.progress(200);
  await expectSame(cluster, load);
  // Sound from the start: it may lead.
  await Promise.all([first, second].map((master) => master.end('SIGKILL')));
  await cluster.leader([late]);
  await load.expectAllThere(await cluster.client());
});

/** The entry behind which the log goes on: of the oldest checkpoint there is. */
async function firstKept(cluster: Cluster): Promise<number> {
  return Math.min(...files(cluster, 'checkpoint', /\.ckpt$/).map((file) => Number(path.basename(file).split('-')[0])));
}

test('the newest checkpoint is damaged: the one before is used, and it is said', { timeout: LIMIT_MS }, async () => {
  const cluster = await Cluster.start({ masters: 2, settings: BY_HAND });
  const load = await Load.start(await cluster.client(), 16);
  await load.progress(200);
  const older = await checkpoint(cluster);
  await load.progress(200);
  const newest = await checkpoint(cluster);
  const [file = ''] = files(cluster, 'checkpoint', new RegExp(`^${newest.sn}-`));
  flipBit(file, Math.floor(newest.bytes / 2));
  const [standby] = cluster.others(await cluster.leader()) as [MasterProcess];
  await standby.end('SIGKILL');
  rmSync(standby.place.metastore, { recursive: true });
  await standby.start();
  expect(standby.stderr).toMatch(new RegExp(`a checkpoint cannot be used.*\\n?.*sn=${newest.sn}`));
  expect(standby.stderr).toMatch(LOADED);
  await waitUntil(
    'it says so',
    async () => (await standby.status()).reason.includes(`a checkpoint cannot be used: sn=${newest.sn}`),
    LIMIT_MS / 3,
  );
  expect(older.sn).toBeLessThan(newest.sn);
  await expectSame(cluster, load);
});

test('killed while checkpoints are made, published, collected and loaded: nothing is lost, nobody needs help', {
  timeout: LIMIT_MS,
}, async () => {
  const cluster = await Cluster.start({ masters: 3, settings: { ...OFTEN, 'master.journal.checkpoint.period.entries': '150' } });
  const load = await Load.start(await cluster.client(), 32);
  await load.progress(500);
  for (let round = 0; round < 6; round++) {
    const leader = await cluster.leader();
    const victim = round % 2 === 0 ? leader : (cluster.others(leader)[0] as MasterProcess);
    await victim.end('SIGKILL');
    if (round >= 2) rmSync(victim.place.metastore, { recursive: true, force: true });
    if (round >= 4) {
      // Killed once more as it begins to fill its metastore.
      victim.spawn();
      await waitUntil('it has begun a metastore', () => existsSync(path.join(victim.place.metastore, 'CURRENT')), LIMIT_MS / 3);
      await victim.end('SIGKILL');
    }
    await victim.start();
    await load.progress(100);
  }
  await collected(cluster);
  await expectSame(cluster, load);
  const kept = files(cluster, 'checkpoint', /\.ckpt$/).length;
  expect(kept).toBeLessThan(6);
});
