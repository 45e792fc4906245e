/** Who may do what, in the reference model: POSIX 1003.1e draft 17, step by step. */
import type { Node } from './inode.js';
import type { World } from './world.js';

export interface Who {
  readonly user: string;
  readonly group: string;
  readonly groups: readonly string[];
  readonly isSuperuser: boolean;
}

export const R = 4;
export const W = 2;
export const X = 1;

export function may(who: Who, node: Node, wanted: number): boolean {
  if (who.isSuperuser) return true;
  const { acl } = node;
  const grants = (permissions: number | undefined) => ((permissions ?? 0) & wanted) === wanted;
  if (who.user === node.owner) return grants(acl.get('user:'));
  const mask = acl.get('mask:') ?? 7;
  const named = acl.get(`user:${who.user}`);
  if (named !== undefined) return grants(named & mask);
  const ofGroups = who.groups.flatMap((group) => [
    ...(group === node.group ? [acl.get('group:') ?? 0] : []),
    ...(acl.has(`group:${group}`) ? [acl.get(`group:${group}`) ?? 0] : []),
  ]);
  if (ofGroups.length > 0) return ofGroups.some((permissions) => grants(permissions & mask));
  return grants(acl.get('other:'));
}

export function need(world: World, node: Node, wanted: number): void {
  if (!may(world.who, node, wanted)) world.wrong('EACCES');
}

export function needOwner(world: World, node: Node): void {
  if (!isOwner(world, node)) world.wrong('EPERM');
}

function isOwner({ who }: World, node: Node): boolean {
  return who.isSuperuser || who.user === node.owner;
}

export function needSuperuser(world: World): void {
  if (!world.who.isSuperuser) world.wrong('EPERM');
}

/** To take a name out of a directory: write and execute on it; with the sticky bit, also to be the owner of either. */
export function needTakeAway(world: World, directory: Node, child: Node): void {
  need(world, directory, W | X);
  const isSticky = (directory.special & 0o1000) !== 0;
  if (isSticky && !isOwner(world, directory) && !isOwner(world, child)) world.wrong('EPERM');
}
