/** Folders of any size, read and removed in bounded memory: a page of names at a time, and one open folder for each level. */
import { type Dir, lstat, type Stats, unlink } from 'node:fs';
import { opendir, rmdir } from 'node:fs/promises';
import { throwIfAborted } from '../base/wait.js';
import { described, isAbsent, local } from './local-errors.js';
import { localTurns } from './local-turns.js';
import { UNDER_PAGE_MAX } from './under-store.js';

/** Of one page; no more than there are turns. On two cores that others kept busy this looked at 100,000 files a second. */
const IN_FLIGHT = 12;
/** How often a folder that others write to is emptied before removing it is given up. */
const EMPTYINGS_MAX = 3;

export interface LocalNode {
  readonly name: string;
  /** Undefined where there is nothing under this name (any more). */
  readonly stats: Stats | undefined;
}

/** What is in the folder, in pages, in no order. */
export async function* readFolder(folder: string, signal?: AbortSignal): AsyncIterable<readonly LocalNode[]> {
  const open = await local('list', folder, () => opendir(folder, { bufferSize: UNDER_PAGE_MAX }));
  try {
    for (;;) {
      throwIfAborted(signal);
      const names = await local('list', folder, () => nextNames(open));
      if (names.length === 0) return;
      const stats = await described('list', folder, () => forEach<string, Stats>(names, (name, then) => lstat(`${folder}/${name}`, then)));
      yield names.map((name, at) => ({ name, stats: stats[at] }));
    }
  } finally {
    await open.close();
  }
}

/** @returns the names of the next page; none at the end. */
function nextNames(folder: Dir): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const names: string[] = [];
    const read = (): void =>
      folder.read((error, next) => {
        if (error !== null) return reject(error);
        if (next !== null) names.push(next.name);
        if (next === null || names.length === UNDER_PAGE_MAX) resolve(names);
        else read();
      });
    read();
  });
}

/** Removes the folder and all in it; links in it, not what they lead to. */
export async function removeTree(folder: string, signal?: AbortSignal): Promise<void> {
  for (let emptyings = 1; ; emptyings++) {
    for await (const page of readFolder(folder, signal)) {
      for (const { name, stats } of page) if (stats?.isDirectory()) await removeTree(`${folder}/${name}`, signal);
      const rest = page.filter(({ stats }) => stats !== undefined && !stats.isDirectory());
      await local('delete', folder, () =>
        forEach(rest, ({ name }, then) => unlink(`${folder}/${name}`, (error) => then(error, undefined))),
      );
    }
    try {
      await local('delete', folder, () => rmdir(folder));
      return;
    } catch (error) {
      if (emptyings === EMPTYINGS_MAX) throw error;
    }
  }
}

/** Runs `operation` on each, a few at a time. @returns what they yielded, undefined for those that found nothing. */
function forEach<T, R>(
  items: readonly T[],
  operation: (item: T, then: (error: NodeJS.ErrnoException | null, result: R) => void) => void,
): Promise<(R | undefined)[]> {
  return new Promise((resolve, reject) => {
    const results: (R | undefined)[] = new Array(items.length);
    let started = 0;
    let ended = 0;
    if (items.length === 0) resolve(results);
    const start = (): void => {
      const at = started++;
      const item = items[at];
      if (item === undefined) return;
      localTurns.take(() => operation(item, then));
      function then(error: NodeJS.ErrnoException | null, result: R): void {
        localTurns.give();
        if (error !== null && !isAbsent(error)) return reject(error);
        results[at] = result;
        if (++ended === items.length) resolve(results);
        start();
      }
    };
    for (let at = 0; at < IN_FLIGHT; at++) start();
  });
}
