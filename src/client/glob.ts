/**
 * Expands patterns of paths as HDFS and Alluxio do: `*`, `?`, `[a-c]`, `[^a-c]`, `{a,b}` (also with slashes in it), a backslash before what
 * is to stand for itself; and `**`, a component of any number of directories. `*` matches names that begin with a dot, too.
 *
 * A component is looked for in its directory alone, by a listing that is narrowed to the letters before the first wildcard. A pattern that
 * has no wildcard is the path itself, if it exists.
 */
import { braceExpand } from 'minimatch';
import { isError, UnderstudyError } from '../base/errors.js';
import { childPath, type FileStatus } from './file-status.js';
import type { ListOptions, StatusOptions } from './file-system-options.js';
import { type NamePattern, PathPattern } from './path-pattern.js';
import type { WalkOptions } from './walk.js';

interface Lister {
  getStatus(path: string, options: StatusOptions): Promise<FileStatus>;
  list(path: string, options: ListOptions): AsyncGenerator<FileStatus, void, undefined>;
  walk(path: string, options: WalkOptions): AsyncGenerator<FileStatus, void, undefined>;
}

/** Alternatives of one pattern: `{a,b}{c,d}` has four. */
const ALTERNATIVES_MAX = 1_000;
/** Opening braces of a pattern: each costs all the alternatives that there are so far once more. */
const BRACES_MAX = 64;
/** Characters of a pattern. */
const PATTERN_MAX = 16_384;
/** A path has 512 at most: `**` may take none. */
const PARTS_MAX = 1_024;

/** Yields what matches `pattern`, once: in byte order of the names, of patterns with braces one alternative after the other. */
export async function* glob(fs: Lister, pattern: string, options: StatusOptions): AsyncGenerator<FileStatus, void, undefined> {
  const earlier: PathPattern[] = [];
  for (const alternative of alternativesOf(pattern)) {
    for await (const found of expand(fs, '/', alternative, 0, options)) {
      if (!earlier.some((before) => before.matches(found.path))) yield found;
    }
    earlier.push(alternative);
  }
}

/** @throws `invalid_argument`, `resource_exhausted`. */
function alternativesOf(pattern: string): readonly PathPattern[] {
  if (!pattern.startsWith('/')) {
    throw new UnderstudyError('invalid_argument', `a pattern has to begin with /: pattern=${pattern}`, { errno: 'EINVAL', path: pattern });
  }
  if (pattern.length > PATTERN_MAX) throw tooMuch(`a pattern has up to ${PATTERN_MAX} characters`, pattern);
  const plain = pattern.replace(/\\./gs, '');
  if (plain.split('{', BRACES_MAX + 2).length > BRACES_MAX + 1) throw tooMuch(`a pattern has up to ${BRACES_MAX} braces`, pattern);
  // One more than allowed: to see that there are more.
  const found = braceExpand(pattern, { braceExpandMax: ALTERNATIVES_MAX + 1 });
  if (found.length > ALTERNATIVES_MAX) throw tooMuch(`a pattern has up to ${ALTERNATIVES_MAX} alternatives`, pattern);
  const alternatives = found.map((text) => new PathPattern(text));
  if (alternatives.some(({ parts }) => parts.length > PARTS_MAX)) throw tooMuch(`a pattern has up to ${PARTS_MAX} components`, pattern);
  return alternatives;
}

function tooMuch(rule: string, pattern: string): UnderstudyError {
  return new UnderstudyError('resource_exhausted', `${rule}: pattern=${pattern.slice(0, 200)}`, { errno: 'E2BIG', path: pattern });
}

/** @param from the number of the first component that is still to be looked for: below `path`. */
async function* expand(
  fs: Lister,
  path: string,
  alternative: PathPattern,
  from: number,
  options: StatusOptions,
): AsyncGenerator<FileStatus, void, undefined> {
  const part = alternative.parts[from];
  if (part === undefined) {
    const status = await fs.getStatus(path, options).catch(unlessThere);
    if (status !== undefined) yield status;
  } else if (part.name !== undefined) yield* expand(fs, childPath(path, part.name), alternative, from + 1, options);
  else if (part.text === '**') yield* expandAnything(fs, path, alternative, options);
  else yield* expandNames(fs, path, alternative, from, options);
}

async function* expandNames(
  fs: Lister,
  directory: string,
  alternative: PathPattern,
  from: number,
  options: StatusOptions,
): AsyncGenerator<FileStatus, void, undefined> {
  const names = alternative.parts[from] as NamePattern;
  try {
    for await (const entry of fs.list(directory, { ...options, prefix: prefixOf(names.text) })) {
      // A file lists as itself.
      if (entry.path === directory || !names.matches(entry.name)) continue;
      if (from + 1 === alternative.parts.length) yield entry;
      else if (entry.directory) yield* expand(fs, entry.path, alternative, from + 1, options);
    }
  } catch (error) {
    unlessThere(error);
  }
}

/** From the first `**` on the whole path has to match. */
async function* expandAnything(
  fs: Lister,
  directory: string,
  alternative: PathPattern,
  options: StatusOptions,
): AsyncGenerator<FileStatus, void, undefined> {
  const enter = ({ path }: FileStatus) => path === '/' || alternative.mayMatchBelow(path);
  try {
    for await (const entry of fs.walk(directory, { ...options, enter })) if (alternative.matches(entry.path)) yield entry;
  } catch (error) {
    unlessThere(error);
  }
}

/** @returns the letters before the first wildcard. */
function prefixOf(text: string): string {
  return (/^(?:\\.|[^*?[\\])*/.exec(text)?.[0] ?? '').replace(/\\(.)/g, '$1');
}

/** Takes that there is no such path, or a file in the middle of it. */
function unlessThere(error: unknown): undefined {
  if (!isError(error) || (error.errno !== 'ENOENT' && error.errno !== 'ENOTDIR')) throw error;
}
