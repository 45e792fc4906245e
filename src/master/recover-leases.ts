/**
 * Ends the leases of clients that are gone: those whose session has ended, or that have said nothing for the time-out. All of it follows from
 * the state (rows `o` and sessions), so any leader goes on with it; one that has just begun gives silent clients their time anew.
 *
 * Looks at some open files at a time, in the order of the clients, round and round; the files of a client that is there are passed over
 * together. Files that have not reached the store yet are young.
 */

import { decodePair, encodeOpenFileKey, OPEN_FILE_RANGE, type PairKey, pairKey, splitPair } from '../metadata/keys.js';
import { type LeaseRecovery, planRecovery } from '../metadata/plan-recovery.js';
import { storedKeys } from '../metadata/scan.js';
import { ageGate, appendStep, type HousekeepingDeps, type HousekeepingStep, PAUSE_MS } from './housekeeping-step.js';
import { LeaseTime } from './lease-time.js';

export interface RecoverLeasesSettings {
  /** Milliseconds that a client may be silent while it writes. */
  readonly leaseTimeoutMs: number;
  readonly leaseRecovery: LeaseRecovery;
}

/** So many entries may be on their way together. */
const FILES_PER_LOOK = 256;
const ROUND_MS_MAX = 60_000;

export function recoverLeases(settings: RecoverLeasesSettings, deps: HousekeepingDeps): HousekeepingStep {
  const { replica, leadership, log } = deps;
  const time = new LeaseTime(settings, deps.clock);
  const mayExpire = ageGate(deps, () => time.allowedMs());
  let from: PairKey | null = null;

  function isGone(clientId: number): boolean {
    const session = replica.state.session(clientId);
    return session === null || (mayExpire() && session.lastUsedMs < leadership.nowMs() - time.allowedMs());
  }

  async function recover(key: PairKey): Promise<void> {
    const [holder, inodeId] = splitPair(key);
    await appendStep(leadership, (state, context) =>
      isGone(holder) ? planRecovery({ inodeId, holder, recovery: settings.leaseRecovery }, state, context) : null,
    );
  }

  return async () => {
    const gte = from === null ? OPEN_FILE_RANGE.gte : encodeOpenFileKey(from);
    const keys = await storedKeys(replica.kv, { gte, lt: OPEN_FILE_RANGE.lt }, decodePair, FILES_PER_LOOK);
    const gone = new Map([...new Set(keys.map(clientOf))].map((clientId) => [clientId, isGone(clientId)]));
    const abandoned = keys.filter((key) => gone.get(clientOf(key)));
    if (abandoned.length > 0) log.info({ files: abandoned.length }, 'files are closed: their writers are gone');
    await Promise.all(abandoned.map(recover));
    const last = keys.at(-1);
    const isRoundOver = last === undefined || keys.length < FILES_PER_LOOK;
    from = isRoundOver ? null : behind(last, gone.get(clientOf(last)) === true);
    return isRoundOver ? Math.min(ROUND_MS_MAX, settings.leaseTimeoutMs / 4) : PAUSE_MS;
  };
}

function clientOf(key: PairKey): number {
  return splitPair(key)[0];
}

/** @returns where the next look begins. */
function behind(key: PairKey, isOfOneGone: boolean): PairKey {
  const [clientId, inodeId] = splitPair(key);
  return isOfOneGone ? pairKey(clientId, inodeId + 1) : pairKey(clientId + 1, 0);
}
