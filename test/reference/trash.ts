/** What is removed while the trash is on moves to `/.Trash/<user>/<bucket>/<path that it had>`, in the reference model. */
import { put } from './creating.js';
import { aclOfMode, type Node, usageOf } from './inode.js';
import { holdsMount, mountOf, needRoom } from './limits.js';
import { aboveOf, nameAt, nodeAt, type Place, parentOf } from './walk.js';
import type { World } from './world.js';

const MINUTE_MS = 60_000;
/** `.Trash`, the user's, the bucket. */
const HOME_DEPTH = 3;

/** Nothing of a mount goes there, nor what is there. */
export function goesToTrash({ settings }: World, place: Place): boolean {
  return settings.trashIntervalMs > 0 && place.names[0] !== '.Trash' && mountOf(aboveOf(place)) === null;
}

export function moveToTrash(world: World, place: Place): null {
  const node = nodeAt(place);
  if (holdsMount(node)) world.wrong('EBUSY');
  const bucket = bucketOf(world);
  const names = ['.Trash', world.who.user, bucket.name, ...place.names];
  const chain = [world.root];
  let missing: string[] = [];
  for (const [depth, name] of names.entries()) {
    const directory = chain.at(-1) as Node;
    const isLast = depth === names.length - 1;
    const found = directory.children.get(name);
    const isTaken = found !== undefined && (isLast || !found.directory);
    if (isTaken && depth < HOME_DEPTH) world.refuse('EEXIST');
    if (isTaken) names[depth] = `${name}.${node.id}`;
    const next = directory.children.get(names[depth] as string);
    if (next === undefined) {
      missing = names.slice(depth);
      break;
    }
    if (isLast || !next.directory) world.refuse('EEXIST');
    if (next.mount !== null) world.refuse('EXDEV');
    if (depth === 1 && next.owner !== world.who.user) world.refuse('EACCES');
    chain.push(next);
  }
  const usage = usageOf(node);
  needRoom(world, chain.slice(1), usage.files + usage.directories + missing.length, usage.bytes + BigInt(node.length));
  world.checked();

  let directory = chain.at(-1) as Node;
  const lowest = directory;
  const group = (lowest.special & 0o2000) !== 0 ? lowest.group : world.who.group || lowest.group;
  for (const [at, name] of missing.slice(0, -1).entries()) {
    const depth = names.length - missing.length + at;
    directory = put(world, directory, name, true, depth === 2 ? { ttlMs: bucket.endsMs - world.nowMs } : {});
    const plain = { special: 0, acl: aclOfMode(0o700), defaultAcl: new Map(), group };
    Object.assign(directory, plain, depth === 0 ? { acl: aclOfMode(0o755), owner: world.root.owner, group: world.root.group } : {});
  }
  world.changed = true;
  parentOf(place).children.delete(nameAt(place));
  parentOf(place).modifiedMs = world.nowMs;
  directory.children.set(names.at(-1) as string, node);
  directory.modifiedMs = world.nowMs;
  return null;
}

/** A quarter of the time, from its beginning; it goes that time after its end. */
function bucketOf({ settings, nowMs }: World): { name: string; endsMs: number } {
  const lengthMs = Math.max(MINUTE_MS, Math.floor(settings.trashIntervalMs / 4));
  const beginsMs = nowMs - (nowMs % lengthMs);
  const name = new Date(beginsMs).toISOString().replace(/[-T:]/g, '').slice(0, 12);
  return { name, endsMs: beginsMs + lengthMs + settings.trashIntervalMs };
}
