import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { openUnderStore } from '../../src/cli/open-under-store.js';
import { loadSettings } from '../../src/config/load-settings.js';

const SITE = `understudy.master.journal.folder=s3://bucket/some/journal
understudy.underfs.s3.endpoint=http://store:9000`;

test('storage of a mount: the bucket of the journal, only beside it or at another server', async () => {
  const defaults = { home: '/opt/understudy', 'master.hostname': 'm1', 'worker.hostname': 'm1', 'security.login.username': 'alice' };
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

test("storage of a mount: no folder that a worker's blocks are in, nor one around it", async () => {
  const defaults = { home: '/opt/understudy', 'master.hostname': 'm1', 'worker.hostname': 'm1', 'security.login.username': 'alice' };
  const overrides = [
    'worker.tieredstore.levels=2',
    'worker.tieredstore.level1.dirs.path=/data/1/blocks,/data/2/blocks',
    'worker.tieredstore.level1.dirs.quota=1GB',
  ];
  const { settings } = loadSettings({ sources: [], env: {}, overrides: overrides.map((each) => `understudy.${each}`), defaults });
  const deps = { clock: systemClock, random: systemRandom };
  for (const uri of ['file:///data/2/blocks', '/data/1/blocks/writing', 'file:///data', '/dev/shm/understudyworker']) {
    await expect(openUnderStore(uri, new Map(), settings, deps)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/keep their own files there/),
    });
  }
  await expect(openUnderStore('/data/3', new Map(), settings, deps)).rejects.not.toMatchObject({
    message: expect.stringMatching(/own files/),
  });
});
