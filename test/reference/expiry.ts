/** What time does, in the reference model. */

import { recoverLease } from './files.js';
import type { Node } from './inode.js';
import { holdsMount, mountOf } from './limits.js';
import { findById } from './walk.js';

/**
 * Removes what has outlived its time to live, or frees it, in the order of those times. A tree that holds a mount point stays; so does what is
 * mounted read-only, and a file to be freed that is not persisted.
 */
export function expire(root: Node, nowMs: number): void {
  const due = (): { node: Node; parent: Node; name: string; atMs: number }[] =>
    below(root)
      .map((each) => ({ ...each, atMs: each.node.createdMs + (each.node.ttlMs ?? Number.POSITIVE_INFINITY) }))
      .filter(({ atMs }) => atMs <= nowMs)
      .sort((a, b) => a.atMs - b.atMs || a.node.id - b.node.id);
  for (const { node } of due()) {
    const still = below(root).find((each) => each.node === node);
    if (still === undefined) continue;
    if (node.expiryAction === 1) {
      if (!node.directory && node.persistence !== 2) continue;
      Object.assign(node, { ttlMs: null, expiryAction: 0, pinned: false });
    } else if (!holdsMount(node) && !mountOf(findById(root, node.id)?.chain ?? [])?.readOnly) {
      still.parent.children.delete(still.name);
      still.parent.modifiedMs = nowMs;
    }
  }
}

/** Files whose writers are not registered any longer are closed. */
export function recoverLeases(root: Node, clients: ReadonlyMap<number, unknown>, nowMs: number): void {
  for (const { node } of below(root)) if (node.lease !== null && !clients.has(node.lease.client)) recoverLease(node, nowMs);
}

function below(directory: Node): { node: Node; parent: Node; name: string }[] {
  return [...directory.children].flatMap(([name, node]) => [{ node, parent: directory, name }, ...below(node)]);
}
