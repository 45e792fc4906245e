/** Paths in the reference model. */
import { may, X } from './access.js';
import type { Node } from './inode.js';
import type { World } from './world.js';

/** A name in the tree: the inodes from the root down to it, and the names that lead there. */
export interface Place {
  readonly names: readonly string[];
  /** From the root as far as there is anything; the last is what the path names where nothing is missing. */
  readonly chain: readonly Node[];
  readonly missing: readonly string[];
}

export function parse(world: World, path: string): string[] {
  if (!path.startsWith('/')) world.refuse('EINVAL');
  if (Buffer.byteLength(path) > 4096) world.refuse('ENAMETOOLONG');
  if (path === '/') return [];
  const names = path.replace(/\/$/, '').slice(1).split('/');
  if (names.length > 512) world.refuse('ENAMETOOLONG');
  for (const name of names) {
    if (name === '' || name === '.' || name === '..' || name.includes('\0')) world.refuse('EINVAL');
    if (Buffer.byteLength(name) > 255) world.refuse('ENAMETOOLONG');
  }
  return names;
}

/** Goes down as far as there is anything; not through what the caller may not look behind. */
export function walk(world: World, path: string): Place {
  const names = parse(world, path);
  const chain = [world.root];
  for (const [depth, name] of names.entries()) {
    const directory = chain.at(-1) as Node;
    if (!directory.directory) world.refuse('ENOTDIR');
    if (!may(world.who, directory, X)) world.refuse('EACCES');
    const child = directory.children.get(name);
    if (child === undefined) return { names, chain, missing: names.slice(depth) };
    chain.push(child);
  }
  return { names, chain, missing: [] };
}

/** A name that is there. */
export function find(world: World, path: string): Place {
  const place = walk(world, path);
  if (place.missing.length > 0) world.refuse('ENOENT');
  return place;
}

/** What is there, or else the lowest directory on the way. */
export const nodeAt = ({ chain }: Pick<Place, 'chain'>): Node => chain.at(-1) as Node;
export const nameAt = ({ names }: Pick<Place, 'names'>): string => names.at(-1) as string;

/** The directories from the root to the one that the name is in, or would be; of a name whose parents are missing, the lowest that is there. */
export const aboveOf = ({ chain, missing }: Place): readonly Node[] => (missing.length > 0 ? chain : chain.slice(0, -1));
export const parentOf = (place: Place): Node => aboveOf(place).at(-1) as Node;

/** An inode by its id, wherever it is. */
export function findById(root: Node, id: number): Place | null {
  if (root.id === id) return { chain: [root], names: [], missing: [] };
  for (const [name, child] of root.children) {
    const below = findById(child, id);
    if (below !== null) return { chain: [root, ...below.chain], names: [name, ...below.names], missing: [] };
  }
  return null;
}
