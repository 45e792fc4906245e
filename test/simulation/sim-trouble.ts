/**
 * What is wrong with the simulated storage now (storage-trouble.ts), and what that does to an operation.
 */
import type { SeededRandom } from './seeded-random.js';
import type { SimStorage } from './sim-storage.js';
import { LATE_MS, type StorageTrouble } from './storage-trouble.js';

export type FileOperation =
  | 'open'
  | 'close'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'create'
  | 'remove'
  | 'rename'
  | 'mkdir'
  | 'list'
  | 'stat'
  | 'statfs';

/** What becomes of an operation: as much as `share` is done, in time or late; then it fails, where an errno is given. */
export interface Fate {
  readonly share: number;
  readonly errno?: string;
  readonly lateMs?: number;
  /** It takes longer by this. */
  readonly delayMs?: number;
}

interface Suffered {
  readonly trouble: StorageTrouble;
  readonly random: SeededRandom;
  /** Of the operations that meet it. */
  readonly share: number;
}

const READS: ReadonlySet<FileOperation> = new Set(['open', 'read', 'list', 'stat']);
const CHANGES: ReadonlySet<FileOperation> = new Set(['write', 'sync', 'truncate', 'create', 'remove', 'rename', 'mkdir']);
const SOFT_TIMEOUT_MS = [200, 4_000] as const;

export class SimTroubles {
  slowness = 1;
  readonly #storage: SimStorage;
  readonly #random: SeededRandom;
  readonly #reachable: () => void;
  readonly #suffered = new Set<Suffered>();
  /** Hosts that do not reach the storage; how often each was cut off. */
  readonly #cutOff = new Map<string, number>();
  #isGone = false;

  /** @param reachable called when hosts that were cut off reach the storage again. */
  constructor(storage: SimStorage, random: SeededRandom, reachable: () => void) {
    this.#storage = storage;
    this.#random = random;
    this.#reachable = reachable;
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  /** @returns what ends it; undefined where this storage does not know such trouble. */
  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined {
    const storage = this.#storage;
    const isLocal = storage.isLocal;
    switch (trouble) {
      case 'twice':
      case 'partial':
      case 'throttled':
        return undefined;
      case 'full':
        storage.withheldPages = Math.max(0, storage.freePages - Math.floor(random.between(1, 300)) + 1);
        return () => {
          storage.withheldPages = 0;
        };
      case 'read-only':
        storage.isReadOnly = true;
        return () => {
          storage.isReadOnly = false;
        };
      case 'slow':
        this.slowness = random.between(2, 100);
        return () => {
          this.slowness = 1;
        };
      case 'stale':
        if (isLocal) return undefined;
        storage.staleness = random.between(1, 8);
        return () => {
          storage.staleness = 1;
        };
      case 'gone':
        if (!isLocal && random.chance(0.5)) {
          this.#isGone = true;
          return () => {
            this.#isGone = false;
            this.#reachable();
          };
        }
        break;
      case 'late':
      case 'unanswered':
        if (isLocal) return undefined;
    }
    const suffered = { trouble, random, share: random.between(0.02, 1) };
    this.#suffered.add(suffered);
    return () => this.#suffered.delete(suffered);
  }

  /** The host does not reach the storage: what it asks for waits. @returns what ends it; undefined on a local disk. */
  cutOff(host: string): (() => void) | undefined {
    if (this.#storage.isLocal) return undefined;
    this.#cutOff.set(host, (this.#cutOff.get(host) ?? 0) + 1);
    return () => {
      const times = this.#cutOff.get(host) ?? 0;
      if (times > 1) this.#cutOff.set(host, times - 1);
      else if (this.#cutOff.delete(host)) this.#reachable();
    };
  }

  isCutOff(host: string): boolean {
    return this.#isGone || this.#cutOff.has(host);
  }

  mend(): void {
    this.#suffered.clear();
    this.#cutOff.clear();
    this.#isGone = false;
    this.slowness = 1;
    this.#storage.withheldPages = 0;
    this.#storage.isReadOnly = false;
    this.#storage.staleness = 1;
    this.#reachable();
  }

  /** @returns undefined: it is done. */
  fate(kind: FileOperation): Fate | undefined {
    if (kind === 'close') return undefined;
    for (const suffered of this.#suffered) {
      const fate = this.#fateBy(suffered, kind);
      if (fate !== undefined) return fate;
    }
    return undefined;
  }

  #fateBy({ trouble, random, share }: Suffered, kind: FileOperation): Fate | undefined {
    const changes = CHANGES.has(kind);
    if (trouble === 'gone') {
      if (this.#storage.isLocal) return { share: 0, errno: 'EIO' };
      return this.#timedOut(random, changes && random.chance(0.3));
    }
    if (trouble === 'unreadable')
      return READS.has(kind) && random.chance(share) ? { share: 0, errno: random.pick(['EIO', 'EACCES']) } : undefined;
    if (trouble === 'unsynced')
      return kind === 'sync' && random.chance(share) ? { share: random.float(), errno: random.pick(['EIO', 'ENOSPC']) } : undefined;
    if (trouble === 'late') return changes && random.chance(share) ? this.#timedOut(random, true) : undefined;
    if (trouble === 'unanswered') {
      if (!changes || !random.chance(share)) return undefined;
      return { share: 1, errno: 'ETIMEDOUT', delayMs: random.between(...SOFT_TIMEOUT_MS) };
    }
    if (!random.chance(0.3 * share)) return undefined;
    if (kind === 'read')
      return random.chance(0.5)
        ? { share: random.float() }
        : { share: 0, errno: this.#storage.isLocal ? 'EIO' : random.pick(['EIO', 'ESTALE']) };
    return {
      share: changes ? random.pick([0, random.float(), 1]) : 0,
      errno: random.pick(['EIO', 'EIO', 'ENOSPC', this.#storage.isLocal ? 'EIO' : 'ESTALE']),
    };
  }

  #timedOut(random: SeededRandom, isLate: boolean): Fate {
    const fate = { share: 0, errno: 'ETIMEDOUT', delayMs: random.between(...SOFT_TIMEOUT_MS) };
    return isLate ? { ...fate, lateMs: random.between(...LATE_MS) } : fate;
  }
}
