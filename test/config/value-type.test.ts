import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as types from '../../src/config/value-type.js';

const anyDuration = types.duration({ min: '0', max: '365day' });
const anySize = types.byteSize({ min: '0', max: '4PB' });
const small = types.integer({ min: -1, max: 10 });
const level = types.oneOf('debug', 'info');
const interval = types.wordOr('auto', types.duration({ min: '1ms', max: '1min' }));

test.each<[what: string, type: types.ValueType<unknown>, text: string, value: unknown]>([
  ['milliseconds', anyDuration, '500ms', 500],
  ['a bare number', anyDuration, '250', 250],
  ['seconds', anyDuration, '4sec', 4000],
  ['short seconds', anyDuration, '4s', 4000],
  ['minutes, capitals', anyDuration, '2MIN', 120_000],
  ['M is minutes, as in Alluxio', anyDuration, '1M', 60_000],
  ['hours', anyDuration, '1h', 3_600_000],
  ['days', anyDuration, '1day', 86_400_000],
  ['bytes', anySize, '512', 512],
  ['bytes with a unit', anySize, '7B', 7],
  ['kilobytes', anySize, '8KB', 8192],
  ['megabytes', anySize, '64MB', 67_108_864],
  ['short gigabytes', anySize, '1g', 2 ** 30],
  ['binary unit', anySize, '2MiB', 2 ** 21],
  ['fraction', anySize, '1.5KB', 1536],
  ['petabytes', anySize, '2PB', 2 ** 51],
  ['integer', small, '-1', -1],
  ['port', types.port, '65535', 65_535],
  ['true', types.boolean, 'TRUE', true],
  ['false', types.boolean, 'false', false],
  ['word', level, 'INFO', 'info'],
  ['auto', interval, 'Auto', 'auto'],
  ['or a value', interval, '5ms', 5],
  ['host', types.host, 'm1.example.org', 'm1.example.org'],
  ['host, v6', types.host, '::1', '::1'],
  ['address', types.hostPort, 'h:1', 'h:1'],
  ['address, v6', types.hostPort, '[::1]:19998', '[::1]:19998'],
  ['addresses', types.hostPortList, ' a:1 , b:2,', ['a:1', 'b:2']],
  ['ensemble', types.zookeeperAddress, 'h1:2181, h2:2182', 'h1:2181,h2:2182'],
  ['ensemble without ports', types.zookeeperAddress, 'h1,h2', 'h1:2181,h2:2181'],
  ['ensemble with a chroot', types.zookeeperAddress, 'h1:1,h2:2/a/b', 'h1:1,h2:2/a/b'],
  ['znode', types.zookeeperPath, '/understudy/leader/', '/understudy/leader'],
  ['path', types.path, '/a//b/../c/', '/a/c'],
  ['path, root', types.path, '//', '/'],
  ['paths', types.pathList, '/a, /b/ ,/c//d', ['/a', '/b', '/c/d']],
  ['sizes', types.byteSizeList({ min: '1MB', max: '1TB' }), '1MB, 2GB', [1 << 20, 2 * 2 ** 30]],
  ['share', types.ratio, '0.95', 0.95],
  ['share, none', types.ratio, '0', 0],
  ['share, all', types.ratio, '1.0', 1],
  ['umask', types.umask, '022', 0o022],
  ['umask, four digits', types.umask, '0077', 0o077],
  ['groups', types.groupMapping, 'File', 'file'],
  ['groups, as Alluxio names them', types.groupMapping, 'alluxio.security.group.provider.ShellBasedUnixGroupsMapping', 'host'],
  ['no groups, as Alluxio names them', types.groupMapping, 'alluxio.security.group.provider.IdentityUserGroupsMapping', 'identity'],
  ['journal path', types.journalLocation, '/j', '/j'],
  ['journal URI', types.journalLocation, 'file:///mnt/j/', '/mnt/j'],
  ['journal URI, short', types.journalLocation, 'file:/mnt/j', '/mnt/j'],
  ['journal in a bucket', types.journalLocation, 's3a://my-bucket/a/b/', 's3://my-bucket/a/b'],
  ['journal that has a bucket', types.journalLocation, 'S3://my-bucket/', 's3://my-bucket'],
  ['endpoint', types.endpoint, 'http://h:9000/', 'http://h:9000'],
  ['endpoint without a scheme', types.endpoint, 'h:9000', 'https://h:9000'],
  ['journal URI, host', types.journalLocation, 'FILE://localhost/mnt/j', '/mnt/j'],
])('value types: %s, read', (_, type, text, value) => {
  expect(type.parse(text)).toEqual(value);
});

test.each<[what: string, type: types.ValueType<unknown>, text: string, message: RegExp]>([
  ['duration with an unknown unit', anyDuration, '4weeks', /not a duration/],
  ['duration with a fraction', anyDuration, '1.5sec', /not a duration/],
  ['duration without a number', anyDuration, 'sec', /not a duration/],
  ['duration of two parts', anyDuration, '1h 5min', /not a duration/],
  ['negative duration', anyDuration, '-1', /out of range \(0 to 365day\)/],
  ['duration beyond all numbers', anyDuration, '9'.repeat(400), /out of range/],
  ['size with an unknown unit', anySize, '64MX', /not a byte size/],
  ['size with a space', anySize, '64 MB', /not a byte size/],
  ['size in exponents', anySize, '1e3', /not a byte size/],
  ['size out of range', anySize, '5PB', /out of range/],
  ['integer with a fraction', small, '1.0', /not an integer/],
  ['integer out of range', small, '11', /out of range \(-1 to 10\)/],
  ['port out of range', types.port, '65536', /out of range/],
  ['boolean', types.boolean, 'yes', /neither true nor false/],
  ['word', level, 'trace', /not one of debug, info/],
  ['umask of four bits', types.umask, '1777', /not a umask/],
  ['umask in letters', types.umask, 'u=rwx', /not a umask/],
  ['groups by an unknown class', types.groupMapping, 'com.example.Groups', /not one of host, file, identity/],
  ['host with a port', types.host, 'h:1', /not a host/],
  ['host with a space', types.host, 'a b', /not a host/],
  ['address without a port', types.hostPort, 'h', /not host:port/],
  ['address with port 0', types.hostPort, 'h:0', /not host:port/],
  ['address with a large port', types.hostPort, 'h:65536', /not host:port/],
  ['address, v6 without brackets', types.hostPort, '::1:19998', /not host:port/],
  ['address, a name in brackets', types.hostPort, '[h]:1', /not host:port/],
  ['no addresses', types.hostPortList, ' , ', /empty list/],
  ['one address twice', types.hostPortList, 'a:1,a:01', /a:1 is there twice/],
  ['ensemble with a bad chroot', types.zookeeperAddress, 'h:1/a//b', /znode/],
  ['relative znode', types.zookeeperPath, 'a', /znode/],
  ['the root znode', types.zookeeperPath, '/', /znode/],
  ['znode with dots', types.zookeeperPath, '/a/../b', /znode/],
  ['relative path', types.path, 'data', /absolute/],
  ['one path twice', types.pathList, '/a,/a/', /\/a is there twice/],
  ['sizes with a small one', types.byteSizeList({ min: '1MB', max: '1TB' }), '2MB,1KB', /out of range/],
  ['no sizes', types.byteSizeList({ min: '1MB', max: '1TB' }), ',', /empty list/],
  ['more than all', types.ratio, '1.5', /0 to 1/],
  ['a share in percent', types.ratio, '95%', /0 to 1/],
  ['path with a NUL', types.path, '/a\0b', /control/],
  ['journal in no bucket', types.journalLocation, 's3:///j', /name of a bucket/],
  ['journal in a bucket with a wrong name', types.journalLocation, 's3://B_1/j', /name of a bucket/],
  ['journal with a strange prefix', types.journalLocation, 's3://bucket/a//b', /no plain key/],
  ['endpoint with a query', types.endpoint, 'http://h:1/?a=b', /URL of a server/],
  ['endpoint that is none', types.endpoint, 'ftp://h', /URL of a server/],
  ['journal on HDFS', types.journalLocation, 'hdfs://n/j', /hdfs:\/\/ is not supported/],
  ['journal on another host', types.journalLocation, 'file://nas/j', /absolute path/],
  ['name with a space', types.name, 'a b', /not a name/],
])('value types: %s, refused', (_, type, text, message) => {
  expect(() => type.parse(text)).toThrow(message);
});

test('value types: any text, is read or refused as an invalid argument', () => {
  const all = [anyDuration, anySize, small, types.port, types.boolean, level, interval, types.host, types.hostPort, types.hostPortList];
  const rest = [types.zookeeperAddress, types.zookeeperPath, types.path, types.journalLocation, types.name, types.endpoint];
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'0159.-kmgbsech:/[],a'.split('')) }));
  fc.assert(
    fc.property(fc.constantFrom<types.ValueType<unknown>>(...all, ...rest), text, (type, value) => {
      try {
        const parsed = type.parse(value);
        if (typeof parsed === 'number') expect(Number.isSafeInteger(parsed)).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ name: 'UnderstudyError', code: 'invalid_argument' });
      }
    }),
    { numRuns: 5000 },
  );
});
