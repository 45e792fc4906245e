/** Access control lists as `setfacl` edits them, in the reference model. */
import { needOwner } from './access.js';
import type { Node } from './inode.js';
import { needWritable } from './limits.js';
import { find, nodeAt } from './walk.js';
import type { World } from './world.js';

interface Entry {
  default?: boolean;
  /** 0 user, 1 group, 2 mask, 3 other. */
  kind?: number;
  name?: string;
  permissions?: number;
}

export interface SetAcl {
  path: string;
  /** 0 modify, 1 replace, 2 remove, 3 remove the default list, 4 remove all. */
  action?: number;
  entries?: Entry[];
}

type List = Map<string, number>;

const KINDS = ['user', 'group', 'mask', 'other'];
const BASE = ['user:', 'group:', 'other:'];
const ENTRIES_MAX = 32;

export function setAcl(world: World, { path, action = 0, entries = [] }: SetAcl): Node {
  const place = find(world, path);
  const node = nodeAt(place);
  needOwner(world, node);
  const lists = { acl: new Map(node.acl), defaultAcl: new Map(node.defaultAcl) };
  if (action === 3) lists.defaultAcl.clear();
  else if (action === 4) removeAll(lists);
  else edit(world, node, lists, action, entries);
  if (action > 4) world.wrong('EINVAL');
  const { who } = world;
  const isSame = isEqual(lists.acl, node.acl) && isEqual(lists.defaultAcl, node.defaultAcl);
  const mayHandDown = isEqual(lists.acl, node.acl) || who.isSuperuser || who.groups.includes(node.group);
  const special = mayHandDown ? node.special : node.special & ~0o2000;
  if (!isSame) needWritable(world, place.chain);
  world.checked();
  if (!isSame) world.changed = true;
  return Object.assign(node, lists, { special });
}

function removeAll(lists: { acl: List; defaultAcl: List }): void {
  const { acl } = lists;
  const group = (acl.get('group:') ?? 0) & (acl.get('mask:') ?? 7);
  lists.acl = new Map([
    ['user:', acl.get('user:') ?? 0],
    ['group:', group],
    ['other:', acl.get('other:') ?? 0],
  ]);
  lists.defaultAcl.clear();
}

function edit(world: World, node: Node, lists: { acl: List; defaultAcl: List }, action: number, entries: readonly Entry[]): void {
  const keys = entries.map(({ kind = 0, name = '' }) => `${KINDS[kind]}:${name}`);
  for (const [at, { kind = 0, name = '', permissions = 0 }] of entries.entries()) {
    const same = entries.findIndex((other, i) => keys[i] === keys[at] && (other.default ?? false) === (entries[at]?.default ?? false));
    if (same !== at) world.wrong('EINVAL');
    if (kind > 3 || (kind >= 2 && name !== '')) world.wrong('EINVAL');
    if (action !== 2 && permissions > 7) world.wrong('EINVAL');
    if (entries[at]?.default && !node.directory) world.wrong('EINVAL');
  }
  for (const isDefault of [false, true]) {
    const list = isDefault ? lists.defaultAcl : lists.acl;
    const mine = [...entries.keys()].filter((at) => (entries[at]?.default ?? false) === isDefault);
    if (mine.length > 0 && action === 1) list.clear();
    for (const at of mine) {
      if (action === 2) list.delete(keys[at] as string);
      else list.set(keys[at] as string, entries[at]?.permissions ?? 0);
    }
    if (isDefault && list.size > 0) {
      for (const key of BASE) {
        const own = lists.acl.get(key);
        if (!list.has(key) && own !== undefined) list.set(key, own);
      }
    }
    if (mine.length > 0 && !mine.some((at) => keys[at] === 'mask:')) renewMask(list);
    check(world, list, isDefault);
  }
}

/** Unless it is told, the mask is what lets everything through. */
function renewMask(list: List): void {
  const isNamed = (key: string) => !key.endsWith(':');
  if (!list.has('mask:') && ![...list.keys()].some(isNamed)) return;
  const masked = [...list].filter(([key]) => key.startsWith('group:') || (key.startsWith('user:') && isNamed(key)));
  list.set(
    'mask:',
    masked.reduce((all, [, permissions]) => all | permissions, 0),
  );
}

function check(world: World, list: List, isDefault: boolean): void {
  if (isDefault && list.size === 0) return;
  if (BASE.some((key) => !list.has(key))) world.wrong('EINVAL');
  if ([...list.keys()].some((key) => !key.endsWith(':')) && !list.has('mask:')) world.wrong('EINVAL');
  if (list.size > ENTRIES_MAX) world.wrong('EINVAL');
}

function isEqual(a: List, b: List): boolean {
  return a.size === b.size && [...a].every(([key, permissions]) => b.get(key) === permissions);
}
