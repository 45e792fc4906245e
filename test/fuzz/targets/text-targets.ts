/** Text that operators and users write: properties and settings, paths, access control lists, modes, patterns, addresses, files of groups. */
import assert from 'node:assert/strict';
import { findMount } from '../../../src/base/system-mounts.js';
import { CommandFailed } from '../../../src/cli/exit-code.js';
import { alternativesOf, literalPath } from '../../../src/cli/fs/glob.js';
import { parseModeChange } from '../../../src/cli/fs/mode-change.js';
import { ENCODINGS, formatXattrValue, parseXattrValue } from '../../../src/cli/fs/xattr-text.js';
import { parseGroups } from '../../../src/cli/group-file.js';
import { childPath } from '../../../src/client/file-status.js';
import { glob } from '../../../src/client/glob.js';
import { loadSettings } from '../../../src/config/load-settings.js';
import { checkMountOptions, withMountOptions } from '../../../src/config/mount-options.js';
import { formatProperty, parseProperties } from '../../../src/config/properties.js';
import { SETTING_GROUPS } from '../../../src/config/settings.js';
import * as types from '../../../src/config/value-type.js';
import { effectivePermissions } from '../../../src/metadata/acl.js';
import { formatAclEntry, parseAcl, parseAclNames } from '../../../src/metadata/acl-text.js';
import { isPath, parsePath } from '../../../src/metadata/path.js';
import { isUnderPath } from '../../../src/underfs/under-path.js';
import { canonicalUri, parseUnderUri } from '../../../src/underfs/under-uri.js';
import { refusedAs, type Target } from '../target.js';

const INVALID = ['invalid_argument'] as const;
const texts =
  (...seeds: string[]) =>
  () =>
    seeds.map((seed) => Buffer.from(seed));
const reference = (key: string) => `\${${key}}`;
const isUsage = (error: unknown) => error instanceof CommandFailed;
const KEYS = SETTING_GROUPS.flatMap(({ settings }) => settings.map(({ key }) => `understudy.${key}`));
const MACHINE = new Proxy({} as Record<string, string>, { get: (_, key) => (/dir|home|folder/.test(String(key)) ? '/d' : 'host') });

/** Each type of value, by its name here. Ranges as settings have them. */
const VALUE_TYPES: readonly types.ValueType<unknown>[] = [
  types.duration({ min: '0', max: '1day' }),
  types.byteSize({ min: '0', max: '1PB' }),
  types.integer({ min: -5, max: 1_000_000 }),
  types.port,
  types.boolean,
  types.oneOf('none', 'zookeeper'),
  types.umask,
  types.groupMapping,
  types.name,
  types.endpoint,
  types.host,
  types.hostPort,
  types.hostPortList,
  types.zookeeperAddress,
  types.zookeeperPath,
  types.path,
  types.journalLocation,
];

export const textTargets: readonly Target[] = [
  {
    name: 'properties',
    refusals: [],
    words: ['\\', '\\u0041', '\\u', '=', ':', '\n', '\r', '#', '!', '${', '}'],
    seeds: texts('a=b\n# c\nd : e\\\n  f\n', 'k\\ 1=\\u00e9\\t\n!x\ny', ''),
    run(input) {
      const { properties } = parseProperties(input.toString());
      const text = properties.map(({ key, value }) => formatProperty(key, value)).join('\n');
      const again = parseProperties(text);
      const pairs = (found: typeof properties) => found.map(({ key, value }) => [key, value]);
      assert.deepEqual(pairs(again.properties), pairs(properties), 'properties read otherwise once they are written');
      assert.equal(again.problems.length, 0);
    },
  },
  {
    name: 'settings',
    refusals: INVALID,
    words: ['${', '}', 'alluxio.', '\n', '=', ...KEYS],
    seeds: texts(
      `understudy.master.hostname=a\nunderstudy.master.journal.folder=${reference('x')}/y\nx=/j\n`,
      'alluxio.master.rpc.port=19998\n',
      KEYS.map((key) => `${key}=`).join('\n'),
      `a=${reference('b').repeat(3)}\nb=${reference('c').repeat(3)}\nc=x\nunderstudy.master.hostname=${reference('a')}\n`,
    ),
    run(input) {
      const text = input.toString();
      loadSettings({
        sources: [{ name: 'f', text }],
        env: { UNDERSTUDY_X: text },
        overrides: text
          .split('\n')
          .filter((line) => line !== '')
          .slice(0, 20),
        defaults: MACHINE as never,
      });
    },
  },
  {
    name: 'value',
    refusals: INVALID,
    words: ['ms', 'day', 'MB', '-', '[::1]', ':2181', ',', 's3://', 'file://', '/..', 'http://', '%2f', '1e9', 'true'],
    seeds: () =>
      [
        '4sec',
        '1.5GB',
        '-3',
        '80',
        'true',
        'zookeeper',
        '022',
        'host',
        'name',
        'http://h:1',
        'h',
        '[::1]:1',
        'a:1,b:2',
        'a,b:2/c',
        '/a/b',
        '/x',
        's3://bucket/p',
      ].map((text, at) => Buffer.concat([Uint8Array.of(at), Buffer.from(text)])),
    run(input) {
      const type = VALUE_TYPES[(input[0] ?? 0) % VALUE_TYPES.length] as types.ValueType<unknown>;
      const text = input.toString('utf8', 1).trim();
      if (text === '') return;
      const value = type.parse(text);
      if (typeof value === 'number') assert(Number.isSafeInteger(value), `no number of a setting: ${value}`);
      // What is accepted has a form in which it is accepted as the same.
      if (typeof value === 'string') assert.equal(type.parse(value), value);
    },
  },
  {
    name: 'mount-options',
    refusals: INVALID,
    words: ['understudy.', 'alluxio.', 's3.', 'endpoint', '=', '\n', 'true'],
    seeds: texts('underfs.s3.endpoint=http://h:1\nunderstudy.underfs.s3.endpoint.region=x'),
    run(input) {
      const options = input
        .toString()
        .split('\n')
        .map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)] as const);
      withMountOptions({} as never, checkMountOptions(options));
    },
  },
  {
    name: 'path',
    refusals: INVALID,
    words: ['/', '/.', '/..', '//', '\0', 'é', '𝄞'],
    seeds: texts('/', '/a/b', `/${'n'.repeat(255)}`, `${'/d'.repeat(512)}`),
    run(input) {
      const names = parsePath(input.toString());
      assert(isPath(names), 'the components of a path make none');
      assert.deepEqual(parsePath(`/${names.join('/')}`), names);
    },
  },
  {
    name: 'acl',
    refusals: INVALID,
    words: ['user:', 'group:', 'default:', 'mask::', 'other::', ':rwx', ',', '\n', '#', ' # ', '\\054', '\r', '\u2028'],
    seeds: texts('user::rwx,group::r-x,other::---,user:alice:7,default:mask::rw-', 'u:a\\054b:rX\n# c\nm:rx', 'g:x:r--\r\n'),
    run(input) {
      const text = input.toString();
      const acl = parseAcl(text, true);
      for (const entry of acl) effectivePermissions(entry, acl);
      assert.deepEqual(parseAcl(acl.map(formatAclEntry).join(',')), acl, 'a list reads otherwise once it is written');
    },
  },
  {
    name: 'acl-names',
    refusals: INVALID,
    words: ['user:', 'default:', 'mask', ',', ':'],
    seeds: texts('user:alice,default:mask', 'g:x'),
    run: (input) => parseAclNames(input.toString()),
  },
  {
    name: 'mode',
    refusals: INVALID,
    words: ['u+', 'a=', 'rwx', 'X', ',', 'g-s', '+t', '0777'],
    seeds: texts('0755', 'u+x,g-w,o=r', 'a+X,+t'),
    run(input) {
      const change = refusedAs(isUsage, () => parseModeChange(input.toString()));
      for (const before of [0, 0o644, 0o7777]) {
        const mode = change?.(before, before === 0) ?? 0;
        assert(Number.isInteger(mode) && mode >= 0 && mode <= 0o7777, `no mode: ${mode}`);
      }
    },
  },
  {
    name: 'xattr-value',
    refusals: INVALID,
    words: ['0x', '0s', '"', '\\', '\\012', '==', '='],
    seeds: texts('"a\\012b"', '0x00ff', '0sAAEC', 'plain'),
    run(input) {
      const value = refusedAs(isUsage, () => parseXattrValue(input.toString()));
      if (value === undefined) return;
      for (const encoding of [undefined, ...ENCODINGS.filter((each) => each !== 'text')]) {
        const again = parseXattrValue(formatXattrValue(value, encoding));
        assert.deepEqual(Buffer.from(again), Buffer.from(value), `a value reads otherwise once it is written: encoding=${encoding}`);
      }
    },
  },
  {
    name: 'path-pattern',
    refusals: INVALID,
    words: ['{', '}', ',', '*', '?', '[a-c]', '[^', ']', '\\', '/', '**', '{a,b}'],
    seeds: texts('/a/{b,c}/*', '/x[a-c]?/**', '/{a,{b,c}d}/\\*'),
    run: (input) => alternativesOf(input.toString()).map(literalPath),
  },
  {
    name: 'glob',
    refusals: ['invalid_argument', 'resource_exhausted'],
    words: ['{', '}', ',', '*', '*a', '?', '[a-c]', '[^', '[[:alpha:]]', ']', '\\', '/', '**', '{a,b}', '+(a)', '!(a)'],
    seeds: texts('/a/{b,c}/*', '/x[a-c]?/**', '/*a*a*b', '/**/b', '/{1..9}'),
    async run(input) {
      for await (const found of glob(LISTED, input.toString(), {})) assert(found.path.startsWith('/'));
    },
  },
  {
    name: 'groups-file',
    refusals: INVALID,
    words: [':', ',', '#', '\n', '\r\n', ' # ', '\u2028'],
    seeds: texts('alice: staff, ops # lead\n\nbob:\n# nobody\n', 'a: b # c\r\nd: e\r\n'),
    run(input) {
      for (const [user, groups] of parseGroups(input.toString(), 'f')) assert(user !== '' && groups.every((group) => group !== ''));
    },
  },
  {
    name: 'under-uri',
    refusals: INVALID,
    words: ['s3://', 's3a://', 'file://', '/', '..', '\0', './'],
    seeds: texts('s3://bucket/a/b', 'file:///a', '/a//b/.'),
    run(input) {
      const uri = parseUnderUri(input.toString());
      const text = canonicalUri(uri);
      assert.deepEqual(parseUnderUri(text), uri, 'a uri reads otherwise once it is written');
      assert(isUnderPath(uri.scheme === 'file' ? uri.folder.slice(1) : uri.prefix));
    },
  },
  {
    name: 'mount-table',
    refusals: [],
    words: [' - ', ' ', '\n', '/', '\\040', '\\'],
    seeds: texts('36 35 98:0 / / rw,noatime shared:1 - ext4 /dev/root rw,errors=continue\n40 36 0:1 / /mnt\\040x rw - nfs4 h:/x rw\n'),
    run: (input) => findMount(input.toString(), '/mnt x/y'),
  },
];

/** A directory with names that patterns find hard. */
const NAMES = ['a', 'b', 'abc', `${'a'.repeat(200)}`, '[', '\\', 'a{b,c}', '.hidden', 'é'];
const LISTED: Parameters<typeof glob>[0] = {
  getStatus: async (path) => statusOf(path),
  async *list(path) {
    parsePath(path);
    if (path === '/' || path === '/a') for (const name of NAMES) yield statusOf(childPath(path, name));
  },
  async *walk(path) {
    for (const name of NAMES) yield statusOf(childPath(path, name));
  },
};

function statusOf(path: string): never {
  parsePath(path);
  return { path, name: path.slice(path.lastIndexOf('/') + 1), directory: path === '/a' } as never;
}
