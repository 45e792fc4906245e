import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load-settings.js';
import { checkMountOptions, shownMountOptions, withMountOptions } from '../../src/config/mount-options.js';
import { errorOf } from '../contract/journal-contract.js';

const MACHINE = { home: '/h', 'master.hostname': 'm', 'worker.hostname': 'm', 'security.login.username': 'u' };
const refused = (...options: [string, string][]) => errorOf(Promise.resolve().then(() => checkMountOptions(options)));

test('options of a mount: in every spelling, hold over the settings', () => {
  const options = checkMountOptions([
    ['alluxio.underfs.s3.endpoint', 'http://127.0.0.1:7070'],
    ['understudy.underfs.s3.disable.dns.buckets', ' true '],
    ['underfs.s3.request.timeout', '3sec'],
    ['s3a.accessKeyId', 'key'],
  ]);
  expect([...options.keys()]).toEqual([
    'aws.accessKeyId',
    'underfs.s3.disable.dns.buckets',
    'underfs.s3.endpoint',
    'underfs.s3.request.timeout',
  ]);
  const { settings } = loadSettings({ sources: [], env: {}, overrides: [], defaults: MACHINE });
  expect(withMountOptions(settings, options)).toMatchObject({
    underfsS3Endpoint: 'http://127.0.0.1:7070',
    underfsS3DisableDnsBuckets: true,
    underfsS3RequestTimeoutMs: 3000,
    awsAccessKeyId: 'key',
    underfsS3EndpointRegion: undefined,
  });
});

test('options of a mount: secrets, are hidden where they are shown', () => {
  const options = checkMountOptions([
    ['aws.secretKey', 'very-secret'],
    ['underfs.s3.endpoint.region', 'eu-1'],
  ]);
  expect([...shownMountOptions(options)]).toEqual([
    ['aws.secretKey', '******'],
    ['underfs.s3.endpoint.region', 'eu-1'],
  ]);
});

test('options of a mount: unknown, twice, empty or wrong, are refused by name and show no secret', async () => {
  expect(await refused(['underfs.s3.endpont', 'x'])).toMatchObject({ message: expect.stringContaining('underfs.s3.endpoint') });
  expect(await refused(['master.hostname', 'x'])).toMatchObject({ code: 'invalid_argument' });
  expect(await refused(['aws.accessKeyId', 'a'], ['s3a.accessKeyId', 'b'])).toMatchObject({ message: expect.stringContaining('twice') });
  expect(await refused(['underfs.s3.endpoint', ''])).toMatchObject({ message: expect.stringContaining('empty') });
  expect(await refused(['underfs.s3.request.timeout', 'soon'])).toMatchObject({ message: expect.stringContaining('not a duration') });
  const secret = await refused(['aws.secretKey', 'two words']);
  expect(secret).toMatchObject({ code: 'invalid_argument' });
  expect(secret.message).not.toContain('two words');
});
