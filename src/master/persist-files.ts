/**
 * Has workers persist the files that are to be: a leader's. What there is to do stands in the state (rows `b`), so that a leader forgets nothing
 * that one before it has begun; who does it stands nowhere. Whoever is told twice, or beside another, writes the same part once more, and the
 * first who commits it (`commitPersist`) has done it.
 *
 * Files that were changed last come as they are, older ones in rounds through the store. Few are under way at each worker. What cannot be done now
 * (a block that no worker has, a mount that is read-only) is looked at again, with a growing pause, and holds up nothing else.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { underFile } from '../metadata/block-locations.js';
import { type BlockRange, blocksOf, blocksWithin } from '../metadata/extents.js';
import { inodeById, pathTo } from '../metadata/inode-path.js';
import { decodeId, encodeToPersistKey, TO_PERSIST_RANGE } from '../metadata/keys.js';
import { directoryPlace } from '../metadata/mount-place.js';
import { partPath } from '../metadata/parts.js';
import { RecentRows } from '../metadata/recent-rows.js';
import type { Inode } from '../metadata/records.js';
import { storedKeys } from '../metadata/scan.js';
import { storedOf } from '../metadata/stored.js';
import { joinUnder } from '../underfs/under-path.js';
import type { Replica } from './replica.js';
import type { StorageTroubles } from './storage-troubles.js';
import type { KnownWorker } from './workers/known-worker.js';
import type { WorkerRoster } from './workers/worker-roster.js';

interface PersistFilesDeps {
  readonly replica: Replica;
  readonly workers: Pick<WorkerRoster, 'list' | 'copiesOf' | 'command' | 'blocksAtOnce' | 'turn'>;
  readonly clusterId: string;
  readonly troubles: StorageTroubles;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 25;
/** While some are under way. */
const SOON_MS = 5;
/** From the end of one round through the store to the next. */
const ROUND_MS = 1_000;
const STORED_MAX = 256;
const CHANGED_MAX = 4_096;
/** As many as a worker writes at once. */
const FILES_PER_WORKER = 4;
/** A file of more is not persisted. */
const BLOCKS_MAX = 10_000;
/** Of a file, spread over it: who has these is taken for who has the file. */
const SAMPLE_BLOCKS = 16;
const WAITING_MAX = 65_536;
const WAIT_MS = 100;
const WAIT_MAX_MS = 30_000;
/** What is tried so often in vain is told. */
const TRIES_TOLD = 6;
/** The same worker is told again, in case it was not told, or has failed. */
const AGAIN_MS = 5_000;
/** Another one is told after this time, and what this many bytes a millisecond take. */
const OTHER_MS = 60_000;
const SLOW_BYTES_PER_MS = 10_000;

interface UnderWay {
  readonly address: string;
  readonly generation: number;
  readonly sinceMs: number;
  readonly patienceMs: number;
  readonly persist: understudy.PersistFile.$Properties;
  againMs: number;
}

interface Waiting {
  readonly tries: number;
  readonly dueMs: number;
  readonly notAt?: string;
  /** Those that could write it, all of which were busy. */
  readonly busyAt?: readonly string[];
}

/** Runs until `signal` is aborted. Never throws. */
export async function persistFiles(deps: PersistFilesDeps, signal: AbortSignal): Promise<void> {
  const files = new FilesToPersist(deps);
  while (!signal.aborted) {
    try {
      await files.look();
    } catch (thrown) {
      const error = deps.replica.checked(thrown);
      if (!signal.aborted) deps.log.warn({ error }, 'a look for files to be persisted failed; it is tried again');
    }
    await sleep(deps.clock, files.underWay > 0 ? SOON_MS : LOOK_MS, signal).catch(() => {});
  }
}

class FilesToPersist {
  readonly #deps: PersistFilesDeps;
  /** By inode. */
  readonly #underWay = new Map<number, UnderWay>();
  readonly #waiting = new RecentRows<number, Waiting>(WAITING_MAX);
  /** How many each worker has, by its address. */
  #loads = new Map<string, number>();
  /** Blocks that were looked for since the event loop was let go. */
  #looked = 0;
  #after = 0;
  /** Of this round. */
  #counted = 0;
  #roundOverMs = Number.NEGATIVE_INFINITY;
  /** Since when the first ones of a round wait as they are, as far as was seen: by inode, monotonic. Ids rise, so that these are among the oldest files. */
  #since: ReadonlyMap<number, { readonly generation: number; readonly sinceMs: number }> = new Map();

  constructor(deps: PersistFilesDeps) {
    this.#deps = deps;
    deps.troubles.waitSeconds = () => {
      const waiting = [...this.#since].filter(([id]) => deps.replica.state.toPersist.get(id) !== null);
      const since = Math.min(...waiting.map(([, { sinceMs }]) => sinceMs));
      return Number.isFinite(since) ? (deps.clock.monotonicMs() - since) / 1_000 : null;
    };
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  async look(): Promise<void> {
    const { replica, workers, clock } = this.#deps;
    const { state } = replica;
    const live = new Map(workers.list().flatMap((worker) => (worker.state === 'LIVE' ? [[worker.address, worker] as const] : [])));
    this.#lookAfter(live);
    if (live.size === 0 || state.frozenBy() !== null) return;
    const nowMs = clock.monotonicMs();
    this.#loads = new Map();
    for (const { address } of this.#underWay.values()) this.#loads.set(address, this.#load(address) + 1);
    const changed: number[] = [];
    for (const id of state.toPersist.table.changedKeys()) {
      if (changed.length === CHANGED_MAX) break;
      changed.push(id);
    }
    const begin = async (ids: readonly number[]): Promise<void> => {
      for (const id of ids) {
        if (this.#underWay.size >= live.size * FILES_PER_WORKER) return;
        const { dueMs = 0, busyAt } = this.#waiting.get(id) ?? {};
        if (this.#underWay.has(id) || dueMs > nowMs || replica.state.toPersist.get(id) === null) continue;
        if (busyAt === undefined || busyAt.some((address) => this.#load(address) < FILES_PER_WORKER)) await this.#begin(id, live);
      }
    };
    await begin(changed);
    await begin(await this.#stored());
  }

  #load(address: string): number {
    return this.#loads.get(address) ?? 0;
  }

  /** @returns some of those in the store: of a round, the next ones. */
  async #stored(): Promise<readonly number[]> {
    const { replica, clock } = this.#deps;
    if (clock.monotonicMs() < this.#roundOverMs + ROUND_MS) return [];
    const range = { gte: encodeToPersistKey(this.#after), lt: TO_PERSIST_RANGE.lt };
    const ids = await storedKeys(replica.kv, range, decodeId, STORED_MAX);
    if (this.#after === 0) {
      const [before, nowMs] = [this.#since, clock.monotonicMs()];
      const waiting = (id: number) => {
        const [known, generation] = [before.get(id), inodeById(id, replica.state)?.generation ?? 0];
        return known?.generation === generation ? known : { generation, sinceMs: nowMs };
      };
      this.#since = new Map(ids.map((id) => [id, waiting(id)]));
    }
    this.#after = (ids.at(-1) ?? 0) + 1;
    this.#counted += ids.length;
    if (ids.length < STORED_MAX) {
      this.#after = 0;
      this.#deps.troubles.filesWaiting = this.#counted;
      this.#counted = 0;
      this.#roundOverMs = clock.monotonicMs();
    }
    return ids;
  }

  /** Those under way: done, told again, or given to another. */
  #lookAfter(live: ReadonlyMap<string, KnownWorker>): void {
    const { replica, clock, log } = this.#deps;
    for (const worker of live.values()) {
      for (const { inodeId, generation, reason } of worker.takeFailures()) {
        const file = this.#underWay.get(inodeId);
        if (file?.address !== worker.address || file.generation !== generation) continue;
        this.#underWay.delete(inodeId);
        this.#wait(inodeId, `${reason} (worker ${worker.address})`, worker.address);
      }
    }
    const nowMs = clock.monotonicMs();
    for (const [id, file] of this.#underWay) {
      const worker = live.get(file.address);
      const isStuck = nowMs - file.sinceMs > file.patienceMs;
      if (inodeById(id, replica.state)?.generation !== file.generation || replica.state.toPersist.get(id) === null) {
        this.#underWay.delete(id);
        this.#deps.troubles.fileIsOver(id);
      } else if (worker === undefined || isStuck) {
        this.#underWay.delete(id);
        const why = worker === undefined ? 'it is not there' : 'it takes too long';
        log.warn({ inodeId: id, worker: file.address, why }, 'a worker has not persisted a file; another is to');
        this.#waiting.set(id, { tries: 0, dueMs: 0, notAt: file.address });
        this.#deps.troubles.noteFile(id, `${why} (worker ${file.address})`);
      } else if (nowMs >= file.againMs) {
        file.againMs = nowMs + AGAIN_MS;
        this.#deps.workers.command(worker, { persist: file.persist });
      }
    }
  }

  async #begin(id: number, live: ReadonlyMap<string, KnownWorker>): Promise<void> {
    const { clock, workers } = this.#deps;
    const nowMs = clock.monotonicMs();
    await this.#letGo();
    const { tries = 0, notAt } = this.#waiting.get(id) ?? {};
    const able = this.#able(id, live, notAt);
    if (able.length === 0) return this.#wait(id, 'no worker that is live has any of its blocks');
    const worker = able.find(({ address }) => this.#load(address) < FILES_PER_WORKER);
    if (worker === undefined) {
      const busyAt = able.map(({ address }) => address);
      return void this.#waiting.set(id, { tries, dueMs: 0, busyAt, ...(notAt === undefined ? {} : { notAt }) });
    }
    const persist = await this.#commandFor(id);
    if (persist === null) return;
    if (typeof persist === 'string') return this.#wait(id, persist);
    if (!workers.command(worker, { persist })) return;
    this.#loads.set(worker.address, this.#load(worker.address) + 1);
    this.#waiting.set(id, { tries, dueMs: 0 });
    const { generation = 0, length = 0 } = persist;
    const patienceMs = OTHER_MS + (length ?? 0) / SLOW_BYTES_PER_MS;
    const { address } = worker;
    this.#underWay.set(id, { address, generation: generation ?? 0, sinceMs: nowMs, patienceMs, persist, againMs: nowMs + AGAIN_MS });
  }

  #wait(id: number, why: string, notAt?: string): void {
    const { clock, log, replica, troubles } = this.#deps;
    const tries = (this.#waiting.get(id)?.tries ?? 0) + 1;
    const dueMs = clock.monotonicMs() + Math.min(WAIT_MS * 2 ** tries, WAIT_MAX_MS);
    this.#waiting.set(id, { tries, dueMs, ...(notAt === undefined ? {} : { notAt }) });
    troubles.noteFile(id, why);
    if (tries === TRIES_TOLD)
      log.warn({ inodeId: id, path: pathTo(id, replica.state), why }, 'a file cannot be persisted; it is tried again');
  }

  /** Lets others have the event loop where enough was looked for in this turn. */
  async #letGo(): Promise<void> {
    const { workers } = this.#deps;
    if (this.#looked < workers.blocksAtOnce) return;
    await workers.turn();
    this.#looked = 0;
  }

  /** @returns why it cannot be persisted now, in words; null where it is another by now. */
  async #commandFor(id: number): Promise<understudy.PersistFile.$Properties | string | null> {
    const { replica, workers, clusterId } = this.#deps;
    const inode = inodeById(id, replica.state);
    const { parentId = 0, name = '' } = replica.state.parentOf(id) ?? {};
    const place = directoryPlace(parentId, replica.state);
    if (inode === null || place === null) return 'it lies below no mount point';
    if (place.mount.readOnly) return 'the mount is read-only';
    const { length, blockBytes, generation } = inode;
    if (blocksOf(length, blockBytes) > BLOCKS_MAX) return `it has more than ${BLOCKS_MAX} blocks`;
    const blocks: understudy.BlockLocation.$Properties[] = [];
    const stored = storedOf(inode);
    for (const block of blocksWithin(inode, 0, length, BLOCKS_MAX)) {
      await this.#letGo();
      this.#looked += 1;
      const copies = workers.copiesOf(block.inodeId, block.index);
      const isStored = stored !== null && block.offset + block.length <= stored.same;
      if (copies !== undefined && copies.workers.length > 0) {
        blocks.push({ ...block, workers: [...copies.workers], generation: copies.generation });
      } else if (isStored) blocks.push({ ...block, workers: [], generation: stored.generation });
      else return `no worker that is live has a block: index=${block.index}`;
    }
    if (inodeById(id, replica.state)?.generation !== generation || replica.state.toPersist.get(id) === null) return null;
    const part = partPath({ clusterId, inodeId: id, generation });
    const under = stored && underFile({ mount: place.mount, under: joinUnder(place.under, name) }, stored);
    return { inodeId: id, generation, mountId: place.mount.id, part, length, blocks, under };
  }

  /** @returns those that could write it: who holds most of it comes first; of those that hold as much, who has less to do. */
  #able(id: number, live: ReadonlyMap<string, KnownWorker>, notAt: string | undefined): readonly KnownWorker[] {
    const { replica, workers } = this.#deps;
    const inode = inodeById(id, replica.state);
    const sample = inode === null ? [] : sampleOf(inode);
    const held = new Map<string, number>();
    for (const { inodeId, index } of sample) {
      this.#looked += 1;
      for (const address of workers.copiesOf(inodeId, index)?.workers ?? []) held.set(address, (held.get(address) ?? 0) + 1);
    }
    const holders = [...live.values()].filter(({ address }) => held.has(address));
    const isWhole = inode !== null && blocksOf(inode.length, inode.blockBytes) <= SAMPLE_BLOCKS;
    const able = holders.length > 0 || (isWhole && held.size > 0) ? holders : [...live.values()];
    const others = able.filter(({ address }) => address !== notAt);
    const most = (a: KnownWorker, b: KnownWorker) =>
      (held.get(b.address) ?? 0) - (held.get(a.address) ?? 0) || this.#load(a.address) - this.#load(b.address);
    return (others.length > 0 ? others : able).sort(most);
  }
}

/** @returns all blocks of a small file; of a larger one some, the last among them. */
function sampleOf(inode: Inode): readonly BlockRange[] {
  const { length, blockBytes } = inode;
  if (blocksOf(length, blockBytes) <= SAMPLE_BLOCKS) return blocksWithin(inode, 0, length, SAMPLE_BLOCKS);
  return Array.from({ length: SAMPLE_BLOCKS }, (_, at) => length - 1 - Math.floor((at * length) / SAMPLE_BLOCKS)).flatMap((from) =>
    blocksWithin(inode, from, from + 1, 1),
  );
}
