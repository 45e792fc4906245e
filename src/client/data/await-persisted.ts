/**
 * Waits until a file is in mounted storage under its name: the journal says that it is PERSISTED, and the work that was queued for its mount by
 * then is done. Asks again and again, with a growing pause: a file takes as long as its bytes do.
 */

import type { Clock } from '../../base/clock.js';
import { UnderstudyError } from '../../base/errors.js';
import { sleep } from '../../base/wait.js';
import type { FileStatus } from '../file-status.js';

/** How far the storage of a mount has come. */
export interface MountWork {
  readonly path: string;
  /** Number of the newest change for it. */
  readonly newest: number;
  /** All up to here are done. */
  readonly done: number;
  /** Why the next one is not; empty: nothing has failed. */
  readonly trouble: string;
}

export interface PersistedNames {
  getStatusById(inodeId: number): Promise<FileStatus>;
  mountWork(): Promise<readonly MountWork[]>;
}

const PAUSE_MS = 5;
const PAUSE_MAX_MS = 250;
/** A worker that is started again has them again. */
const LOST = 'no worker that is there has all blocks of the file';

export interface Patience {
  readonly timeoutMs: number;
  /** With something in the way all the time. */
  readonly troubleMs: number;
  readonly signal: AbortSignal;
}

/**
 * @throws ENOENT: it is gone; `failed_precondition`: nobody is to persist it; `deadline_exceeded`: it is complete, and will be
 *   persisted once what the message tells is over.
 */
export async function awaitPersisted(
  inodeId: number,
  names: PersistedNames,
  clock: Clock,
  { timeoutMs, troubleMs, signal }: Patience,
): Promise<FileStatus> {
  const endMs = clock.monotonicMs() + timeoutMs;
  let trouble = '';
  let easyMs = clock.monotonicMs();
  let waitsFor: { readonly path: string; readonly work: number } | undefined;
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MAX_MS)) {
    const status = await names.getStatusById(inodeId);
    const { persistence, path } = status;
    if (persistence === 'NOT_PERSISTED') throw new UnderstudyError('failed_precondition', `the file is not to be persisted: path=${path}`);
    // What the storage has refused is to be persisted again.
    if (persistence === 'TO_BE_PERSISTED' || persistence === 'LOST') {
      waitsFor = undefined;
      trouble = status.persistTrouble || (persistence === 'LOST' ? LOST : '');
    } else {
      const mount = holding(path, await names.mountWork());
      if (mount === undefined) return status;
      ({ trouble } = mount);
      if (waitsFor?.path !== mount.path) waitsFor = { path: mount.path, work: mount.newest };
      // It was asked for before the work was seen done: told again, it stands.
      if (mount.done >= waitsFor.work) {
        const last = await names.getStatusById(inodeId);
        if (last.persistence === 'PERSISTED') return last;
      }
    }
    const nowMs = clock.monotonicMs();
    if (trouble === '') easyMs = nowMs;
    if (nowMs + pauseMs > endMs || nowMs - easyMs > troubleMs) {
      const values = `path=${path}${trouble === '' ? '' : ` reason=${trouble}`}`;
      throw new UnderstudyError('deadline_exceeded', `the file is complete, and not in mounted storage yet: ${values}`);
    }
    await sleep(clock, pauseMs, signal);
  }
}

/** @returns the mount that the path lies in. */
function holding(path: string, mounts: readonly MountWork[]): MountWork | undefined {
  const above = mounts.filter((mount) => mount.path === '/' || `${path}/`.startsWith(`${mount.path}/`));
  return above.sort((a, b) => b.path.length - a.path.length)[0];
}
