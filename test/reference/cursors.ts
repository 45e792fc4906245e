/** How far named readers of the change feed have come, in the reference model. */
import { may, R, X } from './access.js';
import { byBytes, type Node } from './inode.js';
import { parse } from './walk.js';
import type { World } from './world.js';

export interface SetCursor {
  name?: string;
  path?: string;
  sn?: number;
  remove?: boolean;
}

const CURSORS_MAX = 1_000;

export function setCursor(world: World, { name = '', path = '', sn, remove }: SetCursor): null {
  const { cursors } = world.kept;
  if (name === '' || Buffer.byteLength(name) > 255) world.refuse('EINVAL');
  const before = cursors.get(name);
  if (before === undefined && (remove || path === '')) world.refuse('ENOENT');
  const watched = needMayWatch(world, path || (before?.path ?? ''));
  if (before !== undefined && watched !== before.path) world.wrong('EINVAL');
  if (remove) {
    world.checked();
    cursors.delete(name);
    world.changed = true;
    return null;
  }
  if (sn !== undefined && sn > world.sn) world.wrong('EINVAL');
  if (before === undefined && cursors.size >= CURSORS_MAX) world.wrong('E2BIG');
  world.checked();
  const after = sn ?? before?.sn ?? world.sn;
  if (before !== undefined && after <= before.sn) return null;
  cursors.set(name, { path: watched, sn: after, movedMs: world.nowMs });
  world.changed = true;
  return null;
}

/** Those that the caller could move, in byte order of their names. */
export function listCursors(world: World): { name: string; path: string; sn: number }[] {
  const mine = [...world.kept.cursors].filter(([, { path }]) => mayWatch(world, path));
  return mine.sort(([a], [b]) => byBytes(a, b)).map(([name, { path, sn }]) => ({ name, path, sn }));
}

/** Of what is not there the lowest directory above it counts. */
function needMayWatch(world: World, path: string): string {
  const names = parse(world, path);
  let node: Node = world.root;
  for (const name of names) {
    if (node.directory && !may(world.who, node, X)) world.refuse('EACCES');
    const child = node.children.get(name);
    if (child === undefined) break;
    node = child;
  }
  if (!may(world.who, node, node.directory ? R | X : R)) world.wrong('EACCES');
  return `/${names.join('/')}`;
}

function mayWatch(world: World, path: string): boolean {
  const looking = world.asIfAlone();
  return looking.look(() => needMayWatch(looking, path)) !== null && !looking.isWrong;
}
