/** Which pieces of work for mounted storage may be done at once, and repeated in any order. */
import type { UnderWork } from '../metadata/mounts.js';
import { folderOf } from '../underfs/under-path.js';

/** @returns the first of `works`, as many as have nothing to do with each other: no path of one is, holds or lies in a path of another. */
export function independentPrefix(works: readonly UnderWork[]): readonly UnderWork[] {
  const named = new Set<string>();
  const above = new Set<string>();
  for (const [at, { path, to }] of works.entries()) {
    const paths = to === '' ? [path] : [path, to];
    if (paths.some((each) => above.has(each) || [each, ...foldersAbove(each)].some((one) => named.has(one)))) return works.slice(0, at);
    for (const each of paths) {
      named.add(each);
      for (const folder of foldersAbove(each)) above.add(folder);
    }
  }
  return works;
}

/** Up to the root. */
function foldersAbove(path: string): string[] {
  const found: string[] = [];
  for (let folder = path; folder !== ''; ) {
    folder = folderOf(folder);
    found.push(folder);
  }
  return found;
}
