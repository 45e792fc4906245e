/**
 * The paths that a command's argument stands for: the path itself, or what there is that matches its wildcards, in byte order, found while
 * the command works on those before.
 */
import { isError, UnderstudyError } from '../../base/errors.js';
import type { ReadOptions } from '../../client/client.js';
import { childPath } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import { type Glob, literalPath, parseGlobs } from './glob.js';

/** @throws `invalid_argument`: not a pattern. @throws `not_found`: a pattern with wildcards, and nothing matches. */
export async function* expandPath(fs: FileSystem, pattern: string, read: ReadOptions = {}): AsyncGenerator<string, void, undefined> {
  let found = 0;
  for (const glob of parseGlobs(pattern)) {
    const literal = literalPath(glob);
    const paths = literal === undefined ? matching(fs, glob, 0, '/', read) : [literal];
    for await (const path of paths) {
      found += 1;
      yield path;
    }
  }
  if (found === 0) throw new UnderstudyError('not_found', `nothing matches the pattern: pattern=${pattern}`, { errno: 'ENOENT' });
}

/** @returns the one path that `pattern` stands for. @throws `invalid_argument`: it stands for several; and as `expandPath`. */
export async function expandToOne(fs: FileSystem, pattern: string): Promise<string> {
  let only: string | undefined;
  for await (const path of expandPath(fs, pattern)) {
    if (only !== undefined) {
      throw new UnderstudyError('invalid_argument', `one path is needed, and several match: pattern=${pattern}`, { errno: 'EINVAL' });
    }
    only = path;
  }
  return only as string;
}

async function* matching(
  fs: FileSystem,
  glob: Glob,
  from: number,
  parent: string,
  read: ReadOptions,
): AsyncGenerator<string, void, undefined> {
  let path = parent;
  for (let at = from; at < glob.length; at += 1) {
    const name = glob[at] as Glob[number];
    if ('name' in name) {
      path = childPath(path, name.name);
      continue;
    }
    for await (const entry of contentsOf(fs, path, name.prefix, read)) {
      if (!name.matches.test(entry.name)) continue;
      if (at === glob.length - 1) yield entry.path;
      else if (entry.directory) yield* matching(fs, glob, at + 1, entry.path, read);
    }
    return;
  }
  if (await fs.exists(path, read)) yield path;
}

/** Yields what is in a directory; nothing where there is none. */
async function* contentsOf(fs: FileSystem, path: string, prefix: string, read: ReadOptions) {
  try {
    for await (const entry of fs.list(path, { ...read, prefix })) {
      // A file lists as itself.
      if (entry.path !== path) yield entry;
    }
  } catch (error) {
    if (!isError(error, 'not_found') && !(isError(error) && error.errno === 'ENOTDIR')) throw error;
  }
}
