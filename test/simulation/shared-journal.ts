/**
 * The journal of a world: one store, and a handle for each process, which stops with it. Here as in a shared folder, on a memory store that
 * tells visible from durable; shared-object-journal.ts has it as on S3.
 */
import type { Batch, Journal } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import {
  type MemoryEffects,
  MemoryJournalStore,
  type MemoryOperation,
  type MemoryOperationKind,
} from '../../src/journal/memory-journal-store.js';
import type { JournalIdentity } from '../../src/metadata/flush-mark.js';
import { gatedJournal } from './gated-seams.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import type { StorageTrouble } from './storage-trouble.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorldSettings } from './world-settings.js';

/** Rules of the protocol left out on purpose, to see the checks find it. */
export interface JournalDefects {
  /** An append does not look at its fence. */
  readonly noFenceCheck?: boolean;
  /** An append is acknowledged before it is durable. */
  readonly noSync?: boolean;
  /** A claim does not adopt what it finds behind the marks. */
  readonly noAdoption?: boolean;
  /** A bucket that creates an object of the log where one stands. */
  readonly noCondition?: boolean;
}

const CLAIM_KINDS: readonly MemoryOperationKind[] = ['take', 'fence', 'read', 'copy', 'slot'];
const KINDS: readonly MemoryOperationKind[] = [...CLAIM_KINDS, 'write', 'check', 'mark', 'retain', 'collect', 'store', 'load'];

export interface SharedJournal {
  readonly identity: JournalIdentity;
  /** @returns the journal as `process` has it open. */
  open(process: SimProcess): Promise<Journal>;
  /** What was not durable is lost. */
  powerCut(): void;
  /** Has this trouble from now on. @returns what ends it; undefined where this storage does not know it. */
  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined;
  /** Has no trouble any more. */
  mend(): void;
  /** Changes or loses a checkpoint that is not the only one. @returns what became of which; undefined where there is none. */
  damageCheckpoint(random: SeededRandom): string | undefined;
  /** @returns whether the batch with this hash would be there after a power cut now; undefined where that cannot be told. */
  isDurable(hash: Uint8Array): boolean | undefined;
  /** @returns all that is known to be committed. */
  committed(): readonly Batch[];
}

export class SharedFolder implements SharedJournal {
  get identity(): JournalIdentity {
    return MemoryJournal.open(this.#store, { name: 'identity' });
  }

  readonly #store: MemoryJournalStore;

  constructor(time: VirtualTime, random: SeededRandom, { storageMs, pollIntervalMs }: WorldSettings, defects: JournalDefects) {
    const [low, high] = storageMs;
    const latencyMs = Object.fromEntries(KINDS.map((kind) => [kind, [low, random.between(low, high)] as const]));
    const settings = { latencyMs, markDelayMs: random.between(0.1, 20), pollIntervalMs };
    this.#store = new DefectiveStore(settings, { clock: time, random: random.fork('store') }, defects);
  }

  async open(process: SimProcess): Promise<Journal> {
    const journal = MemoryJournal.open(this.#store, { name: process.name });
    process.atEnd(() => journal.kill());
    return gatedJournal(process, journal);
  }

  powerCut(): void {
    this.#store.powerCut();
  }

  suffer(trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined {
    if (trouble !== 'errors') return undefined;
    this.#store.intercept = () => (random.chance(0.3) ? random.pick(['fail', 'land', 'unsynced'] as const) : undefined);
    return () => this.mend();
  }

  mend(): void {
    this.#store.intercept = undefined;
  }

  damageCheckpoint(): undefined {}

  isDurable(): undefined {}

  committed(): readonly Batch[] {
    return this.#store.committed();
  }
}

class DefectiveStore extends MemoryJournalStore {
  readonly #defects: JournalDefects;

  constructor(
    settings: ConstructorParameters<typeof MemoryJournalStore>[0],
    deps: ConstructorParameters<typeof MemoryJournalStore>[1],
    defects: JournalDefects,
  ) {
    super(settings, deps);
    this.#defects = defects;
  }

  override async perform<T>(
    caller: { readonly generation: number; readonly isKilled: boolean },
    operation: MemoryOperation,
    effects: MemoryEffects<T>,
  ): Promise<T> {
    const { noFenceCheck, noSync, noAdoption } = this.#defects;
    if (noSync && operation.kind === 'write') {
      effects.begin?.();
      this.clock.setTimer(50, () => effects.durable?.());
      return effects.visible();
    }
    const value = await super.perform(caller, operation, effects);
    if (noFenceCheck && operation.kind === 'check') return false as T;
    if (noAdoption && operation.kind === 'read' && operation.epoch > 0) return withoutSuffix(value);
    return value;
  }
}

function withoutSuffix<T>(head: T): T {
  return { ...head, ...{ suffix: [], adopted: [], slot: { ...(head as { slot: object }).slot, copies: 0 } } };
}
