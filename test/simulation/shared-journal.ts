/**
 * The journal of a world, of which each process has a handle that stops with it. Here as in a folder: the production journal on a simulated file
 * system, a local disk or one that hosts share (sim-storage.ts); shared-object-journal.ts has it as on S3.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../../src/base/clock.js';
import { PAGE_BYTES } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { BATCH_MAGIC } from '../../src/journal/batch-format.js';
import type { CheckpointRef, Retention } from '../../src/journal/checkpoints.js';
import { directoryContext } from '../../src/journal/directory-context.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import {
  checkpointPath,
  claimsFolder,
  type DirectoryContext,
  type DirectoryJournalSettings,
  ledgerPath,
} from '../../src/journal/directory-layout.js';
import { newestRetention } from '../../src/journal/directory-retention.js';
import { highestCommitted, legsBehind } from '../../src/journal/epoch-chain.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { findHead, readHeadLog } from '../../src/journal/head-log.js';
import { type Batch, GENESIS, type Journal } from '../../src/journal/journal.js';
import { Ledger, slotOffset } from '../../src/journal/ledger.js';
import { LogCursor } from '../../src/journal/log-cursor.js';
import { decodeSlot } from '../../src/journal/page-format.js';
import { SEGMENT_DATA_OFFSET } from '../../src/journal/segment-file.js';
import type { JournalIdentity } from '../../src/metadata/flush-mark.js';
import type { SeededRandom } from './seeded-random.js';
import { SimServer } from './sim-files.js';
import type { SimInode } from './sim-inode.js';
import type { SimProcess } from './sim-process.js';
import type { StorageTrouble } from './storage-trouble.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorldSettings } from './world-settings.js';

export interface SharedJournal {
  readonly identity: JournalIdentity;
  /** @returns the journal as `process` has it open. */
  open(process: SimProcess): Promise<Journal>;
  /** What was not durable is lost. */
  powerCut(): void;
  /** Calls `fn` soon after the next write arrives, which need not be durable by then; not once all is mended. @returns whether it can. */
  amidWrite(random: SeededRandom, fn: () => void): boolean;
  /** The host has lost power: what only it knew is lost. */
  vanish(host: string): void;
  /** Has this trouble from now on. @returns what ends it; undefined where this storage does not know it. */
  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined;
  /** Has no trouble any more. */
  mend(): void;
  /** Changes or loses it. @returns what became of which part of it; undefined where it is not there. */
  damageCheckpoint(checkpoint: CheckpointRef, random: SeededRandom): string | undefined;
  /** `host` does not reach it from now on. @returns what ends that; undefined where the storage is no other machine's. */
  cutOff(host: string): (() => void) | undefined;
  /** What `host` sends to be written hangs on its way, arrives when that ends, and is carried out then. @returns what ends it; undefined as `suffer`. */
  stallUploads(host: string, random: SeededRandom): (() => void) | undefined;
  /** `host` is not answered about what it writes, until that ends. @returns what ends it; undefined as `suffer`. */
  holdAnswers(host: string): (() => void) | undefined;
  /** @returns whether the batch with this hash would be there after a power cut now; undefined where that cannot be told. */
  isDurable(hash: Uint8Array): boolean | undefined;
  /** @returns what is kept, as a master that has nothing would find it now; undefined where that cannot be told. Takes no virtual time. */
  retained(): Promise<Retention | undefined>;
  /** @returns all that was ever committed, collected or not, and what the next claimant would adopt. Takes no virtual time. */
  committed(): Promise<readonly Batch[]>;
}

const FOLDER = '/journal';
const LEDGER = ledgerPath(FOLDER);
const FORMAT = { clusterId: 'simulated', incarnationId: '5'.repeat(32) };
/** A batch of these worlds is small; segments are, so that there are many. */
const BATCH_BYTES_MAX = 64 << 10;
/** Sectors, and the lines of memory that is persistent itself. */
const PIECE_BYTES = [64, 64, 512, 4096] as const;
/** As NFS has it unless told otherwise; FUSE may keep what it has read for ever. */
const PAGE_STALE_MS_MAX = 60_000;
/** 128 MiB. */
const CAPACITY_PAGES = 1 << 15;

interface AwaitedWrite {
  /** It is of the ledger's pages: those are rarer. */
  readonly inLedger: boolean;
  readonly delayMs: number;
  readonly fn: () => void;
  isMet: boolean;
}

export class SharedFolder implements SharedJournal {
  readonly identity = FORMAT;
  readonly #server: SimServer;
  readonly #settings: DirectoryJournalSettings;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #formatted: Promise<unknown>;
  readonly #storageMs: WorldSettings['storageMs'];
  readonly #awaited = new Set<AwaitedWrite>();
  /** Where each batch was written to, by its hash. */
  readonly #written = new Map<string, { readonly inode: SimInode; readonly bytes: Uint8Array; readonly position: number }[]>();

  constructor(time: VirtualTime, random: SeededRandom, { storageMs, pollIntervalMs }: WorldSettings) {
    const isShared = random.chance(0.5);
    // A reader's patience is some sixty looks; production's default on shared storage, 50 ms, bears 3 s.
    const staleMs = random.chance(0.3) ? 0 : random.between(1, 20 * pollIntervalMs);
    const storage = {
      kind: isShared ? ('shared' as const) : ('local' as const),
      staleMs: Math.min(staleMs, 3_000),
      pageStaleMs: random.between(1, PAGE_STALE_MS_MAX),
      unsentMs: random.between(1, 5_000),
      pieceBytes: random.pick(PIECE_BYTES),
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
    };
    this.#server.storage.wrote = (inode, bytes, position) => this.#note(inode, bytes, position);
    this.#time = time;
    this.#storageMs = storageMs;
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

  amidWrite(random: SeededRandom, fn: () => void): boolean {
    this.#awaited.add({ inLedger: random.chance(0.5), delayMs: random.between(0.01, this.#storageMs[1]), fn, isMet: false });
    return true;
  }

  vanish(host: string): void {
    this.#server.storage.hostCrash(host);
  }

  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined {
    return this.#server.troubles.suffer(trouble, random);
  }

  mend(): void {
    this.#awaited.clear();
    this.#server.troubles.mend();
  }

  damageCheckpoint(checkpoint: CheckpointRef, random: SeededRandom): string | undefined {
    const { storage } = this.#server;
    const name = checkpointPath(FOLDER, checkpoint);
    const inode = storage.at(name);
    if (inode === undefined || inode.size === 0 || storage.isReadOnly) return undefined;
    if (random.chance(0.3)) {
      storage.remove('', name);
      return `lost ${name}`;
    }
    if (random.chance(0.4)) {
      inode.truncate(random.below(inode.size));
      return `truncated ${name}`;
    }
    const at = random.below(inode.size);
    const byte = new Uint8Array(1);
    inode.read(byte, at, true);
    inode.write(Uint8Array.of((byte[0] ?? 0) ^ (1 << random.below(8))), at);
    return `flipped a bit of ${name}`;
  }

  cutOff(host: string): (() => void) | undefined {
    return this.#server.troubles.cutOff(host);
  }

  stallUploads(): undefined {}

  holdAnswers(): undefined {}

  isDurable(hash: Uint8Array): boolean {
    const { storage } = this.#server;
    const copies = this.#written.get(Buffer.from(hash).toString('hex')) ?? [];
    return copies.some(({ inode, bytes, position }) => storage.isDurable(inode, bytes, position) && this.#isSlotDurable(inode));
  }

  /** Without the slot of its epoch a segment is not found. */
  #isSlotDurable(segment: SimInode): boolean {
    const { storage } = this.#server;
    const ledger = storage.at(LEDGER);
    const epoch = Number.parseInt(path.basename(segment.name), 10);
    const page = Buffer.alloc(PAGE_BYTES);
    ledger?.read(page, slotOffset(epoch), true);
    return ledger !== undefined && decodeSlot(page)?.epoch === epoch && storage.isDurable(ledger, page, slotOffset(epoch));
  }

  async retained(): Promise<Retention> {
    const context = this.#atOnce();
    await using ledger = await Ledger.open(context);
    return await newestRetention(ledger, await ledger.fenceBoundary());
  }

  #note(inode: SimInode, bytes: Uint8Array, position: number): void {
    for (const awaited of this.#awaited) if (!awaited.isMet && (!awaited.inLedger || inode.name === LEDGER)) this.#meet(awaited);
    if (
      !inode.name.endsWith('.seg') ||
      position < SEGMENT_DATA_OFFSET ||
      Buffer.compare(bytes.subarray(0, BATCH_MAGIC.length), BATCH_MAGIC) !== 0
    )
      return;
    const hash = createHash('sha256').update(bytes).digest('hex');
    const copies = this.#written.get(hash);
    if (copies === undefined) this.#written.set(hash, [{ inode, bytes, position }]);
    else copies.push({ inode, bytes, position });
  }

  /** @returns the journal as it is in truth, looked at within no time. */
  #atOnce(): DirectoryContext {
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
    return directoryContext(this.#settings, deps, true, FORMAT);
  }

  #meet(awaited: AwaitedWrite): void {
    awaited.isMet = true;
    this.#time.setTimer(awaited.delayMs, () => this.#awaited.delete(awaited) && awaited.fn());
  }

  async committed(): Promise<readonly Batch[]> {
    const context = this.#atOnce();
    await using ledger = await Ledger.open(context);
    const known = (await highestCommitted(context, ledger))?.slot.epoch ?? 0;
    const taken = this.#server.storage.under(claimsFolder(FOLDER)).map((name) => Number(path.basename(name)));
    const head = await findHead(context, ledger, Math.max(known, ...taken) + 1, known);
    if (head === undefined) return [];
    const { end } = await readHeadLog(context, head, GENESIS);
    const batches: Batch[] = [];
    for (const { slot, limit } of await legsBehind(context, ledger, { slot: head.slot, limit: undefined }, GENESIS)) {
      await using cursor = LogCursor.atStart(context, slot);
      const endSn = (limit ?? end).point.sn;
      while (cursor.place.point.sn < endSn) {
        const step = await cursor.next();
        if (step.kind === 'end') throw cursor.damage(`damaged below what is committed: ${step.reason}`);
        batches.push(step.stored.batch);
      }
    }
    return batches;
  }
}
