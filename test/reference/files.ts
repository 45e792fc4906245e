/** What a file holds, and who writes it, in the reference model. */
import { may, need, needSuperuser, needTakeAway, W, X } from './access.js';
import type { Node } from './inode.js';
import { LENGTH_MAX, mountOf, needRoom, needWritable } from './limits.js';
import { aboveOf, find, findById, nameAt, nodeAt, type Place, parentOf } from './walk.js';
import type { World } from './world.js';

interface OfFile {
  path?: string;
  inodeId?: number;
}

export interface CompleteFile extends OfFile {
  length?: number;
  modifiedMs?: number;
}

export interface AddBlocks extends OfFile {
  blocks?: number;
  length?: number;
}

export interface TruncateFile {
  path: string;
  length?: number;
}

export interface Concat {
  path: string;
  sources?: string[];
}

export interface CommitPersist {
  inodeId?: number;
  generation?: number;
  length?: number;
  mountId?: number;
  part?: string;
}

/** Blocks are counted in 32 bits. */
const BLOCKS_MAX = 2 ** 32 - 1;
const EXTENTS_MAX = 2_048;

export function completeFile(world: World, request: CompleteFile): Node {
  const place = placeOf(world, request);
  const file = needBeingWritten(world, place);
  const length = request.length ?? 0;
  needFits(world, length, file.blockBytes);
  needRoom(world, aboveOf(place), 0, BigInt(length) - BigInt(file.length));
  world.checked();
  world.changed = true;
  file.complete = true;
  cut(file, length);
  file.modifiedMs = request.modifiedMs ?? world.nowMs;
  file.lease = null;
  return file;
}

export function addBlocks(world: World, request: AddBlocks): Node {
  const blocks = request.blocks ?? 0;
  if (blocks < 1 || blocks > 65_536) world.wrong('EINVAL');
  const place = placeOf(world, request);
  const file = needBeingWritten(world, place);
  const all = (file.lease?.blocks ?? 0) + blocks;
  if (all * file.blockBytes > LENGTH_MAX || all > BLOCKS_MAX) world.wrong('EFBIG');
  const length = request.length ?? file.length;
  if (length < file.length || length > all * file.blockBytes) world.wrong('EINVAL');
  needRoom(world, aboveOf(place), 0, BigInt(length) - BigInt(file.length));
  world.checked();
  world.changed = true;
  file.lease = { client: world.client, blocks: all };
  file.length = length;
  return file;
}

export function appendFile(world: World, request: { path: string }): Node {
  const place = find(world, request.path);
  const file = needComplete(world, place);
  world.checked();
  world.changed = true;
  file.lease = { client: world.client, blocks: blockCount(file.length, file) };
  file.complete = false;
  otherContents(file);
  return file;
}

/** They are not those that it had, nor those that the storage has of it. */
function otherContents(file: Node): void {
  file.generation += 1;
  if (file.persistence === 2) file.persistence = 0;
}

export function truncateFile(world: World, request: TruncateFile): Node {
  const place = find(world, request.path);
  const length = request.length ?? 0;
  const file = needComplete(world, place, nodeAt(place).length !== length);
  if (length > file.length) world.wrong('EINVAL');
  world.checked();
  if (length === file.length) return file;
  world.changed = true;
  cut(file, length);
  file.modifiedMs = world.nowMs;
  otherContents(file);
  return file;
}

export function concat(world: World, request: Concat): Node {
  const sources = request.sources ?? [];
  if (sources.length < 1 || sources.length > 1024) world.refuse('EINVAL');
  const looked = [request.path, ...sources].map((path) =>
    world.look(() => {
      const place = find(world, path);
      needComplete(world, place);
      return place;
    }),
  );
  const [target, ...places] = looked.filter((place) => place !== null);
  if (target === undefined || looked.includes(null)) return world.stop();
  const file = nodeAt(target);
  const joined = places.map(nodeAt);
  const directory = parentOf(places[0] as Place);
  if (places.some((place) => parentOf(place) !== directory)) world.wrong('EINVAL');
  if (new Set([file, ...joined]).size !== joined.length + 1) world.wrong('EINVAL');
  for (const place of places) needTakeAway(world, directory, nodeAt(place));
  if (places.some(({ chain }) => mountOf(chain) !== mountOf(target.chain))) world.wrong('EXDEV');
  if ([file, ...joined].some(({ persistence }) => persistence === 2)) world.wrong('ENOTSUP');
  if (joined.some(({ blockBytes }) => blockBytes !== file.blockBytes)) world.wrong('EINVAL');
  if ([file, ...joined.slice(0, -1)].some(({ length }) => length % file.blockBytes !== 0)) world.wrong('EINVAL');
  const length = [file, ...joined].reduce((sum, each) => sum + each.length, 0);
  const extents = [file, ...joined].flatMap(blocksOf);
  if (length > LENGTH_MAX) world.wrong('EFBIG');
  else needFits(world, length, file.blockBytes);
  if (extents.length > EXTENTS_MAX) world.wrong('E2BIG');
  const shared = aboveOf(places[0] as Place);
  needRoom(
    world,
    aboveOf(target).filter((each) => !shared.includes(each)),
    0,
    BigInt(length) - BigInt(file.length),
  );
  world.checked();

  world.changed = true;
  for (const place of places) directory.children.delete(nameAt(place));
  directory.modifiedMs = world.nowMs;
  file.extents = extents;
  file.length = length;
  file.modifiedMs = world.nowMs;
  file.generation += 1;
  return file;
}

export function commitPersist(world: World, request: CommitPersist): Node {
  needSuperuser(world);
  const place = findById(world.root, request.inodeId ?? 0) ?? world.refuse('ENOENT');
  const file = nodeAt(place);
  if (file.directory) world.refuse('EISDIR');
  const mount = mountOf(place.chain);
  if (!file.complete) world.wrong('ETXTBSY');
  if (file.generation !== (request.generation ?? 0)) world.wrong('EBUSY');
  if (file.persistence === 2) {
    world.checked();
    return file;
  }
  if (file.persistence !== 1) world.wrong('ENOTSUP');
  const part = `-${file.id}-${file.generation}.part`;
  const isPart = request.part?.startsWith('.understudy-parts/') && request.part.endsWith(part) && request.part.split('/').length === 2;
  if (!isPart || (request.length ?? 0) !== file.length) world.wrong('EINVAL');
  if (mount === null || mount.id !== request.mountId) world.wrong('EXDEV');
  else if (mount.readOnly) world.wrong('EROFS');
  world.checked();
  world.changed = true;
  file.persistence = 2;
  return file;
}

export function renewLease(world: World): null {
  world.changed = true;
  return null;
}

function placeOf(world: World, { path = '', inodeId = 0 }: OfFile): Place {
  if (inodeId === 0) return find(world, path);
  const place = findById(world.root, inodeId) ?? world.refuse('ENOENT');
  if (aboveOf(place).some((directory) => !may(world.who, directory, X))) world.refuse('EACCES');
  return place;
}

/** A file that is not complete, which the caller may write on: as the holder of its lease, or in place of one that is gone. */
function needBeingWritten(world: World, place: Place): Node {
  const file = nodeAt(place);
  if (file.directory) world.refuse('EISDIR');
  if (file.complete) world.refuse('ETXTBSY');
  const mayGoOn = file.lease?.client === world.client || world.who.user === file.owner;
  if (!mayGoOn) need(world, file, W);
  needWritable(world, place.chain);
  if (world.isLeaseOfOther(file)) world.wrong('EBUSY');
  return file;
}

/** A file that is complete, which the caller may write. */
function needComplete(world: World, place: Place, isChange = true): Node {
  const file = nodeAt(place);
  if (file.directory) world.refuse('EISDIR');
  need(world, file, W);
  if (isChange) needWritable(world, place.chain);
  if (!file.complete) world.wrong('EBUSY');
  return file;
}

/** The blocks of a file in runs, in order: those that came from other files first, its own behind them under their own numbers. */
export function blocksOf(file: Node): Node['extents'] {
  const first = countOf(file.extents);
  const blocks = blockCount(file.length, file) - first;
  return blocks > 0 ? [...file.extents, { inodeId: file.id, first, blocks }] : file.extents;
}

const blockCount = (length: number, { blockBytes }: Node): number => Math.ceil(length / blockBytes);
const countOf = (extents: Node['extents']): number => extents.reduce((sum, { blocks }) => sum + blocks, 0);

/** The file ends here now: nothing of another file is behind its end. */
function cut(file: Node, length: number): void {
  const kept: Node['extents'] = [];
  for (const extent of file.extents) {
    const rest = blockCount(length, file) - countOf(kept);
    if (rest > 0) kept.push({ ...extent, blocks: Math.min(rest, extent.blocks) });
  }
  file.extents = kept;
  file.length = length;
}

/** A file whose writer is gone is complete as far as it was told of. */
export function recoverLease(file: Node, nowMs: number): void {
  cut(file, file.length);
  file.complete = true;
  file.modifiedMs = nowMs;
  file.lease = null;
}

export function needFits(world: World, length: number, blockBytes: number): void {
  if (Math.ceil(length / blockBytes) > BLOCKS_MAX) world.wrong('EFBIG');
}
