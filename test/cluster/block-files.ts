/** The files of blocks in a worker's directories, as they lie there, and what rots them. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';

export interface BlockFileFound {
  readonly path: string;
  readonly inodeId: number;
  readonly index: number;
  readonly generation: number;
}

const NAME = /^(\d+)-(\d+)-(\d+)\.\d+(?:\.evictable)?$/;

/** @param folder where a worker keeps blocks, or one above it; what goes meanwhile is left out. */
export function blockFilesIn(folder: string): BlockFileFound[] {
  let entries: { readonly name: string; isDirectory(): boolean }[] = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return entries.flatMap((entry) => {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) return blockFilesIn(at);
    const [, inodeId, index, generation] = (NAME.exec(entry.name) ?? []).map(Number);
    if (inodeId === undefined || index === undefined || generation === undefined) return [];
    return [{ path: at, inodeId, index, generation }];
  });
}

/** Turns one bit. @returns the file's number, by which it is told from another one in its place; undefined: it has gone. */
export function rotBit(file: string, draw: (max: number) => number): number | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r+');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  try {
    const { size, ino } = fstatSync(fd);
    const byte = Buffer.alloc(1);
    const at = draw(size);
    readSync(fd, byte, 0, 1, at);
    writeSync(fd, Buffer.of((byte[0] ?? 0) ^ (1 << draw(8))), 0, 1, at);
    return ino;
  } finally {
    closeSync(fd);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
