/**
 * The slots of a journal on an object store: reading them, and the one rule of writing: a slot is created once, and whoever does not know
 * the outcome of its PUT looks what stands there, or sends the same bytes to the same slot again. It never goes on to another slot, and never
 * sends other bytes.
 */
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { sleep, throwIfAborted } from '../base/wait.js';
import { parseObject, type SlotObject } from './object-format.js';
import { logPrefix, type ObjectContext, slotKey, slotOf } from './object-layout.js';
import { insistently } from './persistence.js';

const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 1_000;
/** Looks at what seems to be damaged before it is believed. */
const LOOKS = 3;

export interface SlotWrite {
  readonly slot: number;
  /** Unchanged until `create` settles. */
  readonly bytes: Uint8Array;
  readonly putId: Uint8Array;
  /** Gives up after the try under way. */
  readonly signal: AbortSignal;
}

export class SlotLog {
  readonly #context: ObjectContext;

  constructor(context: ObjectContext) {
    this.#context = context;
  }

  /** @returns what stands in the slot; undefined for nothing. @throws `corrupt`, `failed_precondition`; `unavailable`, after a few tries. */
  async read(slot: number, signal?: AbortSignal): Promise<SlotObject | undefined> {
    const { deps, format } = this.#context;
    for (let looks = 1; ; looks++) {
      const bytes = await insistently(deps, () => deps.store.get(slotKey(format, slot), signal), signal);
      try {
        return bytes === undefined ? undefined : this.#parse(slot, bytes);
      } catch (error) {
        if (!isError(error, 'corrupt') || looks === LOOKS) throw error;
      }
    }
  }

  #parse(slot: number, bytes: Buffer): SlotObject {
    const { deps, format } = this.#context;
    const key = deps.store.location + slotKey(format, slot);
    const object = parseObject(bytes, key);
    if (object.slot === slot) return object;
    throw new UnderstudyError('corrupt', `an object of the journal stands in another's place: object=${key} slot=${object.slot}`);
  }

  /**
   * Creates the slot's object.
   *
   * @returns `created`, or what stands there instead: somebody else's.
   * @throws `outcome_unknown`: it may stand there, now or later. @throws `unavailable`: it does not, and never will.
   */
  async create(write: SlotWrite): Promise<'created' | SlotObject> {
    const { deps, format } = this.#context;
    const { clock, random } = deps;
    const giveUpAtMs = clock.monotonicMs() + this.#context.settings.giveUpMs;
    let mayHaveArrived = false;
    for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const failure = await this.#send(write);
      if (failure === undefined) return 'created';
      mayHaveArrived ||= failure.code === 'outcome_unknown' || failure.code === 'already_exists';
      if (mayHaveArrived) {
        const bytes = await deps.store.get(slotKey(format, write.slot)).catch(() => undefined); // silence says nothing
        const there = bytes === undefined ? undefined : this.#parse(write.slot, bytes);
        if (there !== undefined) return Buffer.compare(there.putId, write.putId) === 0 ? 'created' : there;
      } else if (failure.code !== 'unavailable') throw unavailable(failure);
      if (write.signal.aborted || clock.monotonicMs() >= giveUpAtMs)
        throw mayHaveArrived ? unknown(failure, write.slot) : unavailable(failure);
      await sleep(clock, pauseMs * (0.5 + random.float()), write.signal).catch(() => {});
    }
  }

  async #send({ slot, bytes }: SlotWrite): Promise<UnderstudyError | undefined> {
    const { deps, format } = this.#context;
    try {
      await deps.store.create(slotKey(format, slot), bytes);
      return undefined;
    } catch (error) {
      return asError(error, 'outcome_unknown');
    }
  }

  /** @returns the first slot behind `slot` that holds something, by listing. */
  async firstBehind(slot: number, signal?: AbortSignal): Promise<number | undefined> {
    const { deps, format } = this.#context;
    const request = { prefix: logPrefix(format), startAfter: slotKey(format, slot), limit: 1 };
    const { keys } = await insistently(deps, () => deps.store.list(request, signal), signal);
    return keys[0] === undefined ? undefined : slotOf(keys[0]);
  }

  /**
   * Makes sure that the log ends before the free slot `slot`. @returns false where the log has grown meanwhile.
   *
   * @throws `corrupt`: objects stand behind it, so what stood here has been removed by somebody else than the journal.
   */
  async endsBefore(slot: number, signal?: AbortSignal): Promise<boolean> {
    const behind = await this.firstBehind(slot, signal);
    if (behind === undefined) return true;
    throwIfAborted(signal);
    if ((await this.read(slot, signal)) !== undefined) return false;
    const { deps, format } = this.#context;
    const object = deps.store.location + slotKey(format, slot);
    throw new UnderstudyError('corrupt', `an object of the journal is gone, and later ones stand: object=${object} next=${behind}`);
  }
}

function unknown(cause: UnderstudyError, slot: number): UnderstudyError {
  return new UnderstudyError('outcome_unknown', `the outcome of a write to the journal is unknown: ${cause.message} slot=${slot}`, {
    cause,
  });
}

function unavailable(cause: UnderstudyError): UnderstudyError {
  return cause.code === 'unavailable'
    ? cause
    : new UnderstudyError('unavailable', `the journal cannot be written: ${cause.message}`, { cause });
}
