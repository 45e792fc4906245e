/**
 * THE table of settings, put together from its groups: a setting is added or changed in settings/<group>-settings.ts, and nowhere else.
 *
 * A row's name is its key in camel case, with the unit (`Ms`, `Bytes`) at the end where the key does not say it; the tests hold that. After
 * a change, `npx vitest run test/config -u` writes conf/understudy-site.properties.template and conf/settings.md anew.
 * Keys and defaults are Alluxio's wherever Alluxio has the setting; the same key under `alluxio.` is accepted too.
 */
import type { Setting, SettingValue } from './setting.js';
import { clientSettings } from './settings/client-settings.js';
import { generalSettings } from './settings/general-settings.js';
import { journalSettings } from './settings/journal-settings.js';
import { masterSettings } from './settings/master-settings.js';
import { rpcSettings } from './settings/rpc-settings.js';
import { s3Settings } from './settings/s3-settings.js';
import { securitySettings } from './settings/security-settings.js';
import { stateSettings } from './settings/state-settings.js';
import { workerSettings } from './settings/worker-settings.js';
import { zookeeperSettings } from './settings/zookeeper-settings.js';

export const SETTINGS = {
  ...generalSettings,
  ...securitySettings,
  ...zookeeperSettings,
  ...masterSettings,
  ...journalSettings,
  ...s3Settings,
  ...stateSettings,
  ...rpcSettings,
  ...workerSettings,
  ...clientSettings,
};

/** The table in the order and under the headings in which people read it. */
export const SETTING_GROUPS: readonly { readonly title: string; readonly settings: readonly Setting[] }[] = [
  { title: 'General', settings: Object.values(generalSettings) },
  { title: 'Users and permissions', settings: Object.values(securitySettings) },
  { title: 'ZooKeeper', settings: Object.values(zookeeperSettings) },
  { title: 'Masters', settings: Object.values(masterSettings) },
  { title: 'The journal', settings: Object.values(journalSettings) },
  { title: 'S3', settings: Object.values(s3Settings) },
  { title: 'The state of a master', settings: Object.values(stateSettings) },
  { title: 'RPC bounds of a master', settings: Object.values(rpcSettings) },
  { title: 'Workers', settings: Object.values(workerSettings) },
  { title: 'Clients', settings: Object.values(clientSettings) },
];

/** All settings, parsed. Durations are milliseconds, sizes are bytes. */
export type Settings = { readonly [Name in keyof typeof SETTINGS]: SettingValue<(typeof SETTINGS)[Name]> };

export type SettingName = keyof Settings;

type MachineKeyOf<S> = S extends { readonly key: infer Key; readonly default: { readonly machine: string } } ? Key : never;

/** Keys whose default only the machine knows. */
export type MachineKey = MachineKeyOf<(typeof SETTINGS)[SettingName]>;
