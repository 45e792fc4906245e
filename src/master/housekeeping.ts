/**
 * What a leader does on its own account, in small journaled steps: reaps detached trees, forgets clients that were silent for long.
 *
 * One step is in flight at a time, behind the clients' calls in the same queue. A leader that ends leaves the rest to the next one: all
 * of it follows from the state.
 */
import type { Clock } from '../base/clock.js';
import { asError, type ErrorCode, type UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { DETACHED_RANGE, decodeId, encodeSessionKey, SESSION_RANGE } from '../metadata/keys.js';
import { firstNames } from '../metadata/listing.js';
import { firstKeys } from '../metadata/scan.js';
import type { ClockWatch, PeerClock } from './clock-watch.js';
import type { Leadership } from './leadership.js';
import type { Replica } from './replica.js';

export interface HousekeepingSettings {
  /** Milliseconds without a call after which a client is forgotten. */
  readonly clientTimeoutMs: number;
}

export interface HousekeepingDeps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly log: Log;
  readonly clockWatch: ClockWatch;
  /** The clocks of the standbys. */
  readonly peers: () => readonly PeerClock[];
}

const CLOCK_LOOK_MS = 250;
const REAP_NAMES_MAX = 512;
const REAP_IDLE_MS = 100;
const RETRY_MS = 1_000;
const PAUSE_MS = 20;
const CLIENTS_PER_ENTRY = 4;
const CLIENTS_PER_LOOK = 1_000;

/** What passes by itself, or with this leadership. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['not_leader', 'unavailable', 'outcome_unknown', 'resource_exhausted', 'cancelled']);

/** Runs until `signal` is aborted. Never throws. */
export async function keepHouse(settings: HousekeepingSettings, deps: HousekeepingDeps, signal: AbortSignal): Promise<void> {
  await Promise.all([
    repeat(deps, signal, () => reapStep(deps)),
    repeat(deps, signal, idleClients(settings, deps)),
    repeat(deps, signal, () => lookAtClock(deps)),
  ]);
}

/** Repeats `work`, which says for how many milliseconds there is nothing more to do. */
async function repeat({ replica, clock, log }: HousekeepingDeps, signal: AbortSignal, work: () => Promise<number>): Promise<void> {
  while (!signal.aborted) {
    let restMs = RETRY_MS;
    try {
      restMs = await work();
    } catch (thrown) {
      const error = thrown instanceof Refused ? thrown.reason : replica.checked(thrown);
      if (!signal.aborted && !PASSING.has(error.code)) log.warn({ error }, 'a step of housekeeping failed; it is tried again');
    }
    await sleep(clock, restMs, signal).catch(() => {});
  }
}

async function lookAtClock({ clockWatch, leadership, peers }: HousekeepingDeps): Promise<number> {
  clockWatch.isOff(leadership.skewMs(), peers());
  return CLOCK_LOOK_MS;
}

/** What the leadership answered, as against what the store threw. */
class Refused extends Error {
  readonly reason: UnderstudyError;

  constructor(reason: UnderstudyError) {
    super(reason.message);
    this.reason = reason;
  }
}

async function append(leadership: Leadership, plan: Parameters<Leadership['append']>[0]): Promise<void> {
  await leadership.append(plan).catch((thrown) => {
    throw new Refused(asError(thrown));
  });
}

/** Takes up to `REAP_NAMES_MAX` children out of one detached directory. */
async function reapStep({ replica, leadership }: HousekeepingDeps): Promise<number> {
  const { kv, state } = replica;
  const [directoryId] = await firstKeys(state.detached, kv, DETACHED_RANGE, decodeId, 1);
  if (directoryId === undefined) return REAP_IDLE_MS;
  const names = await firstNames(kv, state, directoryId, REAP_NAMES_MAX);
  await append(leadership, (now) => {
    if (!now.isDetached(directoryId)) return null;
    const present = names.filter((name) => now.child(directoryId, name) !== null);
    return { reap: { directoryId, names: present, done: names.length < REAP_NAMES_MAX } };
  });
  return 0;
}

/**
 * Forgets clients that were silent for too long: looks at some of them at a time, in the order of their ids, round and round.
 *
 * A leadership forgets nobody before it has lasted as long as a client may be silent: a clock that was wrong before it, or jumped
 * between two leaderships, makes nobody look old.
 */
function idleClients(
  settings: HousekeepingSettings,
  { replica, leadership, clock, clockWatch, peers }: HousekeepingDeps,
): () => Promise<number> {
  const { clientTimeoutMs } = settings;
  const restMs = Math.min(60_000, clientTimeoutMs / 4);
  const begunMs = clock.monotonicMs();
  let after = 0;
  return async () => {
    if (clock.monotonicMs() - begunMs < clientTimeoutMs || clockWatch.isOff(leadership.skewMs(), peers())) return restMs;
    const ids = await clientsBehind(replica, after);
    const beforeMs = leadership.nowMs() - clientTimeoutMs;
    const isIdle = (id: number) => (replica.state.session(id)?.lastUsedMs ?? beforeMs) < beforeMs;
    const idle = ids.filter(isIdle);
    for (let at = 0; at < idle.length; at += CLIENTS_PER_ENTRY) {
      await append(leadership, () => {
        const clientIds = idle.slice(at, at + CLIENTS_PER_ENTRY).filter(isIdle);
        return clientIds.length === 0 ? null : { expireClients: { clientIds } };
      });
    }
    after = ids.at(-1) ?? 0;
    return ids.length < CLIENTS_PER_LOOK ? restMs : PAUSE_MS;
  };
}

/** @returns the next clients that the store knows, behind the one given. Those that have not reached it yet are not old. */
async function clientsBehind({ kv }: Replica, after: number): Promise<number[]> {
  const snapshot = kv.snapshot();
  try {
    const range = { gte: encodeSessionKey(after + 1), lt: SESSION_RANGE.lt };
    const ids: number[] = [];
    for await (const rows of snapshot.rows(range, CLIENTS_PER_LOOK)) {
      for (const [key] of rows) ids.push(decodeId(key));
      if (ids.length >= CLIENTS_PER_LOOK) break;
    }
    return ids;
  } finally {
    await snapshot.close();
  }
}
