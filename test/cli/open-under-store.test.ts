import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { openUnderStore } from '../../src/cli/open-under-store.js';
import { loadSettings } from '../../src/config/load-settings.js';

const SITE = `understudy.master.journal.folder=s3://bucket/some/journal
understudy.underfs.s3.endpoint=http://store:9000`;

test('storage of a mount: the bucket of the journal, only beside it or at another server', async () => {
  const defaults = { home: '/opt/understudy', 'master.hostname': 'm1', 'security.login.username': 'alice' };
  const { settings } = loadSettings({ sources: [{ name: 'site', text: SITE }], env: {}, overrides: [], defaults });
  const open = async (uri: string, options: Readonly<Record<string, string>> = {}) => {
    const deps = { clock: systemClock, random: systemRandom };
    await using store = await openUnderStore(uri, new Map(Object.entries(options)), settings, deps);
    return store.location;
  };
  for (const uri of ['s3://bucket', 's3a://bucket/some', 's3://bucket/some/journal/', 's3://bucket/some/journal/log']) {
    await expect(open(uri)).rejects.toMatchObject({ code: 'invalid_argument' });
  }
  await expect(open('s3://bucket', { 'underfs.s3.endpoint': 'http://STORE:9000/' })).rejects.toMatchObject({ code: 'invalid_argument' });
  expect(await open('s3://bucket/some/journals')).toBe('s3://bucket/some/journals');
  expect(await open('s3://other')).toBe('s3://other');
  expect(await open('s3://bucket', { 'underfs.s3.endpoint': 'http://elsewhere:9000' })).toBe('s3://bucket');
});
