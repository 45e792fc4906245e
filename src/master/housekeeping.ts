/**
 * What a leader does on its own account, in small journaled steps: reaps detached trees, forgets clients that were silent for long.
 *
 * One step is in flight at a time, behind the clients' calls in the same queue. A leader that ends leaves the rest to the next one: all
 * of it follows from the state.
 */
import type { Clock } from '../base/clock.js';
import { isError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { decodeId, SESSION_RANGE } from '../metadata/keys.js';
import { firstNames } from '../metadata/listing.js';
import type { State } from '../metadata/state.js';
import type { Leadership } from './leadership.js';
import type { Replica } from './replica.js';

export interface HousekeepingSettings {
  /** Milliseconds without a call after which a client is forgotten. */
  readonly clientTimeoutMs: number;
  /** Clients that may be registered at once. */
  readonly clientsMax: number;
}

export interface HousekeepingDeps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly log: Log;
}

const REAP_NAMES_MAX = 512;
const REAP_IDLE_MS = 100;
const CLIENTS_PER_ENTRY = 4;
/** Clients looked at in one scan; the rest come with the next ones. */
const CLIENTS_PER_SCAN_MAX = 100_000;

/** Runs until `signal` is aborted or the leadership ends. */
export async function keepHouse(settings: HousekeepingSettings, deps: HousekeepingDeps, signal: AbortSignal): Promise<void> {
  await Promise.all([loop(deps, signal, () => reapStep(deps)), loop(deps, signal, () => expireClients(settings, deps))]);
}

/** Repeats `work`, which says for how many milliseconds there is nothing more to do. */
async function loop({ clock, log }: HousekeepingDeps, signal: AbortSignal, work: () => Promise<number>): Promise<void> {
  while (!signal.aborted) {
    let restMs = REAP_IDLE_MS * 10;
    try {
      restMs = await work();
    } catch (error) {
      if (!isError(error, 'not_leader') && !isError(error, 'unavailable') && !isError(error, 'outcome_unknown')) {
        log.warn({ error }, 'a step of housekeeping failed; it is tried again');
      }
    }
    if (restMs > 0) await sleep(clock, restMs, signal).catch(() => {});
  }
}

/** Takes up to `REAP_NAMES_MAX` children out of one detached directory. */
async function reapStep({ replica, leadership }: HousekeepingDeps): Promise<number> {
  const { kv, state } = replica;
  const directoryId = await state.someDetached(kv);
  if (directoryId === null) return REAP_IDLE_MS;
  const names = await firstNames(kv, state, directoryId, REAP_NAMES_MAX);
  await leadership.append((now) => {
    if (!now.isDetached(directoryId)) return null;
    const present = names.filter((name) => now.child(directoryId, name) !== null);
    return { reap: { directoryId, names: present, done: names.length < REAP_NAMES_MAX } };
  });
  return 0;
}

/** Forgets clients that were silent for too long, and the longest silent ones above the bound. */
async function expireClients(settings: HousekeepingSettings, { replica, leadership }: HousekeepingDeps): Promise<number> {
  const intervalMs = Math.min(60_000, settings.clientTimeoutMs / 4);
  const clients = await sessions(replica);
  const beforeMs = leadership.nowMs() - settings.clientTimeoutMs;
  clients.sort((a, b) => a.lastUsedMs - b.lastUsedMs);
  const excess = Math.max(0, clients.length - settings.clientsMax);
  const idle = clients.filter(({ lastUsedMs }, rank) => rank < excess || lastUsedMs < beforeMs);
  for (let at = 0; at < idle.length; at += CLIENTS_PER_ENTRY) {
    await leadership.append((state) => {
      const clientIds = idle
        .slice(at, at + CLIENTS_PER_ENTRY)
        .filter((client) => state.session(client.id)?.lastUsedMs === client.lastUsedMs);
      return clientIds.length === 0 ? null : { expireClients: { clientIds: clientIds.map(({ id }) => id) } };
    });
  }
  return intervalMs;
}

async function sessions({ kv, state }: { kv: Replica['kv']; state: State }): Promise<{ id: number; lastUsedMs: number }[]> {
  const ids = new Set(state.changedClients());
  const snapshot = kv.snapshot();
  try {
    for await (const rows of snapshot.rows(SESSION_RANGE, 1000)) {
      for (const [key] of rows) ids.add(decodeId(key));
      if (ids.size >= CLIENTS_PER_SCAN_MAX) break;
    }
  } finally {
    await snapshot.close();
  }
  return [...ids].flatMap((id) => {
    const session = state.session(id);
    return session === null ? [] : [{ id, lastUsedMs: session.lastUsedMs }];
  });
}
