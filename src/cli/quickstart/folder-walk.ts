/**
 * The entries below a folder, streamed: a directory comes before what is in it, and all that is in it before its next sibling.
 *
 * Memory: the names of one directory per level. (Handles of `opendir` would hold fewer, but on Node 20 a read of one was seen never to end.)
 * What is no directory counts as a file: a symbolic link is one of its own, and is not followed. What cannot be looked at, or has no name
 * in the namespace, is skipped and told; what vanishes meanwhile is not.
 */
import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../base/files.js';
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

export async function* walkFolder(place: Place, skipped: Skipped): AsyncGenerator<FolderEntry, void, undefined> {
  const open = [{ names: (await namesIn(place.folder, skipped)).values(), place }];
  for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
    const { value: found, done } = inner.names.next();
    if (done) {
      open.pop();
      continue;
    }
    const entry = await entryOf(inner.place, found, open.length, skipped);
    if (entry === undefined) continue;
    yield entry;
    if (entry.directory)
      open.push({ names: (await namesIn(entry.source, skipped)).values(), place: { folder: entry.source, path: entry.path } });
  }
}

/** @returns the entries of one folder alone, by name. */
export async function readFolder(place: Place, depth: number, skipped: Skipped): Promise<Map<string, FolderEntry>> {
  const entries = new Map<string, FolderEntry>();
  for (const found of await namesIn(place.folder, skipped)) {
    const entry = await entryOf(place, found, depth, skipped);
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

async function namesIn(folder: string, skipped: Skipped): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (!isGone(error)) skipped(folder, `it cannot be listed (${errnoOf(error)})`);
    return [];
  }
}

async function entryOf(place: Place, found: Dirent, depth: number, skipped: Skipped): Promise<FolderEntry | undefined> {
  const { name } = found;
  const source = path.join(place.folder, name);
  const entry = { source, name, path: childPath(place.path, name), directory: found.isDirectory(), depth };
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
