/** What became of all files, once the faults are over and nobody changes anything: the account of them, and what is left that is nobody's. */

import type { FileSystem } from '../../src/cli/understudy.js';
import { transferLeader } from '../../src/client/transfer-leader.js';
import { workerReports } from '../../src/client/worker-report.js';
import { waitUntil } from '../servers/wait-until.js';
import { blocksBehind, type FileLosses, type KnownFile, settleFiles } from './file-account.js';
import { FILES_FOLDER } from './file-lines.js';
import { leftOfNothing, orphans, partsLeft, storageDiffers } from './leaks.js';
import type { World } from './world.js';

export interface FilesVerdict extends FileLosses {
  /** Blocks of no file; files in mounted storage that nobody has, or that differ; parts; and what was left once all files were removed. */
  readonly leaks: readonly string[];
}

/** Workers look for disks that have come back every ten seconds. */
const WELL_LIMIT_MS = 60_000;
const PERSISTED_LIMIT_MS = 60_000;
const COPIED_LIMIT_MS = 60_000;
const TRANSFER_LIMIT_MS = 5_000;

/** @param violations are added to. */
export async function judgeFiles(world: World, files: readonly KnownFile[], fs: FileSystem, violations: string[]): Promise<FilesVerdict> {
  const { copies, store } = world;
  const told = (error: Error) => violations.push(`liveness: ${error.message}`);
  // Who begins to lead looks through the parts of files.
  const to = (await world.otherMaster()).address;
  await transferLeader(fs.client, { to, timeoutMs: TRANSFER_LIMIT_MS }).catch(() => {});
  await waitUntil('all workers are there with all their disks', () => areWell(world, fs), WELL_LIMIT_MS).catch(told);
  await waitUntil('all that can be is in mounted storage', () => isPersisted(world, fs), PERSISTED_LIMIT_MS).catch(told);
  await waitUntil('all blocks have as many copies as are wanted', () => areCopied(fs), COPIED_LIMIT_MS).catch(told);
  await copies.settled();
  const losses = await settleFiles(files, fs, copies);
  if (losses.unaccounted.length > 0)
    violations.push(`files: ${losses.unaccounted.length} are lost or differ, the first: ${losses.unaccounted[0]}`);
  await using storage = await store.mounted.open();
  const leaks = [
    ...(await orphans(copies, fs)),
    ...(await storageDiffers(storage, fs)),
    ...(await partsLeft(storage)),
    ...(await leftOfNothing(copies, storage, fs)),
  ];
  if (leaks.length > 0) violations.push(`files: ${leaks.length} leaks, the first: ${leaks[0]}`);
  const [mount] = await fs.listMounts();
  if (mount === undefined || mount.refused > 0) violations.push(`files: mounted storage has refused ${mount?.refused} changes`);
  return { ...losses, leaks };
}

async function areWell({ workers }: World, fs: FileSystem): Promise<boolean> {
  const reports = await workerReports(fs.client).catch(() => []);
  const well = reports.filter(({ state, tiers }) => state === 'LIVE' && tiers.every(({ failedDirectories }) => failedDirectories === 0));
  return new Set(well.map(({ address }) => address)).size === workers.length;
}

async function isPersisted({ copies }: World, fs: FileSystem): Promise<boolean> {
  for await (const { id, complete, persistence, length, blockBytes } of fs.list(FILES_FOLDER, { recursive: true, loadMetadata: 'NEVER' })) {
    if (complete && persistence === 'TO_BE_PERSISTED' && copies.lossOf(id, blocksBehind({ length, blockBytes }, 0)) === undefined)
      return false;
  }
  return (await fs.listMounts()).every(({ queued }) => queued === 0);
}

/** What no worker has cannot be copied. */
async function areCopied(fs: FileSystem): Promise<boolean> {
  for await (const { path, directory, complete, replicationMin } of fs.list(FILES_FOLDER, { recursive: true, loadMetadata: 'NEVER' })) {
    if (directory || !complete || replicationMin < 2) continue;
    const blocks = await fs.getBlockLocations(path);
    if (blocks.some(({ workers }) => workers.length > 0 && workers.length < replicationMin)) return false;
  }
  return true;
}
