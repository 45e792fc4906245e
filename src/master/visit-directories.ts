/**
 * Visits a directory and all below it, each after the one above it, several at a time, in memory that grows with the depth of the tree alone.
 *
 * A directory's children are looked at after its visit, some at a time, as they are then.
 */
import { type Deferred, deferred } from '../base/wait.js';
import { decodeChildName } from '../metadata/keys.js';
import { Listing } from '../metadata/listing.js';
import { inodeCodec } from '../metadata/records.js';
import type { Replica } from './replica.js';

const ROWS_PER_LOOK = 1_000;

/** A directory whose children are being gone through. */
interface Level {
  readonly id: number;
  after: string;
  isOver: boolean;
  /** Directories among the rows looked at last, the next one last. */
  ids: number[];
}

/** @param parallel visits at a time. @throws what `visit` throws, after those under way have ended; or the signal's reason. */
export async function visitDirectories(
  rootId: number,
  replica: Pick<Replica, 'kv' | 'state'>,
  parallel: number,
  visit: (directoryId: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const walk = new Walk(rootId, replica);
  const work = async () => {
    for (let id = await walk.next(); id !== null; id = await walk.next()) {
      try {
        signal.throwIfAborted();
        await visit(id);
        walk.visited(id);
      } catch (error) {
        walk.stop();
        throw error;
      }
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: parallel }, work));
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
}

class Walk {
  readonly #replica: Pick<Replica, 'kv' | 'state'>;
  readonly #levels: Level[] = [];
  #first: number | null;
  #visiting = 0;
  #isStopped = false;
  /** Resolved when there may be something to do. */
  #changed: Deferred<void> = deferred();
  #looking: Promise<unknown> = Promise.resolve();

  constructor(rootId: number, replica: Pick<Replica, 'kv' | 'state'>) {
    this.#replica = replica;
    this.#first = rootId;
  }

  /** @returns the next directory to visit; null where there is none, and there will be none. */
  async next(): Promise<number | null> {
    for (;;) {
      const found = this.#looking.then(() => this.#take());
      this.#looking = found.catch(() => {});
      const id = await found;
      if (id !== null) return id;
      if (this.#isStopped || this.#visiting === 0) return null;
      await this.#changed.promise;
    }
  }

  visited(id: number): void {
    this.#visiting -= 1;
    this.#levels.push({ id, after: '', isOver: false, ids: [] });
    this.#wake();
  }

  stop(): void {
    this.#visiting -= 1;
    this.#isStopped = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = deferred();
  }

  async #take(): Promise<number | null> {
    if (this.#isStopped) return null;
    let id = this.#first;
    this.#first = null;
    for (let level = this.#levels.at(-1); id === null && level !== undefined; level = this.#levels.at(-1)) {
      id = level.ids.pop() ?? null;
      if (id !== null) break;
      if (level.isOver) this.#levels.splice(this.#levels.indexOf(level), 1);
      else await this.#look(level);
    }
    if (id !== null) this.#visiting += 1;
    else if (this.#visiting === 0) this.#wake();
    return id;
  }

  async #look(level: Level): Promise<void> {
    const { kv, state } = this.#replica;
    await using listing = new Listing(kv, state, level.id, level.after);
    for await (const rows of listing.chunks(ROWS_PER_LOOK)) {
      for (const [key, bytes] of rows) {
        const inode = inodeCodec.decode(bytes);
        if (inode.directory) level.ids.push(inode.id);
        level.after = decodeChildName(key);
      }
      level.ids.reverse();
      return;
    }
    level.isOver = true;
  }
}
