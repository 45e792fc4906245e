/**
 * The kinds of values that a setting can have: how each is read from text, checked, and described to people.
 *
 * Durations and byte sizes take what Alluxio takes, so that a value can be moved over as it stands: `500ms`, `4sec`, `2min`, `1h`, `1day`,
 * a bare number is milliseconds; `512`, `8KB`, `64MB`, `1.5GB` in powers of 1024, a bare number is bytes.
 */
import { isIPv6 } from 'node:net';
import { posix } from 'node:path';
import { UnderstudyError } from '../base/errors.js';

export interface ValueType<T> {
  /** For people, range included: `duration, 1sec to 1h`. */
  readonly description: string;
  /** What the number counts; undefined where it is no number or counts things. */
  readonly unit?: 'ms' | 'bytes';
  /** @param text not empty, white space at both ends removed. @throws `invalid_argument`: says what is wrong, without the text itself. */
  parse(text: string): T;
}

/** Both ends belong to it, in the type's own notation. */
export interface Range {
  readonly min: string;
  readonly max: string;
}

const bad = (message: string): UnderstudyError => new UnderstudyError('invalid_argument', message);

const DURATION_UNITS = new Map([
  ...['', 'ms', 'millisecond'].map((name) => [name, 1] as const),
  ...['s', 'sec', 'second'].map((name) => [name, 1000] as const),
  ...['m', 'min', 'minute'].map((name) => [name, 60_000] as const),
  ...['h', 'hr', 'hour'].map((name) => [name, 3_600_000] as const),
  ...['d', 'day'].map((name) => [name, 86_400_000] as const),
]);

/** Milliseconds. */
export function duration(range: Range): ValueType<number> {
  return ranged('duration', 'ms', range, (text) => {
    const [, count, unit] = /^(-?\d+)([a-zA-Z]*)$/.exec(text) ?? [];
    const unitMs = DURATION_UNITS.get(unit?.toLowerCase() ?? '?');
    if (unitMs === undefined) throw bad('not a duration (a whole number and ms, sec, min, h or day, such as 500ms or 4sec)');
    return Number(count) * unitMs;
  });
}

const SIZE_UNITS = new Map([
  ...['', 'b'].map((name) => [name, 1] as const),
  ...['k', 'm', 'g', 't', 'p'].flatMap((name, power) =>
    [name, `${name}b`, `${name}i`, `${name}ib`].map((spelling) => [spelling, 1024 ** (power + 1)] as const),
  ),
]);

/** Bytes. */
export function byteSize(range: Range): ValueType<number> {
  return ranged('byte size', 'bytes', range, (text) => {
    const [, count, unit] = /^(-?\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
    const unitBytes = SIZE_UNITS.get(unit?.toLowerCase() ?? '?');
    if (unitBytes === undefined) throw bad('not a byte size (a number and B, KB, MB, GB or TB, such as 64MB)');
    return Math.floor(Number(count) * unitBytes);
  });
}

export function integer(range: { readonly min: number; readonly max: number }): ValueType<number> {
  return ranged('integer', undefined, { min: String(range.min), max: String(range.max) }, (text) => {
    if (!/^-?\d+$/.test(text)) throw bad('not an integer');
    return Number(text);
  });
}

function ranged(name: string, unit: 'ms' | 'bytes' | undefined, range: Range, read: (text: string) => number): ValueType<number> {
  const [min, max] = [read(range.min), read(range.max)];
  return {
    description: `${name}, ${range.min} to ${range.max}`,
    ...(unit === undefined ? {} : { unit }),
    parse(text) {
      const value = read(text);
      if (value < min || value > max) throw bad(`out of range (${range.min} to ${range.max})`);
      return value;
    },
  };
}

/** One or more byte sizes, separated by commas. */
export function byteSizeList(range: Range): ValueType<readonly number[]> {
  const { parse } = byteSize(range);
  return {
    description: `list of byte sizes, separated by commas, each ${range.min} to ${range.max}`,
    parse: (text) => listed(text).map(parse),
  };
}

/** A share, as a decimal fraction. */
export const ratio: ValueType<number> = {
  description: 'decimal fraction, 0 to 1',
  parse(text) {
    if (!/^(?:0|1|0?\.\d+|0\.\d*|1\.0*)$/.test(text)) throw bad('not a decimal fraction of 0 to 1 (such as 0.95)');
    return Number(text);
  },
};

/** 0 takes any free one. */
export const port: ValueType<number> = integer({ min: 0, max: 65_535 });

export const boolean: ValueType<boolean> = {
  description: 'true or false',
  parse(text) {
    const lower = text.toLowerCase();
    if (lower !== 'true' && lower !== 'false') throw bad('neither true nor false');
    return lower === 'true';
  },
};

/** One of the given lower-case words; capitals are taken too. */
export function oneOf<const Word extends string>(...words: readonly Word[]): ValueType<Word> {
  return {
    description: words.join(' | '),
    parse(text) {
      const word = words.find((each) => each === text.toLowerCase());
      if (word === undefined) throw bad(`not one of ${words.join(', ')}`);
      return word;
    },
  };
}

/** `word`, or a value of another type. */
export function wordOr<const Word extends string, T>(word: Word, type: ValueType<T>): ValueType<Word | T> {
  return {
    description: `${word} | ${type.description}`,
    ...(type.unit === undefined ? {} : { unit: type.unit }),
    parse: (text) => (text.toLowerCase() === word ? word : type.parse(text)),
  };
}

/** Octal digits, as the shell's umask takes them. */
export const umask: ValueType<number> = {
  description: 'octal digits, 000 to 777',
  parse(text) {
    if (!/^0?[0-7]{1,3}$/.test(text)) throw bad('not a umask (octal digits, such as 022)');
    return Number.parseInt(text, 8);
  },
};

const ALLUXIO_GROUP_MAPPINGS = new Map([
  ['ShellBasedUnixGroupsMapping', 'host'],
  ['IdentityUserGroupsMapping', 'identity'],
] as const);

const groupMappingWord = oneOf('host', 'file', 'identity');

/** A word, or the class by which Alluxio has the same. */
export const groupMapping: ValueType<'host' | 'file' | 'identity'> = {
  description: groupMappingWord.description,
  parse(text) {
    const className = /^alluxio\.security\.group\.provider\.(.+)$/.exec(text)?.[1];
    for (const [known, word] of ALLUXIO_GROUP_MAPPINGS) if (className === known) return word;
    return groupMappingWord.parse(text);
  },
};

/** Text without white space or control characters. */
export const name: ValueType<string> = {
  description: 'name',
  parse(text) {
    if (!/^[^\s\p{Cc}]{1,255}$/u.test(text)) throw bad('not a name (1 to 255 characters, no white space)');
    return text;
  },
};

/** `http://host:port` or `https://…`; a server named without a scheme is spoken to over https. */
export const endpoint: ValueType<string> = {
  description: 'URL of a server, http:// or https://',
  parse(text) {
    const whole = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
    const url = URL.canParse(whole) ? new URL(whole) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '') {
      throw bad('not the URL of a server (such as http://host:9000)');
    }
    return url.href.replace(/\/$/, '');
  },
};

/** Host name, IPv4 address, or IPv6 address without brackets. */
export const host: ValueType<string> = {
  description: 'host name or address',
  parse(text) {
    if (!isHost(text)) throw bad('not a host name or address');
    return text;
  },
};

const isHost = (text: string): boolean => isIPv6(text) || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/.test(text);

/** `host:port` or `[v6]:port`. */
export const hostPort: ValueType<string> = { description: 'host:port', parse: (text) => readHostPort(text, undefined) };

/** At least one `host:port`, separated by commas, none of them twice. */
export const hostPortList: ValueType<readonly string[]> = {
  description: 'list of host:port, separated by commas',
  parse: (text) => readHostPorts(text, undefined),
};

/** A ZooKeeper connection string: `h1:2181,h2:2181`, optionally with `/chroot` at the end; a port left out is 2181. */
export const zookeeperAddress: ValueType<string> = {
  description: 'list of host:port, separated by commas, with /chroot at the end where one is used',
  parse(text) {
    const [, hosts = '', chroot = ''] = /^([^/]*)(\/.*)?$/s.exec(text) ?? [];
    return readHostPorts(hosts, '2181').join(',') + (chroot === '' || chroot === '/' ? '' : zookeeperPath.parse(chroot));
  },
};

function readHostPorts(text: string, defaultPort: string | undefined): readonly string[] {
  return once(listed(text).map((each) => readHostPort(each, defaultPort)));
}

function listed(text: string): readonly string[] {
  const all = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (all.length === 0) throw bad('an empty list');
  return all;
}

function once(all: readonly string[]): readonly string[] {
  const twice = all.find((each, at) => all.indexOf(each) !== at);
  if (twice !== undefined) throw bad(`${twice} is there twice`);
  return all;
}

function readHostPort(text: string, defaultPort: string | undefined): string {
  const [, v6, plain = '', number = defaultPort] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const hostIsGood = v6 === undefined ? isHost(plain) : isIPv6(v6);
  if (!hostIsGood || number === undefined || Number(number) < 1 || Number(number) > 65_535) {
    throw bad('not host:port (an IPv6 address goes in brackets; the port is 1 to 65535)');
  }
  return `${v6 === undefined ? plain : `[${v6}]`}:${Number(number)}`;
}

/** Path of a znode: absolute, no empty, `.` or `..` component, no slash at the end. */
export const zookeeperPath: ValueType<string> = {
  description: 'path of a znode',
  parse(text) {
    const path = text.replace(/\/$/, '');
    const components = path.split('/').slice(1);
    const good = path.startsWith('/') && components.every((each) => /^[^\s\p{Cc}]+$/u.test(each) && each !== '.' && each !== '..');
    if (!good) throw bad('not the path of a znode (such as /understudy/leader)');
    return path;
  },
};

/** Absolute path on this machine, normalised, without a slash at the end. */
export const path: ValueType<string> = { description: 'absolute path', parse: readPath };

/** At least one path, separated by commas, none of them twice. */
export const pathList: ValueType<readonly string[]> = {
  description: 'list of absolute paths, separated by commas',
  parse: (text) => once(listed(text).map(readPath)),
};

function readPath(text: string): string {
  if (!posix.isAbsolute(text)) throw bad('not an absolute path');
  if (/\p{Cc}/u.test(text)) throw bad('a path with control characters');
  const normal = posix.normalize(text).replace(/^\/\/+/, '/');
  return normal === '/' ? normal : normal.replace(/\/$/, '');
}

/** Where the journal lives: an absolute path, the same as a `file:` URI, or `s3://bucket/prefix`. */
export const journalLocation: ValueType<string> = {
  description: 'absolute path, file:// URI or s3://bucket/prefix',
  parse(text) {
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
    if (scheme === undefined) return readPath(text);
    if (scheme === 's3' || scheme === 's3a') return readBucketUri(text);
    if (scheme !== 'file') throw bad(`a journal on ${scheme}:// is not supported (a path, a file:// URI or s3://bucket/prefix is)`);
    const [, location] = /^file:(?:\/\/(?:localhost)?)?(\/(?!\/).*)$/is.exec(text) ?? [];
    if (location === undefined) throw bad('not a file:// URI with an absolute path');
    return readPath(location);
  },
};

/** @returns `s3://bucket` or `s3://bucket/prefix`, without a slash at the end. */
function readBucketUri(text: string): string {
  const [, bucket, , prefix = ''] = /^s3a?:\/\/([^/]+)(\/(.*))?$/is.exec(text) ?? [];
  if (bucket === undefined || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw bad('not s3://bucket/prefix with the name of a bucket');
  const components = prefix.replace(/\/$/, '').split('/');
  const isGood = components.every((each) => /^[A-Za-z0-9!_.*'()-]+$/.test(each) && each !== '.' && each !== '..');
  if (prefix !== '' && !isGood)
    throw bad("a prefix that is no plain key (letters, digits and !-_.*'(), in components separated by single slashes)");
  return ['s3:/', bucket, ...(prefix === '' ? [] : components)].join('/');
}
