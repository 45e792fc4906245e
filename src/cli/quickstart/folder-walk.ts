/**
 * The entries below a folder, streamed: a directory comes before what is in it, and all that is in it before its next sibling.
 *
 * Memory: one open handle per level. What is no directory counts as a file: a symbolic link is one of its own, and is not followed. What
 * cannot be looked at, or has no name in the namespace, is skipped and told; what vanishes meanwhile is not.
 */
import type { Dir, Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../base/system-file.js';
import { childPath } from '../../client/file-status.js';
import { parsePath } from '../../metadata/path.js';

/** A folder of this machine, and the directory of the namespace that it becomes. */
export interface Place {
  readonly folder: string;
  readonly path: string;
}

export interface FolderEntry {
  /** Where it is on this machine. */
  readonly source: string;
  readonly name: string;
  /** Its path in the namespace. */
  readonly path: string;
  readonly directory: boolean;
  /** 1 for what is in the folder itself. */
  readonly depth: number;
}

/** Is told of an entry, or of what is in a directory, that is left out. */
export type Skipped = (source: string, why: string) => void;

const NAMES_AT_ONCE = 512;

export async function* walkFolder(place: Place, skipped: Skipped): AsyncGenerator<FolderEntry, void, undefined> {
  const open: { readonly dir: Dir; readonly place: Place }[] = [];
  const enter = async (inner: Place) => {
    const dir = await openFolder(inner.folder, skipped);
    if (dir !== undefined) open.push({ dir, place: inner });
  };
  try {
    await enter(place);
    for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
      const found = await inner.dir.read();
      if (found === null) {
        await open.pop()?.dir.close();
        continue;
      }
      const entry = await entryOf(inner.place, found.name, found.isDirectory(), open.length, skipped);
      if (entry === undefined) continue;
      yield entry;
      if (entry.directory) await enter({ folder: entry.source, path: entry.path });
    }
  } finally {
    for (const { dir } of open) await dir.close();
  }
}

/** @returns the entries of one folder alone, by name. */
export async function readFolder(place: Place, depth: number, skipped: Skipped): Promise<Map<string, FolderEntry>> {
  const entries = new Map<string, FolderEntry>();
  const dir = await openFolder(place.folder, skipped);
  if (dir === undefined) return entries;
  for await (const found of dir) {
    const entry = await entryOf(place, found.name, found.isDirectory(), depth, skipped);
    if (entry !== undefined) entries.set(entry.name, entry);
  }
  return entries;
}

/** @returns what is at `source` now, or undefined if it is gone. */
export async function statIfThere(source: string): Promise<Stats | undefined> {
  try {
    return await lstat(source);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** What the namespace keeps of a file or directory. */
export interface Shape {
  readonly directory: boolean;
  readonly mode: number;
  /** Bytes; 0 for directories. */
  readonly length: number;
  /** Unix time in milliseconds; 0 for directories, whose time is that of their last change in the namespace. */
  readonly modifiedMs: number;
}

export function shapeOf(stats: Stats): Shape {
  const directory = stats.isDirectory();
  return {
    directory,
    mode: stats.mode & 0o7777,
    length: directory ? 0 : stats.size,
    modifiedMs: directory ? 0 : Math.max(0, Math.floor(stats.mtimeMs)),
  };
}

async function openFolder(folder: string, skipped: Skipped): Promise<Dir | undefined> {
  try {
    return await opendir(folder, { bufferSize: NAMES_AT_ONCE });
  } catch (error) {
    if (!isGone(error)) skipped(folder, `it cannot be listed (${errnoOf(error)})`);
    return undefined;
  }
}

async function entryOf(place: Place, name: string, directory: boolean, depth: number, skipped: Skipped): Promise<FolderEntry | undefined> {
  const source = path.join(place.folder, name);
  const entry = { source, name, path: childPath(place.path, name), directory, depth };
  // A name that is not UTF-8 was read as another one, which is not there.
  if (name.includes('\uFFFD') && (await statIfThere(source)) === undefined) {
    skipped(source, 'its name is not UTF-8');
    return undefined;
  }
  try {
    parsePath(entry.path);
    return entry;
  } catch (error) {
    skipped(source, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}
