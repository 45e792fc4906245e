/**
 * Files that would be lost if their mount point were taken away: their storage does not have them yet as they are, for they are to be persisted, or
 * are being written so that they will be.
 *
 * Only going through rows `b` and `o` finds them, which takes too long for a plan. So they are looked for before it, and every such row that is put
 * from the beginning of that look on is noted: what was found or noted is all that there can be, and the plan looks at each of them once more.
 */
import type { Clock } from '../base/clock.js';
import type { KvRange } from '../kv/kv-store.js';
import { inodeById, pathTo } from '../metadata/inode-path.js';
import { decodeId, decodePair, OPEN_FILE_RANGE, type PairKey, splitPair, TO_PERSIST_RANGE } from '../metadata/keys.js';
import { directoryPlace } from '../metadata/mount-place.js';
import { PERSISTENCE } from '../metadata/records.js';
import { refusal } from '../metadata/refusals.js';
import type { Rows } from '../metadata/rows.js';
import type { State } from '../metadata/state.js';
import type { Submission } from './leadership.js';
import type { Replica } from './replica.js';

interface Deps {
  readonly replica: Replica;
  readonly clock: Clock;
}

/** Found, or put during the look: no more are looked for. The plan looks at all of them before the event loop goes on. */
const FILES_MAX = 1_024;
const CHUNK_ROWS = 256;

/**
 * @param mountId which mount point the submission takes away as far as is known now; 0: it is refused now.
 * @returns the same submission, which is refused with EBUSY as long as there are such files, and where it takes another one away. In a fork it goes on:
 *   nothing there is ever persisted.
 */
export async function checkedUnmount(submission: Submission, mountId: number, deps: Deps): Promise<Submission> {
  const { replica } = deps;
  const files = new FilesToLose(mountId, deps);
  try {
    if (mountId !== 0 && !isFork(replica.state)) await files.look();
  } catch (error) {
    files.close();
    throw replica.checked(error);
  }
  return {
    ...submission,
    plan(state, context) {
      const planned = submission.plan(state, context);
      if (!('entry' in planned) || !planned.entry.unmount) return planned;
      const { path = '', unmount } = planned.entry;
      if (unmount.mountId !== mountId) throw refusal('EBUSY', 'the mount table changes: try again', path ?? '');
      if (!isFork(state)) files.check(path ?? '', state);
      return planned;
    },
    settle(refused, answer) {
      files.close();
      submission.settle(refused, answer);
    },
  };
}

function isFork(state: State): boolean {
  return state.forks.get('fork') !== null;
}

class FilesToLose {
  readonly #mountId: number;
  readonly #deps: Deps;
  /** Inodes of those that were found, and of all whose rows were put since. */
  readonly #ids = new Set<number>();
  /** There was no room for one. */
  #isFull = false;
  readonly #stop: readonly (() => void)[];

  constructor(mountId: number, deps: Deps) {
    const { toPersist, openFiles } = deps.replica.state;
    this.#mountId = mountId;
    this.#deps = deps;
    this.#stop = [toPersist.watch((id) => this.#note(id)), openFiles.watch((key) => this.#note(inodeOf(key)))];
  }

  close(): void {
    for (const stop of this.#stop) stop();
  }

  async look(): Promise<void> {
    const { toPersist, openFiles } = this.#deps.replica.state;
    await this.#lookThrough(toPersist, TO_PERSIST_RANGE, decodeId, (id) => id);
    await this.#lookThrough(openFiles, OPEN_FILE_RANGE, decodePair, inodeOf);
  }

  /** @throws EBUSY: there are some, or it cannot be told. */
  check(path: string, state: State): void {
    const found = [...this.#ids].filter((id) => this.#wouldBeLost(id, state));
    const [first] = found;
    if (first !== undefined) {
      const why = 'its storage does not have files below it yet, which have to be persisted (fs persist) or removed before';
      throw refusal('EBUSY', why, path, `files=${found.length}${this.#isFull ? ' or more' : ''} example=${pathTo(first, state)}`);
    }
    if (this.#isFull) throw refusal('EBUSY', 'too many files change at once to tell whether any would be lost: try again', path);
  }

  async #lookThrough<K, V>(rows: Rows<K, V>, range: KvRange, decode: (key: Uint8Array) => K, idOf: (key: K) => number): Promise<void> {
    const { replica } = this.#deps;
    // Nothing happens between these two: a row that neither shows is put later.
    const snapshot = replica.kv.snapshot();
    const changed = [...rows.table.changedKeys()];
    try {
      for await (const chunk of snapshot.rows(range, CHUNK_ROWS)) {
        for (const [key] of chunk) this.#take(idOf(decode(key)));
        await this.#sift();
        if (this.#isFull) return;
      }
    } finally {
      await snapshot.close();
    }
    for (const [at, key] of changed.entries()) {
      if (at % CHUNK_ROWS === 0) await this.#turn();
      this.#take(idOf(key));
    }
    await this.#sift();
  }

  /** Where there are many, forgets those that would not be lost: if that changes, another row is put. */
  async #sift(): Promise<void> {
    if (this.#ids.size < FILES_MAX / 2) return;
    for (const [at, id] of [...this.#ids].entries()) {
      if (at % CHUNK_ROWS === 0) await this.#turn();
      if (!this.#wouldBeLost(id, this.#deps.replica.state)) this.#ids.delete(id);
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#deps.clock.defer(resolve));
  }

  #take(id: number): void {
    if (this.#wouldBeLost(id, this.#deps.replica.state)) this.#note(id);
  }

  #note(id: number): void {
    if (this.#ids.size < FILES_MAX) this.#ids.add(id);
    else this.#isFull = true;
  }

  #wouldBeLost(id: number, state: State): boolean {
    const inode = inodeById(id, state);
    if (inode === null || inode.persistence !== PERSISTENCE.toBePersisted) return false;
    return directoryPlace(state.parentOf(id)?.parentId ?? 0, state)?.mount.id === this.#mountId;
  }
}

function inodeOf(key: PairKey): number {
  return splitPair(key)[1];
}
