/** The settings that stand in the journal, for all masters or for paths. */
import { type ConfigPlace, placeOf } from '../metadata/cluster-config.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';

interface ConfigChange {
  /** For it and what is below it; without one, for all masters. It need not exist. */
  readonly forPath?: string;
  /** By key, with or without `understudy.`; values as in a file. */
  readonly set?: Readonly<Record<string, string>>;
  readonly unset?: readonly string[];
  readonly unsetAll?: boolean;
}

/**
 * Resolves when the change is committed: all of it, or nothing.
 *
 * @throws EPERM: only a superuser may. @throws EINVAL: a setting that cannot stand there, or not with this value; the message says why.
 */
export async function changeConfig(client: Client, change: ConfigChange, options: ClientCallOptions = {}): Promise<void> {
  const { forPath = '', set = {}, unset = [], unsetAll = false } = change;
  const properties = Object.entries(set).map(([key, value]) => ({ key, value }));
  await client.mutate(operations.setConfig, { forPath, set: properties, unset: [...unset], unsetAll }, options);
}

/** @returns what stands in the journal, in byte order of paths; the empty path is the masters. */
export async function readConfig(client: Client, options: ClientCallOptions = {}): Promise<readonly ConfigPlace[]> {
  return (await client.query(operations.getConfig, {}, options)).places.map(placeOf);
}
