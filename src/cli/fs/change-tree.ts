/**
 * Goes through what is below a path, for commands that look at trees and for those that change them. What fails on the way is told, and the
 * way goes on.
 */
import type { FileStatus } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import type { StatusOptions } from '../../client/file-system-options.js';
import type { Problems } from '../problems.js';

/** Changes of files that are under way at once. */
const CHANGES_MAX = 64;

/** Yields `path`, and what is below it: a directory before what is in it. */
export function treeAt(fs: FileSystem, path: string, read: StatusOptions, problems: Problems): AsyncGenerator<FileStatus, void, undefined> {
  return fs.walk(path, { ...read, skipped: (_directory, error) => problems.tell(error) });
}

/** Yields what is below `path`, itself not; a file yields itself. */
export async function* treeBelow(fs: FileSystem, path: string, read: StatusOptions, problems: Problems) {
  let isTop = true;
  for await (const status of treeAt(fs, path, read, problems)) {
    if (!isTop || !status.directory) yield status;
    isTop = false;
  }
}

/**
 * Changes `path` and all that is below it: a directory before it is listed, so that permissions that are given hold for the way down; files
 * several at a time. What fails is told in the order of the walk.
 *
 * @throws where `path` itself cannot be changed.
 */
export async function changeTree(
  fs: FileSystem,
  path: string,
  change: (status: FileStatus) => Promise<unknown>,
  problems: Problems,
): Promise<void> {
  const underWay: Promise<unknown>[] = [];
  const settle = async (max: number) => {
    while (underWay.length > max) await underWay.shift()?.catch((error) => problems.tell(error));
  };
  let isTop = true;
  try {
    for await (const status of treeAt(fs, path, {}, problems)) {
      if (problems.isHopeless) return;
      const changing = change(status);
      changing.catch(() => {});
      if (isTop) await changing;
      else underWay.push(changing);
      isTop = false;
      await settle(status.directory ? 0 : CHANGES_MAX);
    }
  } finally {
    await settle(0);
  }
}
