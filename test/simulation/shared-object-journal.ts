/**
 * The journal of a world as on S3: one bucket in memory, and a handle for each process. What is in it stays, whatever fails. Requests of
 * processes that have ended still arrive; while the store fails they are lost, answered by nothing, carried out late or twice.
 */

import { encodeFormat } from '../../src/journal/format-file.js';
import type { Batch, Journal } from '../../src/journal/journal.js';
import { MemoryObjects, type ObjectFault } from '../../src/journal/memory-object-store.js';
import { parseObject } from '../../src/journal/object-format.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { FORMAT_KEY, logPrefix } from '../../src/journal/object-layout.js';
import type { ObjectStore } from '../../src/journal/object-store.js';
import type { SeededRandom } from './seeded-random.js';
import type { JournalDefects, SharedJournal } from './shared-journal.js';
import type { SimProcess } from './sim-process.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorldSettings } from './world-settings.js';

const FORMAT = { clusterId: 'simulated', incarnationId: '5'.repeat(32) };
const KINDS = ['lost', 'answer lost', 'busy', 'late', 'twice'] as const;
/** So long a request may be under way. */
const LATE_MS_MAX = 5_000;

export class SharedBucket implements SharedJournal {
  readonly #objects: MemoryObjects;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #isUnconditional: boolean;
  readonly #settings: { readonly pollIntervalMs: number; readonly giveUpMs: number };
  /** The first object that was ever made in each slot: what the log holds, collected or not. */
  readonly #log = new Map<string, Batch>();

  constructor(time: VirtualTime, random: SeededRandom, settings: WorldSettings, { noCondition = false }: JournalDefects) {
    this.#isUnconditional = noCondition;
    this.#time = time;
    this.#random = random;
    this.#settings = { pollIntervalMs: settings.pollIntervalMs, giveUpMs: random.between(200, 5_000) };
    this.#objects = new MemoryObjects({ clock: time, latencyMs: settings.storageMs[1] });
    const { objects } = this.#objects;
    objects.set(FORMAT_KEY, encodeFormat(FORMAT));
    const set = objects.set.bind(objects);
    objects.set = (key, bytes) => {
      if (key.startsWith(logPrefix(FORMAT)) && !this.#log.has(key)) this.#log.set(key, parseObject(bytes, key).stored.batch);
      return set(key, bytes);
    };
  }

  async open(process: SimProcess): Promise<Journal> {
    const handle = this.#objects.open(process.name);
    if (this.#isUnconditional) makeUnconditional(handle);
    const store = gatedStore(process, handle);
    const { clock, random, log } = process;
    return ObjectJournal.open(this.#settings, { store, clock, random: random.fork('journal'), log });
  }

  powerCut(): void {}

  fail(): void {
    this.#objects.intercept = () => (this.#random.chance(0.3) ? this.#fault() : undefined);
  }

  #fault(): ObjectFault {
    const kind = this.#random.pick(KINDS);
    if (kind !== 'late' && kind !== 'twice') return { kind };
    return { kind, arrive: (deliver) => void this.#time.setTimer(this.#random.between(1, LATE_MS_MAX), deliver, 'a late request') };
  }

  mend(): void {
    this.#objects.intercept = undefined;
  }

  committed(): readonly Batch[] {
    return [...this.#log.values()];
  }
}

function makeUnconditional(store: ObjectStore): void {
  const create = store.create.bind(store);
  store.create = async (key, bytes, signal) => {
    if (!key.startsWith(logPrefix(FORMAT))) return create(key, bytes, signal);
    await store.put(key, bytes, signal);
    return { isVersioned: false };
  };
}

/** The store as a process has it: answers reach it while it runs. */
function gatedStore(process: SimProcess, store: ObjectStore): ObjectStore {
  const close = (): Promise<void> => process.gate(store.close());
  return {
    location: store.location,
    create: (key, bytes, signal) => process.gate(store.create(key, bytes, signal)),
    put: (key, bytes, signal) => process.gate(store.put(key, bytes, signal)),
    get: (key, signal) => process.gate(store.get(key, signal)),
    list: (request, signal) => process.gate(store.list(request, signal)),
    delete: (key, signal) => process.gate(store.delete(key, signal)),
    close,
    [Symbol.asyncDispose]: close,
  };
}
