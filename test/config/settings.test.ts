import { expect, test } from 'vitest';
import { environmentName } from '../../src/config/layers.js';
import { loadSettings } from '../../src/config/load-settings.js';
import { renderReference, renderTemplate } from '../../src/config/render.js';
import type { Setting } from '../../src/config/setting.js';
import { SETTING_GROUPS, SETTINGS, type Settings } from '../../src/config/settings.js';

const TABLE = Object.entries(SETTINGS) as [string, Setting][];
const MACHINE = { home: '/h', 'master.hostname': 'm', 'worker.hostname': 'm', 'security.login.username': 'u' };

test.each(TABLE)('table: %s, is named after its key and unit, and its help is a sentence', (name, { key, type, help }) => {
  const camel = key.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase());
  const unit = type.unit === undefined || key.includes('bytes') ? '' : { ms: 'Ms', bytes: 'Bytes' }[type.unit];
  expect(name).toBe(camel + unit);
  expect(help).toMatch(/^[A-Z].*\.$/);
});

test('table: keys and environment names, are unique and every row is in a group', () => {
  const keys = TABLE.map(([, { key }]) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(keys.map(environmentName)).size).toBe(keys.length);
  expect(SETTING_GROUPS.flatMap(({ settings }) => settings)).toEqual(TABLE.map(([, setting]) => setting));
});

test('table: types, follow from the rows', () => {
  const { settings } = loadSettings({ sources: [], env: {}, overrides: [], defaults: MACHINE });
  const port: number = settings.masterRpcPort;
  const election: 'zookeeper' | 'embedded' | 'none' = settings.masterElection;
  const addresses: readonly string[] | undefined = settings.masterRpcAddresses;
  const poll: number | 'auto' = settings.masterJournalTailerPollIntervalMs;
  // @ts-expect-error a setting without a default may be unset
  const address: string = settings.zookeeperAddress;
  expect([port, election, addresses, poll, address]).toEqual([19998, 'embedded', undefined, 'auto', undefined]);
  expect(Object.keys(settings)).toEqual(Object.keys(SETTINGS) satisfies string[] as (keyof Settings)[]);
});

test('template: the committed file, is what the table says', async () => {
  await expect(renderTemplate()).toMatchFileSnapshot('../../conf/understudy-site.properties.template');
});

test('reference: the committed file, is what the table says', async () => {
  await expect(renderReference()).toMatchFileSnapshot('../../conf/settings.md');
});

test('template: every line with a default uncommented, gives the settings without a file', () => {
  const text = renderTemplate().replace(/^#(?=understudy\.)/gm, '');
  const plain = { sources: [], env: {}, overrides: [], defaults: MACHINE };
  expect(text).toContain('\nunderstudy.master.rpc.port=19998\n');
  expect(loadSettings({ ...plain, sources: [{ name: 'template', text }] }).settings).toEqual(loadSettings(plain).settings);
});
