/**
 * What plans have in common: a plan turns a request into one entry, or says that nothing changes, or refuses.
 *
 * A plan is synchronous and pure: it looks at the state (pending changes included) and decides; every choice it makes stands in the entry.
 */
import { UnderstudyError } from '../base/errors.js';
import { checkAccess, checkTakeAway, EXECUTE, type Identity, mayAccess, WRITE } from './access.js';
import type { Property } from './cluster-config.js';
import type { Entry } from './entries.js';
import { namesTo } from './inode-path.js';
import { parsePath } from './path.js';
import type { Inode } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** What an entry says beyond its time and its caller. */
export type EntryBody = Omit<Entry, 'timeMs' | 'clientId' | 'callId' | 'lowestUnanswered'>;

/** What the masters are set to, as far as plans and queries go by it. */
export interface NamespaceSettings {
  readonly blockBytesDefault: number;
  /** How long what is removed stays in the trash; 0: it goes at once. */
  readonly trashIntervalMs: number;
  /** @returns what would be wrong on this master with these settings of the masters in the journal; undefined where nothing would be. */
  readonly problemWith?: (journaled: readonly Property[]) => string | undefined;
}

export interface QueryContext {
  readonly identity: Identity;
  readonly settings: NamespaceSettings;
}

/** Where the newest known copy of a block is. */
export interface Copies {
  /** `host:port` of the workers that hold it now. */
  readonly workers: readonly string[];
  readonly generation: number;
}

/** Why mounted storage does not have what it is to have, for people; empty: nothing is known. */
export interface ToldTroubles {
  readonly ofFile: (inodeId: number) => string;
  readonly ofMount: (mountId: number) => string;
}

/** What workers have told, which is no part of the state. */
export interface ToldCopies {
  /** @returns undefined: nobody has ever told of it. */
  copiesOf(inodeId: number, index: number): Copies | undefined;
  /** What no worker has told of, none has, of files that were changed before `settledMs`. */
  readonly isComplete: boolean;
  /** Unix milliseconds: blocks that were written later may not have been told of yet. */
  readonly settledMs: number;
  /** So many blocks may be asked for at once. */
  readonly blocksAtOnce: number;
  /** Resolves when as many may be asked for again: what waits for the event loop has had its turn, and no other who asks for blocks goes on in this one. */
  turn(): Promise<void>;
}

export interface ReadContext extends QueryContext {
  readonly copies: ToldCopies;
  /** What a leader has seen, which is no part of the state either. */
  readonly troubles: ToldTroubles;
  /** What is in this file is being read. */
  readonly noteRead: (inode: Inode) => void;
}

export interface PlanContext extends QueryContext {
  /** Leader's time, Unix milliseconds: the entry's. */
  readonly timeMs: number;
  /** Whose call it is; 0: the master's own, or one that names no client. */
  readonly clientId: number;
  /** It names none, and nobody could write on what it leaves open. */
  readonly sessionless?: boolean;
}

/** One entry to append; or nothing to change, and the answer. */
export type Planned = Change | { readonly unchanged: Inode | null };

interface Change {
  readonly entry: EntryBody;
  /** What becomes of mounted storage where something is removed: `stays` as it is, or `goes whole`, what was never looked at with it. */
  readonly storage?: 'stays' | 'goes whole';
}

/** @throws an operating error: the refusal (refusals.ts). */
export type Plan<Request> = (request: Request, state: StateView, context: PlanContext) => Planned;

/** A path followed as far as it exists. */
export interface Resolved {
  readonly path: string;
  readonly names: readonly string[];
  /** The directory that holds the last component found (0 for the root itself). */
  readonly parentId: number;
  /** Name of the last component found; empty for the root. */
  readonly name: string;
  /** The last component found; a file, perhaps, even where more components follow. */
  readonly inode: Inode;
  /** Components that do not exist, highest first; empty: `inode` is what the path names. */
  readonly missing: readonly string[];
  /** The directories on the way, the root first; `inode` is not among them. */
  readonly above: readonly Inode[];
}

/** Follows `path` down from the root. @throws EINVAL, ENAMETOOLONG; EACCES: a directory on the way that the caller may not traverse. */
export function resolve(path: string, state: StateView, context: QueryContext): Resolved {
  return follow(path, parsePath(path), state, context);
}

/** As `resolve`, for the file or directory with this id, wherever it is now. @throws ENOENT; EACCES. */
export function resolveInode(id: number, state: StateView, context: QueryContext): Resolved {
  const names = namesTo(id, state);
  if (names === null) throw refusal('ENOENT', 'no file or directory has this id any longer', '', `inode_id=${id}`);
  return follow(`/${names.join('/')}`, names, state, context);
}

function follow(path: string, names: readonly string[], state: StateView, context: QueryContext): Resolved {
  const above: Inode[] = [];
  let inode = state.root();
  let parentId = 0;
  let name = '';
  for (let depth = 0; depth < names.length; depth++) {
    const next = names[depth] as string;
    if (inode.directory && !mayAccess(inode, context.identity, EXECUTE)) {
      checkAccess(inode, context.identity, EXECUTE, `/${names.slice(0, depth).join('/')}`);
    }
    const child = inode.directory ? state.child(inode.id, next) : null;
    if (child === null) return { path, names, parentId, name, inode, missing: names.slice(depth), above };
    above.push(inode);
    parentId = inode.id;
    name = next;
    inode = child;
  }
  return { path, names, parentId, name, inode, missing: [], above };
}

/** As `resolve`. @throws ENOENT, ENOTDIR as well. */
export function resolveExisting(path: string, state: StateView, context: QueryContext): Resolved {
  const resolved = resolve(path, state, context);
  if (resolved.missing.length === 0) return resolved;
  if (!resolved.inode.directory) throw refusal('ENOTDIR', 'a component of the path is not a directory', path);
  throw refusal('ENOENT', 'path does not exist', path);
}

/** @throws EACCES: nothing may be made in the directory that `resolved` ends in. */
export function checkMayMake({ names, missing, inode }: Resolved, { identity }: QueryContext): void {
  checkAccess(inode, identity, WRITE | EXECUTE, `/${names.slice(0, names.length - missing.length).join('/')}`);
}

/** Of what is to be removed, replaced or renamed. @throws EACCES, EPERM: the directory or its sticky bit does not allow it. */
export function checkMayTakeAway(resolved: Resolved, { identity }: QueryContext): void {
  const directory = resolved.above.at(-1);
  if (directory !== undefined) checkTakeAway(directory, resolved.inode, identity, plainPath(resolved));
}

/** @returns the path as it is told: without a slash at its end. */
export function plainPath({ names }: Pick<Resolved, 'names'>): string {
  return `/${names.join('/')}`;
}

/**
 * As `resolve`, for a path to be made below what exists.
 *
 * @param recursive missing parents are to be made, too. @throws EEXIST; ENOTDIR below a file; ENOENT where the parent is missing.
 */
export function resolveNew(path: string, recursive: boolean, state: StateView, context: QueryContext): Resolved {
  const resolved = resolve(path, state, context);
  const { missing } = resolved;
  if (missing.length === 0) throw refusal('EEXIST', 'path already exists', path);
  checkRoomFor(resolved, recursive);
  return resolved;
}

/** @throws ENOTDIR, ENOENT: what is missing of the path cannot be made below what there is. */
export function checkRoomFor({ path, missing, inode }: Resolved, recursive: boolean): void {
  if (!inode.directory) throw refusal('ENOTDIR', 'the parent is not a directory', path);
  if (missing.length > 1 && !recursive) throw refusal('ENOENT', 'the parent does not exist', path);
}

const INODE_ID_MAX = 2 ** 53 - 2 ** 20;

/** @returns the next inode id; those behind it are free too. @throws `resource_exhausted`. */
export function newInodeIds(state: StateView): number {
  const id = state.nextIds().inodeId;
  if (id > INODE_ID_MAX) throw new UnderstudyError('resource_exhausted', 'all inode ids are used up');
  return id;
}

/** @throws `invalid_argument` unless `mode` is made of permission bits. */
export function checkMode(mode: number): number {
  if (mode > 0o7777) throw new UnderstudyError('invalid_argument', `a mode has twelve bits: mode=${mode.toString(8)}`, { errno: 'EINVAL' });
  return mode;
}

/** @throws `invalid_argument` unless `value` is a whole number from 0 up to 2^53. */
export function checkCount(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new UnderstudyError('invalid_argument', `not a whole number below 2^53: ${what}=${value}`, { errno: 'EINVAL' });
  return value;
}

const PRINCIPAL_BYTES_MAX = 255;

/** @throws `invalid_argument` unless `value` can name a user or group. */
export function checkPrincipal(value: string, what: string): string {
  if (value === '' || Buffer.byteLength(value) > PRINCIPAL_BYTES_MAX) {
    throw new UnderstudyError(
      'invalid_argument',
      `a name of a user or group has 1 to ${PRINCIPAL_BYTES_MAX} bytes: ${what}=${JSON.stringify(value)}`,
      { errno: 'EINVAL' },
    );
  }
  return value;
}
