/**
 * The state: everything the journal's entries have made, as of one sequence number.
 *
 * It is changed by `apply` alone (src/metadata/apply.ts), one entry after the other, synchronously, on every master alike (I4). A leader
 * applies an entry before it is durable; what is not committed can be taken back (`rollBack`). Rows reach the store behind all this,
 * through `WriteBehind`.
 */
import { UnderstudyError } from '../base/errors.js';
import type { KvStore } from '../kv/kv-store.js';
import type { ChangedChild } from './changed-children.js';
import { type Config, configCodec, NO_CONFIG } from './cluster-config.js';
import { type Cursor, cursorCodec, cursorNamesCodec } from './cursors.js';
import { type Features, featuresCodec, NO_FEATURES } from './features.js';
import { type Fork, forkCodec } from './fork.js';
import { type Freeze, freezeCodec } from './freeze.js';
import {
  CALL_WINDOW,
  type ChildKey,
  CONFIG_KEY,
  CURSOR_NAMES_KEY,
  childKey,
  encodeChildKey,
  encodeCursorKey,
  encodeDetachedKey,
  encodeExpiryKey,
  encodeMountKey,
  encodeOpenFileKey,
  encodeParentKey,
  encodeResultKey,
  encodeSessionKey,
  encodeToPersistKey,
  encodeUsageKey,
  encodeWorkKey,
  encodeXattrsKey,
  FEATURES_KEY,
  FORK_KEY,
  FREEZE_KEY,
  NEXT_IDS_KEY,
  type PairKey,
  RETENTION_KEY,
  resultSlot,
} from './keys.js';
import { type Mount, mountCodec, type UnderWork, underWorkCodec } from './mounts.js';
import {
  type CallResult,
  type ClientSession,
  type Inode,
  inodeCodec,
  type NextIds,
  NO_RETENTION,
  nextIdsCodec,
  type Parent,
  parentCodec,
  presenceCodec,
  type RetentionRecord,
  resultCodec,
  retentionCodec,
  sessionCodec,
} from './records.js';
import { type Change, type RowTable, RowTable as Table } from './row-table.js';
import { Rows, type Undo } from './rows.js';
import { lessUsage, NO_USAGE, type Usage, usageCodec, withUsage } from './usage.js';
import { type Xattrs, xattrsCodec } from './xattrs.js';

export const ROOT_ID = 1;
/** The root hangs below no directory, under no name. */
const ROOT_KEY = childKey(0, '');

export interface StateSettings {
  /** Decoded inodes kept in memory beyond the changed ones. */
  readonly inodeCacheMax: number;
}

/** Outcomes of calls kept decoded beyond the changed ones: each slot of a busy client's ring is overwritten again and again. */
const RESULTS_RECENT_MAX = 4 * CALL_WINDOW;
/** But for those of so many steps. */
const RESULT_INODES_RECENT_MAX = 8;
/** Runs of blocks of an inode that is kept decoded beyond the changed ones. */
const INODE_EXTENTS_RECENT_MAX = 64;

const NONE_CHANGED: readonly ChangedChild[] = [];

/** What plans and queries may look at. */
export type StateView = Pick<
  State,
  | 'child'
  | 'root'
  | 'parentOf'
  | 'session'
  | 'result'
  | 'nextIds'
  | 'isDetached'
  | 'sn'
  | 'timeMs'
  | 'allMounts'
  | 'config'
  | 'features'
  | 'frozenBy'
> & {
  readonly [Name in 'usages' | 'xattrs' | 'openFiles' | 'mounts' | 'work' | 'cursors' | 'cursorNames' | 'forks']: Pick<State[Name], 'get'>;
};

/** The changes of one generation, table by table. */
export type TableChanges = readonly { readonly table: AnyTable; readonly changes: ReadonlyMap<unknown, Change<unknown>> }[];
type AnyTable = Pick<RowTable<unknown, unknown>, 'encodeKey' | 'codec' | 'settle'>;

export interface StatePosition {
  /** Last entry applied. */
  readonly sn: number;
  /** Newest claim applied. */
  readonly epoch: number;
  /** Time of the last entry applied, Unix milliseconds. */
  readonly timeMs: number;
  /** `host:port` of the master that made the newest claim. */
  readonly leaderAddress: string;
}

export class State {
  readonly #children: RowTable<ChildKey, Inode>;
  readonly #parents: RowTable<number, Parent>;
  readonly #sessions: RowTable<number, ClientSession>;
  readonly #results: RowTable<number, CallResult>;
  readonly #next: RowTable<'next', NextIds>;
  readonly #retention: RowTable<'retention', RetentionRecord>;
  readonly #configs: RowTable<'config', Config>;
  readonly #featureRows: RowTable<'features', Features>;
  /** By directory; absent where nothing is below it. */
  readonly usages: Rows<number, Usage>;
  /** By inode. */
  readonly xattrs: Rows<number, Xattrs>;
  /** Client, inode: files that are being written. */
  readonly openFiles: Rows<PairKey, true>;
  /** Unix milliseconds, inode. */
  readonly expiries: Rows<PairKey, true>;
  readonly mounts: Rows<number, Mount>;
  /** Mount, number of the work. */
  readonly work: Rows<PairKey, UnderWork>;
  readonly cursors: Rows<string, Cursor>;
  /** In byte order; absent where there are none. */
  readonly cursorNames: Rows<'cursors', readonly string[]>;
  /** Looked at with every change; absent where the namespace is not frozen. */
  readonly freezes: Rows<'freeze', Freeze>;
  readonly forks: Rows<'fork', Fork>;
  readonly detached: Rows<number, true>;
  /** Complete files that are TO_BE_PERSISTED, by inode: since the feature `persist` is on. */
  readonly toPersist: Rows<number, true>;
  readonly #tables: readonly RowTable<never, never>[];
  /** That row, read once: it is looked at with every batch, where nothing may fail. */
  #kept: RetentionRecord;
  /** Likewise: it is looked at with every change. */
  #config: Config;
  #features: Features;
  /** Children changed below a directory, generation by generation, the current one last. */
  #changedChildren: Map<number, ChangedChild[]>[] = [new Map()];
  /** Counts the freezes. */
  #generation = 0;
  #undo: Undo[] | null = null;

  sn: number;
  epoch: number;
  timeMs: number;
  leaderAddress: string;
  /** Last entry that was more than bookkeeping; where that is not known, one that may have been. May be one that was taken back. */
  changedSn: number;
  /** A digest entry stands in the batch being applied: its end is a boundary (src/metadata/write-behind.ts). */
  digestDue = false;
  /** The leader's digest of an earlier boundary, as the last digest entry told it. */
  expectedDigest: { ofSn: number; low: number; high: number } | null = null;

  /** The state that `kv` holds, which is that as of `at`. @throws `corrupt` where it is damaged. */
  constructor(settings: StateSettings, kv: KvStore, at: StatePosition) {
    this.sn = at.sn;
    this.changedSn = at.sn;
    this.epoch = at.epoch;
    this.timeMs = at.timeMs;
    this.leaderAddress = at.leaderAddress;
    const isLargeInode = ({ more }: Inode) => more !== null && more.extents.length > INODE_EXTENTS_RECENT_MAX;
    const childSettings = { encodeKey: encodeChildKey, codec: inodeCodec, recentMax: settings.inodeCacheMax, isLarge: isLargeInode };
    this.#children = new Table(childSettings, kv);
    this.#parents = new Table(
      { encodeKey: encodeParentKey, codec: parentCodec, recentMax: settings.inodeCacheMax / 4, keepsWritten: false },
      kv,
    );
    this.#sessions = new Table({ encodeKey: encodeSessionKey, codec: sessionCodec, recentMax: 1024 }, kv);
    const isLarge = ({ inode, inodes }: CallResult) => inodes.length > RESULT_INODES_RECENT_MAX || (inode !== null && isLargeInode(inode));
    this.#results = new Table({ encodeKey: encodeResultKey, codec: resultCodec, recentMax: RESULTS_RECENT_MAX, isLarge }, kv);
    this.#next = new Table({ encodeKey: () => NEXT_IDS_KEY, codec: nextIdsCodec, recentMax: 1 }, kv);
    this.#retention = new Table({ encodeKey: () => RETENTION_KEY, codec: retentionCodec, recentMax: 1 }, kv);
    this.#configs = new Table({ encodeKey: () => CONFIG_KEY, codec: configCodec, recentMax: 1 }, kv);
    this.#featureRows = new Table({ encodeKey: () => FEATURES_KEY, codec: featuresCodec, recentMax: 1 }, kv);
    const rows = <K, V>(table: RowTable<K, V>) => new Rows(table, (undo) => void this.#undo?.push(undo));
    this.usages = rows(new Table({ encodeKey: encodeUsageKey, codec: usageCodec, recentMax: settings.inodeCacheMax / 4 }, kv));
    this.xattrs = rows(new Table({ encodeKey: encodeXattrsKey, codec: xattrsCodec, recentMax: 64 }, kv));
    this.openFiles = rows(new Table({ encodeKey: encodeOpenFileKey, codec: presenceCodec, recentMax: 64 }, kv));
    this.expiries = rows(new Table({ encodeKey: encodeExpiryKey, codec: presenceCodec, recentMax: 64 }, kv));
    this.mounts = rows(new Table({ encodeKey: encodeMountKey, codec: mountCodec, recentMax: 16_384, keepsAbsent: true }, kv));
    this.work = rows(new Table({ encodeKey: encodeWorkKey, codec: underWorkCodec, recentMax: 1024 }, kv));
    this.cursors = rows(new Table({ encodeKey: encodeCursorKey, codec: cursorCodec, recentMax: 64 }, kv));
    this.cursorNames = rows(new Table({ encodeKey: () => CURSOR_NAMES_KEY, codec: cursorNamesCodec, recentMax: 1 }, kv));
    this.freezes = rows(new Table({ encodeKey: () => FREEZE_KEY, codec: freezeCodec, recentMax: 4, keepsAbsent: true }, kv));
    this.forks = rows(new Table({ encodeKey: () => FORK_KEY, codec: forkCodec, recentMax: 4, keepsAbsent: true }, kv));
    this.detached = rows(new Table({ encodeKey: encodeDetachedKey, codec: presenceCodec, recentMax: 16 }, kv));
    this.toPersist = rows(new Table({ encodeKey: encodeToPersistKey, codec: presenceCodec, recentMax: 64 }, kv));
    const ofInodes = [this.usages, this.xattrs, this.openFiles, this.expiries, this.detached, this.toPersist];
    const named = [...ofInodes, this.mounts, this.work, this.cursors, this.cursorNames, this.freezes, this.forks];
    const singles = [this.#next, this.#retention, this.#configs, this.#featureRows];
    this.#tables = [this.#children, this.#parents, this.#sessions, this.#results, ...singles, ...named.map(({ table }) => table)] as never;
    this.#kept = this.#retention.get('retention') ?? NO_RETENTION;
    this.#config = this.#configs.get('config') ?? NO_CONFIG;
    this.#features = this.#featureRows.get('features') ?? NO_FEATURES;
  }

  /** @returns where it stands. */
  position(): StatePosition {
    return { sn: this.sn, epoch: this.epoch, timeMs: this.timeMs, leaderAddress: this.leaderAddress };
  }

  // Looking

  /** @returns the inode called `name` in the directory `parentId`, or null. */
  child(parentId: number, name: string): Inode | null {
    return this.#children.get(childKey(parentId, name));
  }

  /** @throws `unavailable` before the first claim has made it. */
  root(): Inode {
    const root = this.#children.get(ROOT_KEY);
    if (root === null) throw new UnderstudyError('unavailable', 'the namespace is empty: no master has led yet');
    return root;
  }

  hasRoot(): boolean {
    return this.#children.get(ROOT_KEY) !== null;
  }

  parentOf(id: number): Parent | null {
    return this.#parents.get(id);
  }

  session(clientId: number): ClientSession | null {
    return this.#sessions.get(clientId);
  }

  /** @returns the outcome of that call, or null where it is not known (any longer). */
  result(clientId: number, callId: number): CallResult | null {
    const result = this.#results.get(resultSlot(clientId, callId));
    return result?.callId === callId ? result : null;
  }

  nextIds(): NextIds {
    return this.#next.get('next') ?? { inodeId: ROOT_ID, clientId: 1, clients: 0, mountId: 1 };
  }

  /** What the journal keeps, as the newest entry about it says. */
  retention(): RetentionRecord {
    return this.#kept;
  }

  /** The settings that stand in the journal: the same object until they change. */
  config(): Config {
    return this.#config;
  }

  /** What is switched on in this journal, by name. */
  features(): Features {
    return this.#features;
  }

  /** Who made the namespace read only; null where it is not. */
  frozenBy(): Freeze | null {
    return this.freezes.get('freeze');
  }

  isDetached(id: number): boolean {
    return this.detached.get(id) !== null;
  }

  /** @returns all mount points, in the order in which they were made. */
  allMounts(): Mount[] {
    const found: Mount[] = [];
    for (let id = 1; id < this.nextIds().mountId; id++) {
      const mount = this.mounts.get(id);
      if (mount !== null) found.push(mount);
    }
    return found;
  }

  /** Children of the directory `parentId` whose rows differ from the store's, or may, by generations, the current one last; in no order, once in each. */
  changedChildren(parentId: number): readonly (readonly ChangedChild[])[] {
    return this.#changedChildren.map((generation) => generation.get(parentId) ?? NONE_CHANGED);
  }

  /** @returns the inode of the directory `id` with the place where it hangs. @throws `corrupt` where there is none: an entry names it. */
  directory(id: number): { inode: Inode; parentId: number; name: string } {
    if (id === ROOT_ID) return { inode: this.root(), parentId: 0, name: '' };
    const parent = this.#parents.get(id);
    const inode = parent && this.child(parent.parentId, parent.name);
    if (!inode || inode.id !== id) throw new UnderstudyError('corrupt', `no such directory in the state: id=${id}`);
    return { inode, parentId: parent.parentId, name: parent.name };
  }

  // Changing: `before` is the row as it is now

  putChild(parentId: number, name: string, after: Inode | null, before: Inode | null): void {
    const change = this.#put(this.#children, childKey(parentId, name), after, before);
    if (change === null) return;
    const current = this.#changedChildren[this.#changedChildren.length - 1] as Map<number, ChangedChild[]>;
    const list = current.get(parentId);
    const child = { name, change, generation: this.#generation };
    if (list === undefined) current.set(parentId, [child]);
    else list.push(child);
  }

  /** Adds `more` to the usage of a directory and of all above it. @throws `corrupt` where it hangs nowhere. */
  charge(directoryId: number, more: Usage): void {
    this.#charge(directoryId, more);
    // Changes are taken back newest first: the directories hang then as they do now.
    this.#undo?.push({ restore: () => this.#charge(directoryId, lessUsage(NO_USAGE, more)) });
  }

  /** Takes `less` from it. */
  discharge(directoryId: number, less: Usage): void {
    this.charge(directoryId, lessUsage(NO_USAGE, less));
  }

  #charge(directoryId: number, more: Usage): void {
    const { table } = this.usages;
    const add = (before: Usage | null) => withUsage(before, more);
    for (let id = directoryId; ; ) {
      table.update(id, add);
      if (id === ROOT_ID) return;
      const parent = this.#parents.get(id);
      if (parent === null) throw new UnderstudyError('corrupt', `directory hangs nowhere: sn=${this.sn} id=${id}`);
      id = parent.parentId;
    }
  }

  putParent(id: number, after: Parent | null, before: Parent | null): void {
    this.#put(this.#parents, id, after, before);
  }

  putSession(clientId: number, after: ClientSession | null, before: ClientSession | null): void {
    this.#put(this.#sessions, clientId, after, before);
  }

  /** @returns whether that slot of a client's ring (resultSlot) holds the outcome of any call. */
  hasResultAt(slot: number): boolean {
    return this.#results.get(slot) !== null;
  }

  putResult(slot: number, after: CallResult | null): void {
    this.#put(this.#results, slot, after, this.#results.get(slot));
  }

  putNextIds(after: NextIds): void {
    this.#put(this.#next, 'next', after, this.#next.get('next'));
  }

  putRetention(after: RetentionRecord): void {
    const before = this.#kept;
    this.#put(this.#retention, 'retention', after, before === NO_RETENTION ? null : before);
    this.#undo?.push({
      restore: () => {
        this.#kept = before;
      },
    });
    this.#kept = after;
  }

  putConfig(after: Config): void {
    const before = this.#config;
    const row = (config: Config) => (config.places.length === 0 ? null : config);
    this.#put(this.#configs, 'config', row(after), row(before));
    this.#undo?.push({
      restore: () => {
        this.#config = before;
      },
    });
    this.#config = after;
  }

  putFeatures(after: Features): void {
    const before = this.#features;
    this.#put(this.#featureRows, 'features', after, before === NO_FEATURES ? null : before);
    this.#undo?.push({
      restore: () => {
        this.#features = before;
      },
    });
    this.#features = after;
  }

  // Taking back

  /** From now on changes are remembered, in marks, so that they can be taken back. */
  record(): void {
    this.#undo = [];
  }

  /** Stops remembering: what is there stays. */
  stopRecording(): void {
    this.#undo = null;
  }

  /** @returns a mark: how many changes are remembered. */
  undoLength(): number {
    return this.#undo?.length ?? 0;
  }

  /** The first `count` remembered changes are committed. */
  forget(count: number): void {
    this.#undo?.splice(0, count);
  }

  /** Takes back the remembered changes, newest first, but for the first `keep`, and returns to `at`. Keeps recording. */
  rollBack(at: StatePosition, keep = 0): void {
    const undo = this.#undo?.splice(keep) ?? [];
    const kept = this.#undo;
    this.#undo = null;
    for (let i = undo.length - 1; i >= 0; i--) undo[i]?.restore();
    this.#undo = kept;
    this.sn = at.sn;
    this.epoch = at.epoch;
    this.timeMs = at.timeMs;
    this.leaderAddress = at.leaderAddress;
    this.digestDue = false;
  }

  /**
   * @returns what `work` does, which changes rows: when this returns, or throws, they are as they were before, as if it had not run. Nothing of
   * a trial is remembered, frozen or listed, and it costs what it changes. Trials do not overlap, nor hold each other.
   */
  trial<T>(work: () => T): T {
    const undo = this.#undo;
    this.#undo = null;
    for (const table of this.#tables) table.beginTrial();
    try {
      return work();
    } finally {
      for (const table of this.#tables) table.endTrial();
      this.#undo = undo;
    }
  }

  /** How the rows that are kept decoded have served, since this state was made. */
  caches() {
    return {
      inodes: this.#children.cache,
      parents: this.#parents.cache,
      results: this.#results.cache,
      usages: this.usages.table.cache,
      mounts: this.mounts.table.cache,
    };
  }

  // Generations, for the write-behind

  get changedRows(): number {
    let rows = 0;
    for (const table of this.#tables) rows += table.changedRows;
    return rows;
  }

  /** Begins a new generation. @returns the changes of the one that ends. */
  freeze(): TableChanges {
    this.#generation += 1;
    this.#changedChildren.push(new Map());
    return this.#tables.map((table) => ({ table, changes: table.freeze() }) as never);
  }

  /** The oldest frozen generation is in the store. */
  flushed(): void {
    this.#changedChildren.shift();
    for (const table of this.#tables) table.flushed();
  }

  /** Folds the newest frozen generation back into the current one. */
  unfreeze(): void {
    const current = this.#changedChildren.pop() as Map<number, ChangedChild[]>;
    const older = this.#changedChildren[this.#changedChildren.length - 1] as Map<number, ChangedChild[]>;
    for (const table of this.#tables) table.unfreeze();
    for (const [parentId, children] of current) {
      // Those that the older generation had changed too are listed there.
      const fresh = children.filter(({ name, change }) => this.#children.isCurrent(childKey(parentId, name), change));
      older.set(parentId, (older.get(parentId) ?? []).concat(fresh));
    }
  }

  #put<K, V>(table: RowTable<K, V>, key: K, after: V | null, before: V | null): Change<V> | null {
    this.#undo?.push({ restore: () => table.put(key, before, after) });
    return table.put(key, after, before);
  }
}
