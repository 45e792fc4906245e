/** Forgets clients that were silent for too long: looks at some of them at a time, in the order of their ids, round and round. */
import { decodeId, encodeSessionKey, SESSION_RANGE } from '../metadata/keys.js';
import { storedKeys } from '../metadata/scan.js';
import { ageGate, appendStep, type HousekeepingDeps, type HousekeepingStep, PAUSE_MS } from './housekeeping-step.js';
import type { Replica } from './replica.js';

export interface ForgetClientsSettings {
  /** Milliseconds without a call after which a client is forgotten. */
  readonly clientTimeoutMs: number;
}

const CLIENTS_PER_ENTRY = 4;
const CLIENTS_PER_LOOK = 1_000;
const ROUND_MS_MAX = 60_000;

export function forgetClients(settings: ForgetClientsSettings, deps: HousekeepingDeps): HousekeepingStep {
  const { replica, leadership } = deps;
  const mayExpire = ageGate(deps, () => settings.clientTimeoutMs);
  let after = 0;
  return async () => {
    const { clientTimeoutMs } = settings;
    const restMs = Math.min(ROUND_MS_MAX, clientTimeoutMs / 4);
    if (!mayExpire()) return restMs;
    const ids = await clientsBehind(replica, after);
    const beforeMs = leadership.nowMs() - clientTimeoutMs;
    const isIdle = (id: number) => (replica.state.session(id)?.lastUsedMs ?? beforeMs) < beforeMs;
    const idle = ids.filter(isIdle);
    for (let at = 0; at < idle.length; at += CLIENTS_PER_ENTRY) {
      await appendStep(leadership, () => {
        const clientIds = idle.slice(at, at + CLIENTS_PER_ENTRY).filter(isIdle);
        return clientIds.length === 0 ? null : { expireClients: { clientIds } };
      });
    }
    after = ids.at(-1) ?? 0;
    return ids.length < CLIENTS_PER_LOOK ? restMs : PAUSE_MS;
  };
}

/** @returns the next clients that the store knows, behind the one given. Those that have not reached it yet are not old. */
function clientsBehind({ kv }: Replica, after: number): Promise<number[]> {
  return storedKeys(kv, { gte: encodeSessionKey(after + 1), lt: SESSION_RANGE.lt }, decodeId, CLIENTS_PER_LOOK);
}
