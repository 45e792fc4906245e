/**
 * Where an inode is, by its id: up from parent to parent.
 */
import { ROOT_ID, type StateView } from './state.js';

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
