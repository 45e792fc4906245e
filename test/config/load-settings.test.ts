// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are what is tested
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearestWord } from '../../src/config/edit-distance.js';
import { environmentName } from '../../src/config/layers.js';
import { loadSettings, rowOf, type SettingsInput } from '../../src/config/load-settings.js';
import { formatProperty } from '../../src/config/properties.js';
import { SETTINGS } from '../../src/config/settings.js';

const MACHINE = { home: '/opt/understudy', 'master.hostname': 'm1', 'worker.hostname': 'm1', 'security.login.username': 'alice' };

function load(file: string, more: Partial<SettingsInput> = {}) {
  return loadSettings({ sources: [{ name: 'site', text: file }], env: {}, overrides: [], defaults: MACHINE, ...more });
}

function problemsOf(file: string, more: Partial<SettingsInput> = {}): string[] {
  try {
    load(file, more);
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_argument' });
    return (error as Error).message.split('\n').slice(1);
  }
  return [];
}

test('settings: nothing set, the defaults hold', () => {
  const { settings, ignored } = load('');
  expect(settings).toMatchObject({
    masterHostname: 'm1',
    masterRpcPort: 19998,
    masterWebPort: 19999,
    masterJournalFolder: '/opt/understudy/journal',
    masterMetastoreDir: '/opt/understudy/metastore',
    masterElection: 'embedded',
    masterRpcAddresses: undefined,
    zookeeperEnabled: false,
    zookeeperSessionTimeoutMs: 4000,
    zookeeperElectionPath: '/understudy/election',
    masterJournalTailerPollIntervalMs: 'auto',
    masterJournalBatchSizeMaxBytes: 8 * 2 ** 20,
    userRpcRetryMaxDurationMs: 120_000,
    securityLoginUsername: 'alice',
  });
  expect(ignored).toEqual([]);
});

test('settings: an existing Alluxio file, its settings hold and what means nothing here is listed', () => {
  const loaded = load(`
# Common properties
alluxio.master.hostname=master-1
alluxio.master.mount.table.root.ufs=hdfs://nn:8020/
alluxio.zookeeper.enabled=true
alluxio.zookeeper.address=zk1:2181,zk2:2181
alluxio.zookeeper.session.timeout=120s
alluxio.master.journal.type=UFS
alluxio.master.journal.folder=\${alluxio.work.dir}/journal
alluxio.work.dir = /mnt/shared
aws.accessKeyId = AK
alluxio.master.journal.log.size.bytes.max=10MB
`);
  expect(loaded.settings).toMatchObject({
    masterHostname: 'master-1',
    zookeeperEnabled: true,
    zookeeperAddress: 'zk1:2181,zk2:2181',
    zookeeperSessionTimeoutMs: 120_000,
    masterElection: 'zookeeper',
    masterJournalFolder: '/mnt/shared/journal',
    masterJournalLogSizeBytesMax: 10 * 2 ** 20,
    awsAccessKeyId: 'AK',
  });
  expect(loaded.ignored.map(({ spelling, place }) => [spelling, place])).toEqual([
    ['alluxio.master.mount.table.root.ufs', 'site:4'],
    ['alluxio.master.journal.type', 'site:8'],
  ]);
});

test('settings: secrets, hold and are shown nowhere', () => {
  const loaded = load('aws.accessKeyId=AK\ns3a.secretKey=SK1\n');
  expect(loaded.settings).toMatchObject({ awsAccessKeyId: 'AK', awsSecretKey: 'SK1' });
  expect(JSON.stringify(loaded.rows)).not.toMatch(/AK|SK1/);
  const wrong = problemsOf('aws.secretKey=SK1\ns3a.secretKey=SK2\naws.accessKeyId=a b\n').join('\n');
  expect(wrong).toMatch(/two spellings of one setting/);
  expect(wrong).toMatch(/not a name/);
  expect(wrong).not.toMatch(/SK1|SK2|a b/);
});

test('settings: a journal on S3, needs both keys or none', () => {
  const s3 = 'understudy.master.journal.folder=s3://bucket/j\n';
  expect(load(s3).settings.masterJournalFolder).toBe('s3://bucket/j');
  expect(() => load(`${s3}aws.accessKeyId=AK\n`)).toThrow(/site:2: aws.accessKeyId: needs the other one/);
});

test('settings: file, environment and command line, each holds over the one before, and the source is told', () => {
  const file = 'understudy.master.rpc.port=1\nunderstudy.master.web.port=2\nunderstudy.master.hostname=f';
  const env = { UNDERSTUDY_MASTER_RPC_PORT: '11', UNDERSTUDY_MASTER_HOSTNAME: 'e', UNDERSTUDY_CONF_DIR: '/c', HOME: '/root' };
  const loaded = load(file, { env, overrides: ['alluxio.master.rpc.port=21'] });
  expect(loaded.settings).toMatchObject({ masterRpcPort: 21, masterWebPort: 2, masterHostname: 'e' });
  expect(rowOf(loaded, 'understudy.master.rpc.port')).toEqual({
    key: 'understudy.master.rpc.port',
    text: '21',
    source: '-Dalluxio.master.rpc.port',
  });
  expect(rowOf(loaded, 'alluxio.master.web.port').source).toBe('site:2');
  expect(rowOf(loaded, 'master.hostname').source).toBe('environment UNDERSTUDY_MASTER_HOSTNAME');
  expect(rowOf(loaded, 'user.rpc.timeout')).toMatchObject({ text: '30sec', source: 'default' });
  expect(rowOf(loaded, 'zookeeper.address')).toMatchObject({ text: undefined, source: 'default' });
  expect(loaded.ignored.map(({ spelling }) => spelling)).toEqual(['UNDERSTUDY_CONF_DIR']);
  expect(() => rowOf(loaded, 'understudy.master.rcp.port')).toThrow('the nearest one is understudy.master.rpc.port');
});

test('settings: several files, a later one holds over an earlier one', () => {
  const sources = ['1', '2'].map((port) => ({ name: `f${port}`, text: `understudy.master.rpc.port=${port}` }));
  expect(rowOf(load('', { sources }), 'master.rpc.port')).toMatchObject({ text: '2', source: 'f2:1' });
});

test('settings: an empty value, the default is back, except that an empty environment variable is none', () => {
  const file = 'understudy.master.rpc.port=1\nunderstudy.master.web.port=2\nunderstudy.master.hostname=\n';
  const { settings } = load(file, { env: { UNDERSTUDY_MASTER_RPC_PORT: ' ' }, overrides: ['understudy.master.web.port='] });
  expect(settings).toMatchObject({ masterRpcPort: 1, masterWebPort: 19999, masterHostname: 'm1' });
});

test('settings: both spellings, refused only where they differ in one layer', () => {
  const same = 'alluxio.master.rpc.port=7\nunderstudy.master.rpc.port = 7';
  expect(load(same).settings.masterRpcPort).toBe(7);
  const [problem] = problemsOf('alluxio.master.rpc.port=7\n\nunderstudy.master.rpc.port=8');
  expect(problem).toMatch(/^site:3: two spellings .*alluxio.master.rpc.port="7" \(site:1\), understudy.master.rpc.port="8" \(site:3\)$/);
  expect(load('alluxio.master.rpc.port=7', { overrides: ['understudy.master.rpc.port=8'] }).settings.masterRpcPort).toBe(8);
});

test('settings: the last line of one spelling holds, as in Alluxio', () => {
  expect(load('understudy.master.rpc.port=7\nunderstudy.master.rpc.port=8').settings.masterRpcPort).toBe(8);
});

test('settings: many problems, all are reported, each with its place', () => {
  const file = [
    'understudy.master.hostnam=x',
    'understudy.zookeeper.session.timeout=4parsecs',
    'understudy.master.rpc.port=70000',
    'understudy.master.journal.folder=hdfs://b/j',
    'a=\\u1',
    'undrestudy.master.web.port=1',
    'understudy.zookeeper.enabled=true',
  ].join('\n');
  const problems = problemsOf(file, { env: { UNDERSTUDY_LOGGER_LEVEL: 'loud' }, overrides: ['understudy.home', 'understudy.x=1'] });
  expect(problems.sort()).toEqual(
    [
      'site:1: unknown key "understudy.master.hostnam"; the nearest one is understudy.master.hostname',
      'site:2: understudy.zookeeper.session.timeout="4parsecs": not a duration (a whole number and ms, sec, min, h or day, such as 500ms or 4sec)',
      'site:3: understudy.master.rpc.port="70000": out of range (0 to 65535)',
      'site:4: understudy.master.journal.folder="hdfs://b/j": a journal on hdfs:// is not supported (a path, a file:// URI or s3://bucket/prefix is)',
      'site:5: malformed \\uXXXX escape',
      'site:6: unknown key "undrestudy.master.web.port"; the nearest one is understudy.master.web.port',
      'site:7: understudy.zookeeper.enabled: needs understudy.zookeeper.address',
      'environment UNDERSTUDY_LOGGER_LEVEL: understudy.logger.level="loud": not one of debug, info, warn, error',
      '-D"understudy.home": not key=value',
      '-Dunderstudy.x: unknown key "understudy.x"; the nearest one is understudy.home',
    ].sort(),
  );
});

test.each([
  [
    'a reference to a setting in another spelling',
    'alluxio.work.dir=/w\nunderstudy.master.journal.folder=${understudy.work.dir}/j',
    '/w/j',
  ],
  ['a reference to an ignored key', 'alluxio.underfs=/u\nunderstudy.master.journal.folder=${alluxio.underfs}/j', '/u/j'],
  ['a reference to a foreign key named like a suffix', 'home=/f\nunderstudy.master.journal.folder=${home}/j', '/f/j'],
  ['two references', 'a=/a\nb=b\nunderstudy.master.journal.folder=${ a }/${b}/${b}', '/a/b/b'],
  ['a dollar alone', 'understudy.master.journal.folder=/a$b/$1', '/a$b/$1'],
])('references: %s, replaced', (_, file, folder) => {
  expect(load(file).settings.masterJournalFolder).toBe(folder);
});

const bomb = Array.from({ length: 40 }, (_, at) => `k${at}=\${k${at + 1}}\${k${at + 1}}`).join('\n');
test.each([
  ['a circle', 'understudy.home=${understudy.work.dir}', /refers to itself through understudy\./],
  ['an unknown key', 'understudy.home=/${nothing}', /refers to "nothing", which is not set/],
  ['an unset setting', 'understudy.home=/${understudy.zookeeper.address}', /which is not set/],
  ['nested references', 'a=b\nb=/c\nunderstudy.home=${${a}}', /not closed, or lies in another/],
  ['an open reference', 'understudy.home=/${a', /not closed/],
  ['references that blow up', `${bomb}\nk40=xx\nunderstudy.home=/\${k0}`, /longer than 65536/],
  ['references that blow up, of nothing', `${bomb}\nk40=\nunderstudy.home=\${k0}x`, /absolute/],
])('references: %s, refused', (_, file, message) => {
  expect(problemsOf(file).join('\n')).toMatch(message);
});

test.each([
  ['understudy.zookeeper.address=h:1\nunderstudy.master.election=zookeeper', /site:2: understudy.master.election: needs/],
  ['understudy.zookeeper.address=h:1\nunderstudy.zookeeper.enabled=TRUE\nunderstudy.master.election=embedded', /site:3: .*contradicts/],
  ['alluxio.zookeeper.leader.path=/understudy/election', /site:1: .*has to differ/],
  ['understudy.master.rpc.port=19999', /site:1: understudy.master.web.port: has to differ/],
  ['understudy.master.metastore.dir=/opt/understudy/journal/m', /site:1: .*lie apart/],
  ['understudy.master.journal.log.size.bytes.max=8MB', /site:1: .*larger than/],
  ['understudy.master.rpc.frame.bytes.max=8MB', /site:1: .*larger than/],
  ['understudy.master.rpc.outgoing.bytes.max=2MB', /site:1: .*at least/],
  ['understudy.security.group.mapping.class=file', /site:1: .*needs understudy.security.group.mapping.file/],
  ['understudy.user.rpc.retry.base.sleep=5s', /site:1: understudy.user.rpc.retry.max.sleep: has to be at least/],
  ['understudy.worker.tieredstore.levels=2', /site:1: .*needs understudy.worker.tieredstore.level1.dirs.path/],
  ['understudy.worker.tieredstore.level0.watermark.high.ratio=0.5', /site:1: .*low.ratio|site:1: .*high.ratio/],
  ['understudy.worker.web.port=29999', /site:1: .*differ from understudy.worker.rpc.port/],
])('relations: %j, refused', (file, message) => {
  expect(problemsOf(file).join('\n')).toMatch(message);
});

test('relations: manual mode with ZooKeeper, and ports of zero, accepted', () => {
  const file = 'understudy.zookeeper.enabled=true\nunderstudy.zookeeper.address=h\nunderstudy.master.election=none';
  expect(load(file, { overrides: ['understudy.master.rpc.port=0', 'understudy.master.web.port=0'] }).settings.masterElection).toBe('none');
});

test('settings: any files, environment and overrides, are loaded or refused with a place for every problem', () => {
  const key = fc.oneof(
    fc.constantFrom(...Object.values(SETTINGS).flatMap(({ key }) => [`understudy.${key}`, `alluxio.${key}`])),
    fc.string({ unit: 'binary' }),
  );
  const value = fc.oneof(
    fc.constantFrom('1', '64MB', '4sec', 'true', '/a', 'h:1', '${understudy.home}', '${understudy.work.dir}'),
    fc.string(),
  );
  const file = fc.oneof(
    fc.array(fc.tuple(key, value)).map((all) => all.map(([k, v]) => formatProperty(k, v)).join('\n')),
    fc.string(),
  );
  const env = fc.dictionary(fc.constantFrom(...Object.values(SETTINGS).map((each) => environmentName(each.key))), value);
  fc.assert(
    fc.property(file, env, fc.array(fc.tuple(key, value).map(([k, v]) => `${k}=${v}`)), (text, environment, overrides) => {
      for (const problem of problemsOf(text, { env: environment, overrides }))
        expect(problem).toMatch(/^(site:\d+|environment \w+|-D.+|default): ./);
    }),
    { numRuns: 1000 },
  );
});

test('edit distance: known pairs, and it is symmetric and zero only for equals', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
  expect(nearestWord('x'.repeat(1_000_000), ['a', 'xx'])).toBe('xx');
});
