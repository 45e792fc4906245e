/**
 * Removes parts that nobody will commit: of files that were removed, written to or moved away while a worker wrote them, or whose worker ended
 * first. A leader's, soon after it began and then now and then: it lists the folder of parts of each mount, nothing else.
 *
 * A part goes only while the mount's queue is empty, so that none is missing when its rename comes, and only one whose file does not wait for it.
 * One that is committed in spite of that (its file was taken back from being persisted, and given again) is found missing: the file is persisted anew.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { inodeById } from '../metadata/inode-path.js';
import type { Mount } from '../metadata/mounts.js';
import { partAt } from '../metadata/parts.js';
import type { State } from '../metadata/state.js';
import { hasQueuedWork } from '../metadata/under-work.js';
import { joinUnder, PARTS_FOLDER } from '../underfs/under-path.js';
import type { UnderEntry } from '../underfs/under-store.js';
import type { UnderStores } from '../underfs/under-stores.js';
import type { Leadership } from './leadership.js';
import type { Replica } from './replica.js';

export interface SweepPartsDeps {
  readonly replica: Replica;
  readonly leadership: Pick<Leadership, 'outside' | 'nowMs'>;
  readonly underStores: UnderStores;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly log: Log;
}

const FIRST_MS = 10_000;
const INTERVAL_MS = 600_000;
/** What a store writes aside, and no part by its name: it belongs to somebody, as long as it is young. */
const UNNAMED_MS = 24 * 3_600_000;

/** Runs until `signal` is aborted. Never throws. */
export async function keepSweeping(deps: SweepPartsDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, replica } = deps;
  for (let restMs = FIRST_MS; !signal.aborted; restMs = INTERVAL_MS) {
    await sleep(clock, restMs, signal).catch(() => {});
    if (signal.aborted || replica.state.frozenBy() !== null) continue;
    for (const mount of replica.state.allMounts().filter(({ readOnly }) => !readOnly)) {
      await sweepParts(mount, deps).catch((thrown) => {
        const error = asError(thrown);
        if (!signal.aborted && !isError(error, 'cancelled')) log.warn({ error, mount: mount.uri }, 'parts cannot be looked through');
      });
    }
  }
}

/** @returns how many were removed. */
export async function sweepParts(mount: Mount, { replica, leadership, underStores, clusterId, log }: SweepPartsDeps): Promise<number> {
  const { state } = replica;
  return await leadership.outside(async (signal) => {
    const store = await underStores.of(mount);
    let removed = 0;
    try {
      for await (const page of store.list(PARTS_FOLDER, { signal })) {
        for (const entry of page) {
          if (!isLeft(entry, mount.id, state, { clusterId, nowMs: leadership.nowMs() })) continue;
          await store.delete(joinUnder(PARTS_FOLDER, entry.name), { signal });
          removed += 1;
        }
      }
    } catch (error) {
      if (!isError(error, 'not_found')) throw error;
    }
    if (removed > 0) log.info({ mount: mount.uri, parts: removed }, 'parts that nobody commits have been removed');
    return removed;
  });
}

function isLeft(
  { name, isDirectory, modifiedMs }: UnderEntry,
  mountId: number,
  state: State,
  { clusterId, nowMs }: { readonly clusterId: string; readonly nowMs: number },
): boolean {
  const mount = state.mounts.get(mountId);
  if (isDirectory || mount === null || hasQueuedWork(mount)) return false;
  const of = partAt(joinUnder(PARTS_FOLDER, name));
  if (of === null) return modifiedMs + UNNAMED_MS < nowMs;
  if (of.clusterId !== clusterId) return false;
  return inodeById(of.inodeId, state)?.generation !== of.generation || state.toPersist.get(of.inodeId) === null;
}
