/**
 * Ends what has outlived its time to live: looks at some expired inodes at a time, in the order of their times, round and round. What cannot
 * go now (a mount point is below it, it is not persisted yet) holds up none of the others, and is looked at again in the next round.
 */
import { isError } from '../base/errors.js';
import { decodePair, EXPIRY_RANGE, encodeExpiryKey, type PairKey, pairKey, splitPair } from '../metadata/keys.js';
import { planExpiry } from '../metadata/plan-expiry.js';
import { storedKeys } from '../metadata/scan.js';
import { ageGate, appendStep, type HousekeepingDeps, type HousekeepingStep, PAUSE_MS } from './housekeeping-step.js';

export interface ExpireInodesSettings {
  /** Milliseconds from one round to the next. */
  readonly ttlCheckIntervalMs: number;
}

/** So many entries may be on their way together. */
const INODES_PER_LOOK = 256;
/** How soon another interval counts. */
const LOOK_MS_MAX = 1_000;

export function expireInodes(settings: ExpireInodesSettings, deps: HousekeepingDeps): HousekeepingStep {
  const { replica, leadership, clock, log } = deps;
  const mayExpire = ageGate(deps, () => settings.ttlCheckIntervalMs);
  let roundOverMs = Number.NEGATIVE_INFINITY;
  let after: PairKey | null = null;
  const stuck = new Set<number>();

  const expire = (inodeId: number) =>
    appendStep(leadership, (state, context) => {
      try {
        const entry = planExpiry(inodeId, state, context);
        if (entry !== null) stuck.delete(inodeId);
        return entry;
      } catch (error) {
        if (!isError(error) || error.errno === undefined) throw error;
        if (!stuck.has(inodeId) && stuck.size < STUCK_MAX) {
          stuck.add(inodeId);
          log.warn({ error, inodeId }, 'what has expired cannot be removed; it is tried again');
        }
        return null;
      }
    });

  return async () => {
    const leftMs = roundOverMs + settings.ttlCheckIntervalMs - clock.monotonicMs();
    if (leftMs > 0) return Math.min(leftMs, LOOK_MS_MAX);
    if (!mayExpire()) return Math.min(settings.ttlCheckIntervalMs, LOOK_MS_MAX);
    const nowMs = leadership.nowMs();
    const range = { gte: after === null ? EXPIRY_RANGE.gte : behind(after), lt: encodeExpiryKey(pairKey(nowMs + 1, 0)) };
    const keys = await storedKeys(replica.kv, range, decodePair, INODES_PER_LOOK);
    await Promise.all(keys.map((key) => expire(splitPair(key)[1])));
    const isRoundOver = keys.length < INODES_PER_LOOK;
    after = isRoundOver ? null : (keys.at(-1) ?? null);
    if (!isRoundOver) return PAUSE_MS;
    roundOverMs = clock.monotonicMs();
    return Math.min(settings.ttlCheckIntervalMs, LOOK_MS_MAX);
  };
}

/** Inodes whose trouble is told only once. */
const STUCK_MAX = 1_000;

function behind(key: PairKey): Uint8Array {
  const [expiresMs, inodeId] = splitPair(key);
  return encodeExpiryKey(pairKey(expiresMs, inodeId + 1));
}
