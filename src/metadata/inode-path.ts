/**
 * Inodes by their ids, and where they are: up from parent to parent.
 */
import type { Inode } from './records.js';
import { ROOT_ID, type StateView } from './state.js';

/** @returns null: there is none; a detached one that waits to be reaped is there still. */
export function inodeById(id: number, state: Pick<StateView, 'parentOf' | 'child'>): Inode | null {
  const parent = state.parentOf(id);
  return parent && state.child(parent.parentId, parent.name);
}

/** @returns the components of its path; null where it does not hang below the root (any more). */
export function namesTo(id: number, state: Pick<StateView, 'parentOf'>): string[] | null {
  const names: string[] = [];
  for (let at = id; at !== ROOT_ID; ) {
    const parent = state.parentOf(at);
    if (parent === null) return null;
    names.push(parent.name);
    at = parent.parentId;
  }
  return names.reverse();
}

/** As `namesTo`. */
export function pathTo(id: number, state: Pick<StateView, 'parentOf'>): string | null {
  const names = namesTo(id, state);
  return names && `/${names.join('/')}`;
}
