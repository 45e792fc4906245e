/**
 * The change feed's view of the journal: which changes of the namespace an entry is, where, and what readers are told of each.
 *
 * An entry that is several changes (a group) is told step by step, numbered as they stand in it. What says no path (bookkeeping, work for under
 * stores) is nothing that concerns one. What is told of an entry leaves out whose call it was and what is secret in it.
 */
import protobuf from 'protobufjs/minimal.js';
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { isError } from '../base/errors.js';
import { checkAccess, EXECUTE, READ } from './access.js';
import { concerns } from './describe-entry.js';
import { type Entry, type EntryKind, kindOf } from './entries.js';
import { withoutMountSecrets } from './mount-secrets.js';
import { type QueryContext, resolve } from './plan.js';
import type { StateView } from './state.js';

/** One change, made ready for whoever wants it. */
export class Change {
  readonly sn: number;
  readonly kind: EntryKind;
  readonly path: string;
  readonly toPath: string;
  readonly #step: number;
  readonly #timeMs: number;
  readonly #entry: Entry;
  #encoded: Uint8Array | null = null;

  constructor(sn: number, step: number, timeMs: number, entry: Entry, kind: EntryKind, path: string, toPath: string) {
    this.sn = sn;
    this.kind = kind;
    this.path = path;
    this.toPath = toPath;
    this.#step = step;
    this.#timeMs = timeMs;
    this.#entry = entry;
  }

  /** A `ChangeEvent`; made once, whoever it is sent to. */
  get encoded(): Uint8Array {
    const { sn, kind, path, toPath } = this;
    this.#encoded ??= encodeMessage(understudy.ChangeEvent, {
      ...{ sn, step: this.#step, timeMs: this.#timeMs, kind, path, toPath },
      entry: encodeMessage(understudy.JournalEntry, shown(this.#entry, this.#timeMs)),
    });
    return this.#encoded;
  }

  /** @returns whether it concerns `path`, which has no slash at its end. */
  concerns(path: string): boolean {
    return concerns(this.kind, this.path, path) || (this.toPath !== '' && concerns(this.kind, this.toPath, path));
  }
}

/** @returns what the committed entry `sn` changes, in order. */
export function changesOf(entry: Entry, sn: number): Change[] {
  const changes: Change[] = [];
  const timeMs = entry.timeMs ?? 0;
  let step = 0;
  const take = (each: Entry, path: string, toPath: string): void => {
    if (each.group) {
      // What a group says of its place, it says of the change that the others follow from.
      (each.group.entries ?? []).forEach((inner, at) => {
        take(inner, inner.path || (at === 0 ? path : ''), inner.toPath || (at === 0 ? toPath : ''));
      });
      return;
    }
    const kind = kindOf(each);
    if (path !== '' && kind !== undefined) changes.push(new Change(sn, step, timeMs, each, kind, path, toPath));
    step += 1;
  };
  take(entry, entry.path ?? '', entry.toPath ?? '');
  return changes;
}

/**
 * Watching a path takes what listing it takes; where it is not there (yet, or any longer), what listing the lowest directory above it takes.
 *
 * @returns the path without a slash at its end. @throws EINVAL, ENAMETOOLONG, EACCES.
 */
export function checkMayWatch(path: string, state: StateView, context: QueryContext): string {
  const { names, missing, inode } = resolve(path, state, context);
  const found = names.slice(0, names.length - missing.length);
  checkAccess(inode, context.identity, inode.directory ? READ | EXECUTE : READ, `/${found.join('/')}`);
  return `/${names.join('/')}`;
}

/** As `checkMayWatch`. */
export function mayWatch(path: string, state: StateView, context: QueryContext): boolean {
  try {
    checkMayWatch(path, state, context);
    return true;
  } catch (error) {
    if (isError(error) && error.errno !== undefined) return false;
    throw error;
  }
}

/**
 * Of what happened below a path, a watcher is told what happened in directories that it may list, as they are now; where one is not there any
 * longer, the lowest above it counts. So nobody learns of others' names, attributes and lists by watching what lies above them.
 *
 * @returns what a watcher of `path` has to be able to look into, one of these; none: nothing more than the path.
 */
export function lookedInto({ kind, path: at, toPath }: Pick<Change, 'kind' | 'path' | 'toPath'>, path: string): readonly string[] {
  const start = path === '/' ? path : `${path}/`;
  const places = [at, toPath].filter((place) => place !== '' && concerns(kind, place, path));
  if (places.some((place) => !place.startsWith(start) || place === path)) return [];
  const tellsOfItself = kind === 'load' || kind === 'setXattr';
  return places.map((place) => (tellsOfItself ? place : place.slice(0, Math.max(1, place.lastIndexOf('/')))));
}

function shown(entry: Entry, timeMs: number): Entry {
  const { setXattr, ...rest } = withoutMountSecrets(entry);
  return {
    ...rest,
    ...{ timeMs, clientId: 0, callId: 0, lowestUnanswered: 0 },
    ...(setXattr ? { setXattr: { ...setXattr, xattrs: { xattrs: (setXattr.xattrs?.xattrs ?? []).filter(isUsers) } } } : {}),
  };
}

/** Those of other namespaces only a superuser may see. */
function isUsers({ name }: understudy.Xattr.$Properties): boolean {
  return name?.startsWith('user.') === true;
}

const EVENTS = 0x0a;
const THROUGH_SN = 0x10;

/** @returns a `WatchItem` with these changes, which were encoded before. */
export function encodeWatchItem(changes: readonly Change[], throughSn: number): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const { encoded } of changes) writer.uint32(EVENTS).bytes(encoded);
  return writer.uint32(THROUGH_SN).uint64(throughSn).finish();
}
