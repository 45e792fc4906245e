/**
 * The trash: what is removed while it is on moves to `/.Trash/<user>/<bucket>/<path that it had>`, and is gone for good some time later.
 *
 * - A bucket takes in what its user removes within a quarter of the setting's time. It is an ordinary directory with a time to live, which
 *   expires as any other, that time after the last that it can take in.
 * - A user's trash is the user's alone (0700): what is removed is nobody's to find who could not find it before.
 * - What lies in the trash is removed for good, and so is what lies below a mount point: its storage is not ours to move it out of.
 * - A name that is taken gets the inode's number behind it, which is never given again.
 */
import type { Entry } from './entries.js';
import { EXPIRY, withMore } from './inode-more.js';
import { mountsWithin } from './mount-place.js';
import { newInode } from './new-inode.js';
import { isPath, parsePath } from './path.js';
import { type EntryBody, newInodeIds, type PlanContext, plainPath, type Resolved } from './plan.js';
import { checkQuota } from './quota.js';
import { type Inode, inodeMessage } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { NO_USAGE, usageWith } from './usage.js';

const TRASH = '.Trash';
const OPEN_MODE = 0o755;
const OWN_MODE = 0o700;
/** A bucket's name tells the minute. */
const BUCKET_MS_MIN = 60_000;
const BUCKETS_PER_INTERVAL = 4;
/** `/.Trash/<user>/<bucket>`. */
const BUCKET_DEPTH = 3;

/** @returns whether what is removed there goes to the trash. */
export function goesToTrash({ names, above }: Resolved, { settings }: PlanContext): boolean {
  return settings.trashIntervalMs > 0 && names[0] !== TRASH && above.every(({ more }) => !more?.mountId);
}

/** Moves what `removed` ends in to its user's trash: one entry, a group where directories have to be made for it. @throws EBUSY, EDQUOT and others. */
export function moveToTrash(removed: Resolved, state: StateView, context: PlanContext): EntryBody {
  const { path, inode, parentId, name } = removed;
  if (inode.directory && mountsWithin(plainPath(removed), state).length > 0) {
    throw refusal('EBUSY', 'there is a mount point, which has to be unmounted first', path);
  }
  const place = followTrash(removed, bucketAt(context), state, context);
  const { files, directories, bytes } = usageWith(inode, state.usages.get(inode.id) ?? NO_USAGE);
  checkQuota(place, { names: files + directories + place.missing.length - 1, bytes }, state, 1);
  const made = directoriesMade(place, state, context);
  const toPath = plainPath(place);
  const toParentId = made.at(-1)?.lastId ?? place.inode.id;
  const rename = { fromParentId: parentId, fromName: name, toParentId, toName: place.missing.at(-1) as string };
  const moved: Entry = { path: plainPath(removed), toPath, rename };
  if (made.length === 0) return moved;
  return { path: moved.path ?? '', toPath, group: { entries: [...made.map(({ entry }) => entry), moved] } };
}

interface Bucket {
  readonly name: string;
  readonly expiresMs: number;
}

function bucketAt({ timeMs, settings }: PlanContext): Bucket {
  const lengthMs = Math.max(BUCKET_MS_MIN, Math.floor(settings.trashIntervalMs / BUCKETS_PER_INTERVAL));
  const beginsMs = Math.floor(timeMs / lengthMs) * lengthMs;
  const name = new Date(beginsMs).toISOString().replace(/\D/g, '').slice(0, 'yyyymmddHHMM'.length);
  return { name, expiresMs: beginsMs + lengthMs + settings.trashIntervalMs };
}

/** @returns the place in the trash, followed as far as it exists; the last of what is missing is free. */
function followTrash(removed: Resolved, bucket: Bucket, state: StateView, { identity }: PlanContext): Resolved {
  const { names, inode } = removed;
  const home = [TRASH, homeName(identity.user), bucket.name];
  const wanted = isPath([...home, ...names]) ? [...home, ...names] : parsePath(`/${[...home, names.at(-1)].join('/')}`);
  const above: Inode[] = [];
  let directory = state.root();
  for (let depth = 0; depth < wanted.length; depth++) {
    const isLast = depth === wanted.length - 1;
    const isTaken = (child: Inode | null) => child !== null && (isLast || !child.directory);
    let child = state.child(directory.id, wanted[depth] as string);
    if (depth >= BUCKET_DEPTH && isTaken(child)) {
      wanted[depth] = withNumber(wanted[depth] as string, inode.id);
      child = state.child(directory.id, wanted[depth] as string);
    }
    const path = `/${wanted.slice(0, depth + 1).join('/')}`;
    if (isTaken(child)) throw refusal('EEXIST', 'the trash has no room for it: something else is there', path);
    if (child === null) {
      return { path, names: wanted, parentId: above.at(-1)?.id ?? 0, name: '', inode: directory, missing: wanted.slice(depth), above };
    }
    if (child.more?.mountId) throw refusal('EXDEV', 'the trash lies in another mount', path);
    if (depth === 1 && child.owner !== identity.user)
      throw refusal('EACCES', "the trash is not the user's own", path, `user=${identity.user}`);
    above.push(directory);
    directory = child;
  }
  throw refusal('EEXIST', 'the trash has no room for it', removed.path);
}

/** @returns the user's name as that of a directory. */
function homeName(user: string): string {
  return user === '.' || user === '..' ? user.replaceAll('.', '%2E') : user.replace(/[%/\0]/g, encodeURIComponent);
}

function withNumber(name: string, inodeId: number): string {
  const numbered = `${name}.${inodeId}`;
  return isPath([numbered]) ? numbered : String(inodeId);
}

interface Made {
  readonly entry: Entry;
  /** Of the lowest of these directories. */
  readonly lastId: number;
}

/** @returns the directories that are missing on the way, highest first. */
function directoriesMade(place: Resolved, state: StateView, context: PlanContext): Made[] {
  const { names, missing } = place;
  const made: Made[] = [];
  const root = state.root();
  const { expiresMs } = bucketAt(context);
  let parentId = place.inode.id;
  let id = newInodeIds(state);
  const make = (depth: number, count: number, changes: Partial<Inode>) => {
    const alike = newInode({ id, directory: true, mode: OWN_MODE, umask: 0 }, place.inode, context);
    const inode = inodeMessage({ ...alike, mode: OWN_MODE, more: null, ...changes });
    const createDirectory = { parentId, names: names.slice(depth, depth + count), inode };
    made.push({ entry: { path: `/${names.slice(0, depth + count).join('/')}`, createDirectory }, lastId: id + count - 1 });
    parentId = id + count - 1;
    id += count;
  };
  const first = names.length - missing.length;
  if (first <= 0) make(0, 1, { mode: OPEN_MODE, owner: root.owner, group: root.group });
  if (first <= 1) make(1, 1, {});
  const more = withMore(null, { ttlMs: expiresMs - context.timeMs, expiresMs, expiryAction: EXPIRY.delete });
  if (first <= 2) make(2, 1, { more });
  const rest = Math.max(first, BUCKET_DEPTH);
  if (rest < names.length - 1) make(rest, names.length - 1 - rest, {});
  return made;
}
