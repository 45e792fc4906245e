/**
 * The journal of a world as on S3: one bucket in memory, and a handle for each process. What is in it stays, whatever fails. Requests of
 * processes that have ended still arrive; while the store fails they are lost, answered by nothing, carried out late or twice.
 */

import { crc32 } from 'node:zlib';
import { type Deferred, deferred } from '../../src/base/wait.js';
import type { CheckpointRef } from '../../src/journal/checkpoints.js';
import { encodeFormat } from '../../src/journal/format-file.js';
import type { Batch, Journal } from '../../src/journal/journal.js';
import { MemoryObjects, type ObjectFault, type ObjectRequest } from '../../src/journal/memory-object-store.js';
import { parseObject } from '../../src/journal/object-format.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { checkpointPrefix, FORMAT_KEY, logPrefix } from '../../src/journal/object-layout.js';
import type { ObjectStore } from '../../src/journal/object-store.js';
import type { SeededRandom } from './seeded-random.js';
import type { SharedJournal } from './shared-journal.js';
import type { SimProcess } from './sim-process.js';
import { LATE_MS, type StorageTrouble } from './storage-trouble.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorldSettings } from './world-settings.js';

const FORMAT = { clusterId: 'simulated', incarnationId: '5'.repeat(32) };
const ERRORS = ['lost', 'answer lost', 'busy', 'late', 'twice'] as const;
const READ_ERRORS = ['lost', 'answer lost', 'busy'] as const;
/** Keys in a page of a listing: few, so that things change between two pages. */
const PAGE_MAX = 3;
/** Takes requests that change something. */
const CHANGES: ReadonlySet<string> = new Set(['create', 'put', 'delete']);
/** Have a body, which small requests on the same way have not. */
const UPLOADS: ReadonlySet<string> = new Set(['create', 'put']);
const REQUEST_TIMEOUT_MS = [50, 10_000] as const;

export class SharedBucket implements SharedJournal {
  readonly identity = FORMAT;
  readonly #objects: MemoryObjects;
  readonly #time: VirtualTime;
  readonly #settings: { readonly pollIntervalMs: number; readonly giveUpMs: number };
  /** What is wrong with it now. */
  readonly #troubles = new Set<Trouble>();
  /** Hosts that do not reach it. What they had asked for is answered when they do again. */
  readonly #cutOff = new Set<Cut>();
  /** Hosts whose uploads hang. */
  readonly #stalled = new Set<Stall>();
  /** Hosts that are not answered about their uploads. */
  readonly #unanswered = new Set<Cut>();
  /** How many times as long as usual a request takes. */
  #slowness = 1;
  /** Hashes of the batches that were ever in it. */
  readonly #hashes = new Set<string>();
  /** The first object that was ever made in each slot: what the log holds, collected or not. */
  readonly #log = new Map<string, Batch>();

  constructor(time: VirtualTime, random: SeededRandom, settings: WorldSettings) {
    this.#time = time;
    this.#settings = { pollIntervalMs: settings.pollIntervalMs, giveUpMs: random.between(200, 5_000) };
    const wayMs = () => this.#slowness * random.between(settings.storageMs[0] / 2, settings.storageMs[1] / 2);
    this.#objects = new MemoryObjects({ clock: time, latencyMs: wayMs, pageMax: PAGE_MAX });
    this.#objects.intercept = (request) => this.#fate(request);
    const { objects } = this.#objects;
    objects.set(FORMAT_KEY, encodeFormat(FORMAT));
    const set = objects.set.bind(objects);
    objects.set = (key, bytes) => {
      if (key.startsWith(logPrefix(FORMAT)) && !this.#log.has(key)) {
        const { batch } = parseObject(bytes, key).stored;
        this.#log.set(key, batch);
        this.#hashes.add(Buffer.from(batch.hash).toString('hex'));
      }
      return set(key, bytes);
    };
  }

  async open(process: SimProcess): Promise<Journal> {
    const handle = this.#objects.open(process.name);
    const answered = async <T>(what: string, answer: Promise<T>): Promise<T> => {
      if (UPLOADS.has(what)) {
        await answer.catch(() => undefined);
        await reaches(this.#unanswered, process.host);
      }
      const value = await answer;
      await reaches(this.#cutOff, process.host);
      return value;
    };
    const store = gatedStore(process, handle, answered);
    const { clock, random, log } = process;
    return ObjectJournal.open(this.#settings, { store, clock, random: random.fork('journal'), log });
  }

  powerCut(): void {}

  amidWrite(): boolean {
    return false;
  }

  vanish(): void {}

  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined {
    if (trouble === 'read-only' || trouble === 'stale' || trouble === 'unsynced') return undefined;
    if (trouble === 'slow') {
      this.#slowness = random.between(2, 100);
      return () => {
        this.#slowness = 1;
      };
    }
    const suffered = { trouble, random, share: random.between(0.02, 1) };
    this.#troubles.add(suffered);
    return () => this.#troubles.delete(suffered);
  }

  mend(): void {
    this.#troubles.clear();
    for (const cuts of [this.#cutOff, this.#stalled, this.#unanswered]) {
      for (const cut of cuts) cut.healed.resolve();
      cuts.clear();
    }
    this.#slowness = 1;
  }

  #fate(request: ObjectRequest): ObjectFault | undefined | Promise<ObjectFault | undefined> {
    for (const { host } of this.#cutOff) if (request.name.startsWith(`${host}#`)) return { kind: 'lost' };
    for (const stall of this.#stalled) if (stalls(stall, request)) return this.#stall(stall);
    for (const trouble of this.#troubles) {
      const fate = this.#fateBy(trouble, request);
      if (fate !== undefined) return fate;
    }
    return undefined;
  }

  /** It arrives when the stall ends; who has sent it gives it up where that is later than a request may take. */
  async #stall({ healed, timeoutMs }: Stall): Promise<ObjectFault | undefined> {
    let isHealed = false;
    const arrived = healed.promise.then(() => {
      isHealed = true;
    });
    await Promise.race([arrived, new Promise<void>((resolve) => this.#time.setTimer(timeoutMs, resolve))]);
    return isHealed ? undefined : { kind: 'late', arrive: (deliver) => void arrived.then(deliver) };
  }

  #fateBy({ trouble, random, share }: Trouble, { operation, key }: ObjectRequest): ObjectFault | undefined {
    const changes = CHANGES.has(operation);
    if (trouble === 'gone') return { kind: 'lost' };
    if (trouble === 'partial') return isInPart(key, share) ? this.#fault(random.pick(changes ? ERRORS : READ_ERRORS), random) : undefined;
    if (trouble === 'full') return UPLOADS.has(operation) ? { kind: 'full' } : undefined;
    if (trouble === 'unreadable') return changes || !random.chance(share) ? undefined : { kind: random.pick(READ_ERRORS) };
    if (!random.chance(trouble === 'errors' ? 0.3 : share)) return undefined;
    if (trouble === 'throttled') return { kind: 'busy' };
    if (trouble === 'unanswered') return { kind: 'answer lost' };
    if (trouble === 'errors') return this.#fault(random.pick(ERRORS), random);
    return changes ? this.#fault(trouble === 'late' ? 'late' : 'twice', random) : undefined;
  }

  #fault(kind: (typeof ERRORS)[number], random: SeededRandom): ObjectFault {
    if (kind !== 'late' && kind !== 'twice') return { kind };
    return { kind, arrive: (deliver) => void this.#time.setTimer(random.between(...LATE_MS), deliver) };
  }

  damageCheckpoint({ sn, id }: CheckpointRef, random: SeededRandom): string | undefined {
    const { objects } = this.#objects;
    const parts = [...objects.keys()].filter((key) => key.startsWith(checkpointPrefix(FORMAT, sn, id)));
    if (parts.length === 0) return undefined;
    const key = random.pick(parts);
    const bytes = Buffer.from(objects.get(key) ?? []);
    if (bytes.length === 0 || random.chance(0.4)) {
      objects.delete(key);
      return `lost ${key}`;
    }
    if (random.chance(0.5)) {
      objects.set(key, bytes.subarray(0, random.below(bytes.length)));
      return `truncated ${key}`;
    }
    const at = random.below(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.below(8)), at);
    objects.set(key, bytes);
    return `flipped a bit of ${key}`;
  }

  cutOff(host: string): () => void {
    return cutIn(this.#cutOff, { host, healed: deferred() });
  }

  stallUploads(host: string, random: SeededRandom): () => void {
    const prefix = random.chance(0.7) ? logPrefix(FORMAT) : '';
    return cutIn(this.#stalled, { host, healed: deferred(), prefix, timeoutMs: random.between(...REQUEST_TIMEOUT_MS) });
  }

  holdAnswers(host: string): () => void {
    return cutIn(this.#unanswered, { host, healed: deferred() });
  }

  isDurable(hash: Uint8Array): boolean {
    return this.#hashes.has(Buffer.from(hash).toString('hex'));
  }

  async retained(): Promise<undefined> {
    return undefined;
  }

  async committed(): Promise<readonly Batch[]> {
    return [...this.#log.values()];
  }
}

interface Trouble {
  readonly trouble: StorageTrouble;
  readonly random: SeededRandom;
  /** Of the requests that meet it. */
  readonly share: number;
}

/** What keeps a host from the store, until it is healed. */
interface Cut {
  readonly host: string;
  readonly healed: Deferred<void>;
}

interface Stall extends Cut {
  /** Names that begin alike are kept together: the rest may be well. */
  readonly prefix: string;
  /** Of a request, at its sender's. */
  readonly timeoutMs: number;
}

function stalls({ host, prefix }: Stall, { name, operation, key }: ObjectRequest): boolean {
  return UPLOADS.has(operation) && name.startsWith(`${host}#`) && key.startsWith(prefix);
}

/** @returns what ends `cut`. */
function cutIn<C extends Cut>(cuts: Set<C>, cut: C): () => void {
  cuts.add(cut);
  return () => {
    cuts.delete(cut);
    cut.healed.resolve();
  };
}

/** Resolves when none of `cuts` keeps answers from `host`. */
async function reaches(cuts: ReadonlySet<Cut>, host: string): Promise<void> {
  for (const cut of cuts) if (cut.host === host) await cut.healed.promise;
}

/** Stores keep names in parts by their hash, each on machines of its own. */
function isInPart(key: string, share: number): boolean {
  return crc32(key) < share * 2 ** 32;
}

/** The store as a process has it: answers reach it while it runs, and when `answered` lets them. */
function gatedStore(process: SimProcess, store: ObjectStore, answered: <T>(what: string, answer: Promise<T>) => Promise<T>): ObjectStore {
  const close = (): Promise<void> => process.gate(store.close());
  const request = <T>(what: string, send: () => Promise<T>): Promise<T> => {
    process.reaches(what);
    return process.gate(answered(what, send()));
  };
  return {
    location: store.location,
    create: (key, bytes, signal) => request('create', () => store.create(key, bytes, signal)),
    put: (key, bytes, signal) => request('put', () => store.put(key, bytes, signal)),
    get: (key, signal) => request('get', () => store.get(key, signal)),
    list: (asked, signal) => request('list', () => store.list(asked, signal)),
    delete: (key, signal) => request('delete', () => store.delete(key, signal)),
    close,
    [Symbol.asyncDispose]: close,
  };
}
