/**
 * The paths that a command's argument stands for: the path itself, or what there is that matches its wildcards, in byte order, found while
 * the command works on those before.
 */
import { UnderstudyError } from '../../base/errors.js';
import type { FileSystem } from '../../client/file-system.js';
import type { StatusOptions } from '../../client/file-system-options.js';
import { alternativesOf, literalPath } from './glob.js';

/** @throws `invalid_argument`: not a pattern. @throws `not_found`: a pattern with wildcards, and nothing matches. */
export async function* expandPath(fs: FileSystem, pattern: string, read: StatusOptions = {}): AsyncGenerator<string, void, undefined> {
  let found = 0;
  for (const alternative of alternativesOf(pattern)) {
    const literal = literalPath(alternative);
    if (literal !== undefined) {
      found += 1;
      yield literal;
      continue;
    }
    for await (const { path } of fs.glob(alternative, read)) {
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
