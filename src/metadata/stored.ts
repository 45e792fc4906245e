/**
 * What the under store has of a file. Of a PERSISTED one that is all of it. One that was written to since is no longer PERSISTED, but its beginning still stands
 * there: workers may have given it up long ago. That is kept when the file is persisted again, too, and counts for nothing then, unless the storage turns out
 * not to have taken it.
 */
import type { Stored } from './inode-more.js';
import { type Inode, PERSISTENCE } from './records.js';

/** @returns what the under store has of a PERSISTED file. */
export function storedWhole({ length, generation, modifiedMs, createdMs }: Inode): Stored {
  // What was loaded has the storage's time, which lies before the inode's own beginning; what was written here has another one there.
  const isLoaded = generation === 0 && modifiedMs < createdMs;
  return { length, same: length, generation, modifiedMs: isLoaded ? modifiedMs : 0 };
}

/** @returns null: it has nothing of the file that is the file's still. */
export function storedOf(inode: Inode): Stored | null {
  if (inode.persistence !== PERSISTENCE.persisted) return inode.more?.stored ?? null;
  return inode.complete && !inode.directory ? storedWhole(inode) : null;
}
