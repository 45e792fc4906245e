/** What bounds a change beside permissions, in the reference model: mounts and quotas. */
import { type MountPoint, type Node, usageOf } from './inode.js';
import type { World } from './world.js';

const SUM_MAX = 2n ** 63n - 1n;
export const LENGTH_MAX = Number.MAX_SAFE_INTEGER;

/** The mount that the last of `chain` belongs to: a mount point belongs to its own. */
export function mountOf(chain: readonly Node[]): MountPoint | null {
  return chain.findLast((node) => node.mount !== null)?.mount ?? null;
}

export function needWritable(world: World, chain: readonly Node[]): void {
  if (mountOf(chain)?.readOnly) world.wrong('EROFS');
}

/** There is a mount point at `node`, or below. */
export function holdsMount(node: Node): boolean {
  return node.mount !== null || [...node.children.values()].some(holdsMount);
}

/** So many more names and bytes, below each of these directories. What makes less is always allowed. */
export function needRoom(world: World, above: readonly Node[], names: number, bytes: bigint): void {
  for (const directory of above) {
    const { namesMax, bytesMax } = directory.quota;
    const usage = usageOf(directory);
    if (namesMax > 0 && names > 0 && usage.files + usage.directories + names > namesMax) world.wrong('EDQUOT');
    if (bytesMax > 0n && bytes > 0n && usage.bytes + bytes > bytesMax) world.wrong('EDQUOT');
  }
  if (above.includes(world.root) && bytes > 0n && usageOf(world.root).bytes + bytes > SUM_MAX) world.wrong('EFBIG');
}

export function needMode(world: World, mode: number | undefined): void {
  if (mode !== undefined && mode > 0o7777) world.wrong('EINVAL');
}

export function needReplication(world: World, min: number, max: number): void {
  if (max !== 0 && max < min) world.wrong('EINVAL');
}
