/**
 * Goes through what is below a path, directory by directory, in byte order of the names, a directory before what is in it. Memory goes with
 * the depth of the tree, not with its size. A directory that cannot be listed is told, and the walk goes on behind it.
 */
import type { FileStatus } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import type { ListOptions } from '../../client/file-system-options.js';
import type { Problems } from '../problems.js';

/** Changes of files that are under way at once. */
const CHANGES_MAX = 64;

/** Yields what is below `path`, itself not; a file yields itself. @throws what listing `path` itself does. */
export async function* walk(
  fs: FileSystem,
  path: string,
  options: ListOptions,
  problems: Problems,
): AsyncGenerator<FileStatus, void, undefined> {
  // Directories that are being listed, the innermost last.
  const open = [fs.list(path, options)];
  try {
    for (let inner = open.at(-1); inner !== undefined && !problems.isHopeless; inner = open.at(-1)) {
      const next = await nextOf(inner, open.length === 1 ? undefined : problems);
      if (next === undefined) {
        open.pop();
        continue;
      }
      yield next;
      if (next.directory) open.push(fs.list(next.path, options));
    }
  } finally {
    for (const listing of open) await listing.return();
  }
}

/** @returns undefined at the end, and where it failed: told to `problems`, if there are any. */
async function nextOf(listing: AsyncGenerator<FileStatus, void, undefined>, problems: Problems | undefined) {
  try {
    const { value } = await listing.next();
    return value ?? undefined;
  } catch (error) {
    if (problems === undefined) throw error;
    problems.tell(error);
    return undefined;
  }
}

/**
 * Changes `path` and all that is below it: a directory before it is listed, so that permissions that are given hold for the way down; files
 * several at a time. What fails is told in the order of the walk.
 *
 * @throws where `path` itself cannot be changed, or not be listed.
 */
export async function changeTree(
  fs: FileSystem,
  path: string,
  change: (status: FileStatus) => Promise<unknown>,
  problems: Problems,
): Promise<void> {
  const top = await fs.getStatus(path);
  await change(top);
  if (!top.directory) return;
  const underWay: Promise<unknown>[] = [];
  const settle = async (max: number) => {
    while (underWay.length > max) await underWay.shift()?.catch((error) => problems.tell(error));
  };
  try {
    for await (const status of walk(fs, top.path, {}, problems)) {
      const changing = change(status);
      changing.catch(() => {});
      underWay.push(changing);
      await settle(status.directory ? 0 : CHANGES_MAX);
    }
  } finally {
    await settle(0);
  }
}
