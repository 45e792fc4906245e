/**
 * The journal of a world, of which each process has a handle that stops with it. Here as in a folder: the production journal on a simulated file
 * system, a local disk or one that hosts share (sim-storage.ts); shared-object-journal.ts has it as on S3.
 */
import type { Clock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { directoryContext } from '../../src/journal/directory-context.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import type { DirectoryJournalSettings } from '../../src/journal/directory-layout.js';
import { highestCommitted, legsBehind } from '../../src/journal/epoch-chain.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { type Batch, GENESIS, type Journal } from '../../src/journal/journal.js';
import { Ledger } from '../../src/journal/ledger.js';
import { LogCursor } from '../../src/journal/log-cursor.js';
import type { JournalIdentity } from '../../src/metadata/flush-mark.js';
import type { SeededRandom } from './seeded-random.js';
import { SimServer } from './sim-files.js';
import type { SimProcess } from './sim-process.js';
import type { StorageTrouble } from './storage-trouble.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorldSettings } from './world-settings.js';

/** Rules left out on purpose, to see the checks find it. */
export interface JournalDefects {
  /** A bucket that creates an object of the log where one stands. */
  readonly noCondition?: boolean;
  /** A folder that hosts share is read through their caches. */
  readonly cachedReads?: boolean;
}

export interface SharedJournal {
  readonly identity: JournalIdentity;
  /** @returns the journal as `process` has it open. */
  open(process: SimProcess): Promise<Journal>;
  /** What was not durable is lost. */
  powerCut(): void;
  /** The host has lost power: what only it knew is lost. */
  vanish(host: string): void;
  /** Has this trouble from now on. @returns what ends it; undefined where this storage does not know it. */
  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined;
  /** Has no trouble any more. */
  mend(): void;
  /** Changes or loses a checkpoint that is not the only one. @returns what became of which; undefined where there is none. */
  damageCheckpoint(random: SeededRandom): string | undefined;
  /** @returns whether the batch with this hash would be there after a power cut now; undefined where that cannot be told. */
  isDurable(hash: Uint8Array): boolean | undefined;
  /** @returns all that was ever committed, collected or not. Takes no virtual time. */
  committed(): Promise<readonly Batch[]>;
}

const FOLDER = '/journal';
const FORMAT = { clusterId: 'simulated', incarnationId: '5'.repeat(32) };
/** A batch of these worlds is small; segments are, so that there are many. */
const BATCH_BYTES_MAX = 64 << 10;
/** 128 MiB. */
const CAPACITY_PAGES = 1 << 15;

export class SharedFolder implements SharedJournal {
  readonly identity = FORMAT;
  readonly #server: SimServer;
  readonly #settings: DirectoryJournalSettings;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #formatted: Promise<unknown>;

  constructor(
    time: VirtualTime,
    random: SeededRandom,
    { storageMs, pollIntervalMs }: WorldSettings,
    { cachedReads = false }: JournalDefects,
  ) {
    const isShared = cachedReads || random.chance(0.5);
    // A reader's patience is some sixty looks; production's default on shared storage, 50 ms, bears 3 s.
    const staleMs = cachedReads ? 3_000 : random.chance(0.3) ? 0 : random.between(1, 20 * pollIntervalMs);
    const storage = {
      kind: isShared ? ('shared' as const) : ('local' as const),
      staleMs: Math.min(staleMs, 3_000),
      unsentMs: random.between(1, 5_000),
      pieceBytes: random.pick([512, 4096]),
      capacityPages: CAPACITY_PAGES,
      latencyMs: storageMs,
    };
    this.#server = new SimServer(storage, { clock: time, random });
    this.#settings = {
      folder: FOLDER,
      segmentBytes: Math.round(random.between(BATCH_BYTES_MAX, 1 << 20)),
      batchBytesMax: BATCH_BYTES_MAX,
      pollIntervalMs,
      markDelayMs: random.between(0.1, 20),
      freeBytesReserve: random.pick([0, 256 << 10]),
      segmentPrefill: random.chance(0.1),
      ...(cachedReads ? { isShared: false } : {}),
    };
    this.#time = time;
    this.#random = random.fork('folder');
    const truth = { files: this.#server.truth(), clock: time, random: this.#random, log: silentLog };
    this.#formatted = formatDirectoryJournal({ ...this.#settings, clusterId: FORMAT.clusterId }, truth, FORMAT);
  }

  async open(process: SimProcess): Promise<Journal> {
    await this.#formatted;
    const { clock, random, log } = process;
    return DirectoryJournal.open(this.#settings, { files: this.#server.files(process), clock, random: random.fork('journal'), log });
  }

  powerCut(): void {
    this.#server.powerCut();
  }

  vanish(host: string): void {
    this.#server.storage.hostCrash(host);
  }

  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined {
    return this.#server.troubles.suffer(trouble, random);
  }

  mend(): void {
    this.#server.troubles.mend();
  }

  damageCheckpoint(): undefined {}

  isDurable(): undefined {}

  async committed(): Promise<readonly Batch[]> {
    const time = this.#time;
    const clock: Clock = {
      wallMs: () => time.wallMs(),
      monotonicMs: () => time.monotonicMs(),
      setTimer: (_, fn) => {
        queueMicrotask(fn);
        return { cancel: () => {} };
      },
      defer: (fn) => queueMicrotask(fn),
    };
    const deps = { files: this.#server.truth(), clock, random: this.#random, log: silentLog };
    const context = directoryContext(this.#settings, deps, true, FORMAT);
    await using ledger = await Ledger.open(context);
    const top = await highestCommitted(context, ledger);
    if (top === undefined) return [];
    const batches: Batch[] = [];
    for (const { slot, limit } of await legsBehind(context, ledger, { slot: top.slot, limit: undefined }, GENESIS)) {
      await using cursor = LogCursor.atStart(context, slot);
      const endSn = limit?.point.sn ?? top.committedSn;
      while (cursor.place.point.sn < endSn) {
        const step = await cursor.next();
        if (step.kind === 'end') throw cursor.damage(`damaged below what is committed: ${step.reason}`);
        batches.push(step.stored.batch);
      }
    }
    return batches;
  }
}
