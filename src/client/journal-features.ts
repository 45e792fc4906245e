/** Features of the journal, as the leader tells them, and switches them on (src/metadata/features.ts). */
import type { understudy } from '#proto/understudy.js';
import { operations } from '../metadata/operations.js';
import { askLeader } from './ask-leader.js';
import type { Client, ClientCallOptions } from './client.js';

interface JournalFeature {
  readonly name: string;
  /** Version of the first release that has it. */
  readonly since: string;
  /** For people. */
  readonly what: string;
  /** For good. */
  readonly enabled: boolean;
  /** `host:port` of the masters that answer and do not know it. */
  readonly lackedBy: readonly string[];
}

export interface JournalFeatures {
  readonly features: readonly JournalFeature[];
  /** All masters that the leader knows, itself first. */
  readonly masters: readonly {
    readonly address: string;
    readonly version: string;
    /** Why it could not be asked; empty where it could. */
    readonly error: string;
  }[];
}

const TIMEOUT_MS = 10_000;

/** @throws `unavailable`: nobody leads now. @throws `not_leader`: the lead moved meanwhile; ask again. */
export async function listFeatures(client: Client, given: ClientCallOptions = {}): Promise<JournalFeatures> {
  const { features, masters } = await askLeader(client, operations.listFeatures, {}, { timeoutMs: TIMEOUT_MS, ...given });
  const answered = masters.filter(({ error }) => !error);
  const lacking = (name: string) => answered.filter(({ knows }) => !knows?.includes(name)).map(({ address }) => address ?? '');
  return {
    features: features.map(({ name, since, what, enabled }) => {
      const told = { name: name ?? '', since: since ?? '', what: what ?? '', enabled: enabled ?? false };
      return { ...told, lackedBy: lacking(told.name) };
    }),
    masters: masters.map(({ address, version, error }) => ({ address: address ?? '', version: version ?? '', error: error ?? '' })),
  };
}

export interface EnableFeaturesOptions extends ClientCallOptions {
  /** Also where a master does not answer: it stops with `needs version` if it proves too old. */
  readonly force?: boolean;
}

/**
 * Switches features on, all or none. Harmless to repeat.
 *
 * @returns those that were not on before. @throws `failed_precondition`: a master lacks one, or does not answer: each is named. @throws EPERM:
 *   only the superuser may. @throws `not_found`: the leader knows no such feature. @throws as `listFeatures`.
 */
export async function enableFeatures(
  client: Client,
  names: readonly string[],
  { force = false, ...given }: EnableFeaturesOptions = {},
): Promise<readonly string[]> {
  const request: understudy.EnableFeaturesRequest.$Properties = { user: client.settings.user, names: [...names], force };
  return (await askLeader(client, operations.enableFeatures, request, { timeoutMs: TIMEOUT_MS, ...given })).enabled;
}
