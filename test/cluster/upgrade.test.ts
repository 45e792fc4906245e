/**
 * A rolling upgrade, with masters of two builds on one journal: writes go on all the time, what the newer build brings is refused until every master
 * has it, and the older one never misreads a journal that has it.
 */
import path from 'node:path';
import { expect, onTestFailed, onTestFinished, test } from 'vitest';
import { ownFolder } from '../servers/own-folder.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';
import { MasterProcess } from './master-process.js';
import { makeOlderBuild, OLDER_VERSION } from './older-build.js';

/** Commands are processes: a busy machine takes its time. */
const LIMIT_MS = 300_000;
const NEEDS_VERSION = 'needs version';
const FEATURE = /feature=freeze since=0\.1\.0/;

function tended(master: MasterProcess): MasterProcess {
  onTestFinished(() => void master.end('SIGKILL'));
  onTestFailed(() => console.error(`--- ${master.address}\n${master.stderr.slice(-10_000)}`));
  return master;
}

function scratch(): string {
  const { path: folder, remove } = ownFolder('builds');
  onTestFinished(remove);
  return folder;
}

/** The same master, from this build on. */
function upgraded({ place: { build: _, ...place } }: MasterProcess): MasterProcess {
  return tended(new MasterProcess(place));
}

/** While others write, on a busy machine. */
async function begin(master: MasterProcess): Promise<void> {
  const before = master.stderr.length;
  master.spawn();
  await waitUntil(`${master.address} serves`, () => master.stderr.includes('master serves', before), 90_000);
}

async function refusal(command: Promise<string>): Promise<string> {
  return command.then(
    (out) => `it was done: ${out}`,
    ({ stderr }: { stderr: string }) => stderr,
  );
}

const follows = (standby: MasterProcess, leader: MasterProcess) =>
  waitUntil(`${standby.address} follows ${leader.address}`, async () => {
    const { state, leader: known, verified, behind } = await standby.status();
    return state === 'PASSIVE' && known === leader.address && verified && behind?.entries === 0;
  });

test(
  'upgrade: master by master under writes; the feature is refused, then switched on, then keeps the older build out',
  async () => {
    const older = path.join(scratch(), 'older');
    makeOlderBuild(older);
    const cluster = await Cluster.prepare({ masters: 2, place: () => ({ build: older }) });
    const fsadmin = (...args: string[]) => cluster.run('understudy', 'fsadmin', ...args);
    await cluster.format();
    for (const master of cluster.masters) await begin(master);
    const oldLeader = await cluster.leader();
    const [oldStandby] = cluster.others(oldLeader);
    if (oldStandby === undefined) throw new Error('no standby');
    expect(await oldLeader.status()).toMatchObject({ version: OLDER_VERSION });
    const fs = await cluster.client();
    const load = await Load.start(fs, 1);
    await load.progress(50);
    expect(await refusal(fsadmin('freeze'))).toMatch(/unimplemented|no such method/);

    await oldStandby.end('SIGTERM');
    const newLeader = upgraded(oldStandby);
    await begin(newLeader);
    await follows(newLeader, oldLeader);
    await load.progress(50);
    expect(await fsadmin('leader', 'transfer', '--to', newLeader.address)).toContain(`New leader: ${newLeader.address}, epoch 2`);
    await load.progress(50);

    expect(await refusal(fsadmin('freeze'))).toContain(
      'this journal does not have this feature yet: a read-only namespace (fsadmin freeze, fsadmin unfreeze); ' +
        'once all masters have this version: understudy fsadmin features enable freeze: feature=freeze',
    );
    for (const force of [[], ['--force']])
      expect(await refusal(fsadmin('features', 'enable', 'freeze', ...force))).toContain(
        `not all masters are known to have this feature: feature=freeze: ${oldLeader.address} does not have it: version=${OLDER_VERSION}`,
      );

    await oldLeader.end('SIGTERM');
    const newStandby = upgraded(oldLeader);
    await begin(newStandby);
    await follows(newStandby, newLeader);
    await load.progress(50);
    expect(await fsadmin('features', 'enable', 'freeze')).toContain('freeze');
    await load.progress(50);
    await load.stop();
    await load.expectAllThere();
    expect(await fsadmin('freeze')).toContain('Frozen by');
    await expect(fs.createFile('/frozen')).rejects.toMatchObject({ errno: 'EROFS' });
    expect(new Set(await cluster.digests([newLeader, newStandby])).size).toBe(1);

    // Back to the older build: it comes no further than the entry, says why, and never leads.
    await newStandby.end('SIGTERM');
    const before = oldLeader.stderr.length;
    oldLeader.spawn();
    await waitUntil('it says why it stops', () => FEATURE.test(oldLeader.stderr.slice(before)), 90_000);
    expect(oldLeader.stderr.slice(before)).toContain(NEEDS_VERSION);
    await newLeader.end('SIGKILL');
    expect(await refusal(cluster.run('fs', 'leader', '--wait', '3'))).toContain('no master serves as leader now');
    // Where its metastore has the feature already, it has ended.
    if (oldLeader.isRunning)
      expect(await oldLeader.status()).toMatchObject({ state: 'PASSIVE', reason: expect.stringContaining(NEEDS_VERSION) });
    await begin(newLeader);
    expect((await cluster.leader([newLeader])).address).toBe(newLeader.address);
    expect(await fs.getStatus('/load')).toMatchObject({ directory: true });
  },
  LIMIT_MS,
);
