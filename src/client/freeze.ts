/**
 * Makes the namespace read only for maintenance, whoever leads, until it is unfrozen. Of superusers; either may be asked for again.
 */
import { type Freeze, freezeOf } from '../metadata/freeze.js';
import { operations } from '../metadata/operations.js';
import { askLeader } from './ask-leader.js';
import type { Client, ClientCallOptions } from './client.js';

const TIMEOUT_MS = 20_000;

/**
 * Resolves when no change is acknowledged any longer. @returns the freeze that holds: an earlier one stands.
 *
 * @throws `permission_denied`; `unavailable`: nobody leads now; `deadline_exceeded`, `cancelled`: it may have happened.
 */
export async function freezeNamespace(client: Client, reason: string, given: ClientCallOptions = {}): Promise<Freeze> {
  const request = { user: client.settings.user, reason };
  const { freeze } = await askLeader(client, operations.freeze, request, { timeoutMs: TIMEOUT_MS, ...given });
  return freezeOf(freeze ?? {});
}

/** @returns the freeze that was; undefined where there was none. @throws as `freezeNamespace`. */
export async function unfreezeNamespace(client: Client, given: ClientCallOptions = {}): Promise<Freeze | undefined> {
  const { user } = client.settings;
  const { freeze } = await askLeader(client, operations.unfreeze, { user }, { timeoutMs: TIMEOUT_MS, ...given });
  return freeze ? freezeOf(freeze) : undefined;
}
