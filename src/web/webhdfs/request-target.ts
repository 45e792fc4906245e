/**
 * Reads path and parameters from the request target as it was sent, so that names with every character that a name may have can be said.
 *
 * In the path only `%XX` is special: `+`, `;`, `:` and `=` stand for themselves, and a slash that is escaped is refused, for it would be
 * part of a name. In the query `+` is a blank, and names of parameters are the same in any case; of one that is given twice the first counts.
 */
import { parsePath } from '../../metadata/path.js';
import { RemoteException } from './remote-exception.js';

export const PREFIX = '/webhdfs/v1';

export interface RequestTarget {
  /** Absolute, without a slash at its end and without two in a row; not checked otherwise. */
  readonly path: string;
  /** By lower-case name, in the order in which they were sent. */
  readonly parameters: ReadonlyMap<string, readonly string[]>;
}

/** @throws RemoteException: badly escaped, or the prefix is, which a router takes for the same: where the path begins is told by its letters. */
export function parseRequestTarget(target: string): RequestTarget {
  if (!target.startsWith(PREFIX)) throw new RemoteException('InvalidPathException', `the target does not begin with ${PREFIX}`);
  const queryAt = target.indexOf('?');
  const rawPath = queryAt < 0 ? target.slice(PREFIX.length) : target.slice(PREFIX.length, queryAt);
  const path = plain(rawPath.includes('%') ? decodePath(rawPath) : rawPath);
  return { path, parameters: queryAt < 0 ? NOTHING : parseQuery(target.slice(queryAt + 1)) };
}

/** @returns `path`, checked. @throws RemoteException InvalidPathException, or as too long. */
export function checkedPath(path: string): string {
  try {
    parsePath(path);
  } catch (error) {
    const { errno, message } = error as { errno?: string; message: string };
    throw new RemoteException(errno === 'ENAMETOOLONG' ? 'PathComponentTooLongException' : 'InvalidPathException', message, error);
  }
  return path;
}

/** @returns `path` as Hadoop takes it: runs of slashes are one, and one at the end is none. */
export function plain(path: string): string {
  const single = path.includes('//') ? path.replace(/\/{2,}/g, '/') : path;
  if (single === '' || single === '/') return '/';
  return single.endsWith('/') ? single.slice(0, -1) : single;
}

const NOTHING: ReadonlyMap<string, readonly string[]> = new Map();

function decodePath(raw: string): string {
  if (/%2f/i.test(raw)) throw new RemoteException('InvalidPathException', 'a name may not hold a slash, escaped or not');
  return decode(raw, 'path');
}

function parseQuery(query: string): ReadonlyMap<string, readonly string[]> {
  const parameters = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = decodeQuery(at < 0 ? pair : pair.slice(0, at)).toLowerCase();
    const value = at < 0 ? '' : decodeQuery(pair.slice(at + 1));
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

function decodeQuery(raw: string): string {
  const spaced = raw.includes('+') ? raw.replaceAll('+', ' ') : raw;
  return spaced.includes('%') ? decode(spaced, 'query') : spaced;
}

function decode(raw: string, where: string): string {
  try {
    return decodeURIComponent(raw);
  } catch (cause) {
    throw new RemoteException('IllegalArgumentException', `the ${where} is not UTF-8, escaped as in a URL`, cause);
  }
}
