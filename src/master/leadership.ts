/**
 * One epoch as its leader lives it: plans mutations on pending state, appends them in groups, answers when they are committed.
 *
 *   submit -> plan on the state -> entry, applied at once -> pending -> (sealed) in flight -> committed: answered
 *
 * Invariants:
 * - The state is the committed batches, the batch in flight and the pending entries, in this order.
 * - One append in flight; what arrives meanwhile forms the next batch. A batch's end is the only place where a generation is frozen.
 * - When an append fails everything behind the last commit is taken back, and nothing that saw it is answered (I6).
 * - Pending entries fit in one batch; submissions that do not fit any more wait in a queue, which is bounded.
 */
import type { Clock } from '../base/clock.js';
import { asError, ERROR_NUMBERS, type ErrorCode, isError, UnderstudyError } from '../base/errors.js';
import { type Deferred, deferred } from '../base/wait.js';
import type { Appended, JournalWriter } from '../journal/journal.js';
import type { Identity } from '../metadata/access.js';
import type { Outcome } from '../metadata/apply.js';
import { type Entry, encodeEntry } from '../metadata/entries.js';
import { checkEnabled } from '../metadata/features.js';
import { checkThawed } from '../metadata/freeze.js';
import type { EntryBody, NamespaceSettings, PlanContext, Planned } from '../metadata/plan.js';
import { type CallResult, type Inode, inodeMessage } from '../metadata/records.js';
import { recordedOutcome, refusalOf } from '../metadata/sessions.js';
import type { State, StatePosition } from '../metadata/state.js';
import { MASTER_IDENTITY } from './identities.js';
import { JournalTrouble } from './journal-trouble.js';
import { OutsideWork } from './outside-work.js';
import { ReadGate, type Release } from './read-gate.js';
import type { Replica } from './replica.js';
import { SteadyClock } from './steady-clock.js';

export interface LeadershipSettings {
  readonly batchBytesMax: number;
  /** Submissions that may wait for room. */
  readonly queueMax: number;
  /** Batches from one digest entry to the next. */
  readonly digestIntervalBatches: number;
  readonly namespace: NamespaceSettings;
}

export interface LeadershipDeps {
  readonly replica: Replica;
  readonly writer: JournalWriter;
  readonly clock: Clock;
  /** Told once, when this epoch can append nothing any longer: `fenced` or `outcome_unknown`. Reads may go on after the latter. */
  readonly ended: (error: UnderstudyError) => void;
}

/** Whose call a submission is; null for the master's own. */
export interface SubmissionCaller {
  readonly clientId: number;
  readonly callId: number;
  readonly attempt: number;
  readonly lowestUnanswered: number;
  readonly identity: Identity;
  /** It names no client and no call: it is never known again. */
  readonly sessionless?: true;
}

export interface Submission {
  readonly caller: SubmissionCaller | null;
  plan(state: State, context: PlanContext): Planned;
  /** What it asks for makes room: its refusal, where that is recorded, may use the journal's reserve of space as well. */
  readonly makesRoom?: boolean;
  /** Called once: the refusal, or the answer, which is committed then. */
  settle(refused: UnderstudyError | null, answer: Answer): void;
}

export interface Answer {
  /** The answer holds as of this entry. */
  readonly sn: number;
  readonly inode: Inode | null;
  /** Of a call of several steps. */
  readonly inodes: readonly (Inode | null)[];
  /** To an earlier attempt it was given in this epoch. */
  readonly isAgain?: boolean;
}

interface Unsettled extends Answer {
  readonly submission: Submission;
  /** The refusal that the entry records. */
  readonly refused: UnderstudyError | null;
}

interface Group {
  readonly entries: Uint8Array[];
  readonly unsettled: Unsettled[];
  /** Answers that saw entries of this group: its append began after they were asked for, so its commit is their confirm, too. */
  readonly readers: Release[];
  bytes: number;
  /** All of them make room, or are needed for that: they may use the journal's reserve of space. */
  makesRoom: boolean;
}

/** Room that a batch's header and its entries' lengths may take. */
const BATCH_OVERHEAD_BYTES = 4096;
const ENTRY_OVERHEAD_BYTES = 8;
/** Answers that may leave with one batch; further ones pass the gate. */
const READERS_MAX = 65_536;

export class Leadership {
  readonly writer: JournalWriter;
  readonly #settings: LeadershipSettings;
  readonly #deps: LeadershipDeps;
  readonly #time: SteadyClock;
  readonly #gate: ReadGate;
  readonly #outside: OutsideWork;
  readonly #trouble: JournalTrouble;
  #pending: Group = emptyGroup();
  #inFlight: Group | null = null;
  #queue: Submission[] = [];
  #scheduled = false;
  #committedAt: StatePosition;
  readonly #claimSn: number;
  #batchesSinceDigest = 0;
  /** What came since nothing new is begun; null where it is. */
  #held: Submission[] | null = null;
  /** Why no submission is taken any longer; those that were taken go on. */
  #refusing: UnderstudyError | null = null;
  /** Why nothing can be appended any longer: all that was not committed has been taken back. */
  #stopped: UnderstudyError | null = null;
  #drained: Deferred<void> | null = null;

  constructor(settings: LeadershipSettings, deps: LeadershipDeps) {
    const { state, end } = deps.replica;
    this.#settings = settings;
    this.#deps = deps;
    this.writer = deps.writer;
    this.#committedAt = state.position();
    this.#claimSn = state.sn;
    this.#time = new SteadyClock(deps.clock, state.timeMs);
    this.#outside = new OutsideWork(deps.clock);
    this.#trouble = new JournalTrouble(deps.clock, () => this.#tryJournal());
    this.#gate = new ReadGate(deps.clock, deps.writer, end.sn);
    state.record();
    const { dead } = deps.writer;
    const ended = () => this.#end(asError(dead.reason));
    if (dead.aborted) deps.clock.defer(ended);
    else dead.addEventListener('abort', ended, { once: true });
  }

  /** Why the journal took nothing the last time it was asked, for people; empty when it does. */
  get trouble(): string {
    return this.#trouble.text;
  }

  /** Changes that wait for their turn. */
  get queued(): number {
    return this.#queue.length;
  }

  /** The journal takes changes, as far as is known. */
  get canWrite(): boolean {
    return this.#stopped === null && this.#trouble.text === '';
  }

  /** Leader's time, Unix milliseconds. */
  nowMs(): number {
    return this.#time.nowMs();
  }

  /** By how many milliseconds the machine's clock is ahead of the leader's time. */
  skewMs(): number {
    return this.#time.skewMs();
  }

  /** Plans and appends, now or when there is room. `settle` is never called during this call. */
  submit(submission: Submission): void {
    const refusal = this.#stopped ?? this.#refusing;
    if (refusal !== null) return this.#refuse(submission, refusal);
    if (this.#held !== null) return this.#holdBack(submission, this.#held);
    if (this.#queue.length === 0 && this.#hasRoom()) return this.#run(submission);
    if (this.#queue.length >= this.#settings.queueMax) {
      return this.#refuse(
        submission,
        new UnderstudyError('resource_exhausted', `too many mutations wait for the journal: queued=${this.#queue.length}`),
      );
    }
    this.#queue.push(submission);
    this.#schedule();
  }

  /** Appends an entry of the master's own making. Resolves when it is committed, or when `plan` finds nothing to do. */
  append(plan: (state: State, context: PlanContext) => EntryBody | null): Promise<void> {
    return new Promise((resolve, reject) => {
      this.submit({
        caller: null,
        plan(state, context) {
          const entry = plan(state, context);
          return entry === null ? { unchanged: null } : { entry };
        },
        settle: (refused) => (refused === null ? resolve() : reject(refused)),
      });
    });
  }

  /** Releases an answer that saw the state as it is now, when it may leave (I6). */
  release(release: Release): void {
    const { entries, readers } = this.#pending;
    if (entries.length > 0 && readers.length < READERS_MAX) return void readers.push(release);
    const sawSn = this.#stopped === null ? this.#deps.replica.state.sn : 0;
    this.#gate.wait(sawSn, (refused) => {
      if (isError(refused, 'fenced')) this.#end(refused);
      release(refused === null ? null : asRefusal(refused));
    });
  }

  /**
   * Changes something outside of the journal in this epoch's name: once all that the state holds now is committed, and the epoch confirmed.
   *
   * @param work gives up when its signal is aborted: the epoch is held, or ends. @throws as `append`; what `work` throws.
   */
  async outside<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await new Promise<void>((resolve, reject) => {
      this.release((refused) => (refused === null ? resolve() : reject(refused)));
    });
    if (this.#stopped !== null) throw this.#stopped;
    return await this.#outside.run(work);
  }

  /**
   * Begins nothing new: calls that come wait, as many as the queue holds, until `resume` or `close`. Resolves when all that was taken
   * before is settled and no confirm flies: then nothing here depends on this epoch any longer.
   */
  async hold(): Promise<void> {
    this.#held ??= [];
    await Promise.all([this.#idle(), this.#gate.hold(), this.#outside.hold()]);
  }

  get isHeld(): boolean {
    return this.#held !== null;
  }

  /** Goes on after `hold`, with what came meanwhile. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#gate.resume();
    this.#outside.resume();
    for (const submission of held) this.submit(submission);
  }

  /** Takes no more submissions; resolves when those that were taken are settled. */
  drain(why: UnderstudyError): Promise<void> {
    this.#refusing ??= why;
    return this.#idle();
  }

  /** Ends the epoch here: what is not committed is taken back, everybody who waits is refused with `why`. Idempotent. */
  close(why: UnderstudyError): void {
    this.#stop(why);
    this.#gate.close(why);
  }

  #holdBack(submission: Submission, held: Submission[]): void {
    if (held.length < this.#settings.queueMax) held.push(submission);
    else this.#refuse(submission, new UnderstudyError('unavailable', `too many calls wait for the next leader: held=${held.length}`));
  }

  async #idle(): Promise<void> {
    if (this.#isIdle()) return;
    this.#drained ??= deferred();
    await this.#drained.promise;
  }

  #isIdle(): boolean {
    return this.#stopped !== null || (this.#inFlight === null && this.#pending.entries.length === 0 && this.#queue.length === 0);
  }

  #hasRoom(): boolean {
    const { batchBytesMax } = this.#settings;
    return this.#pending.bytes < batchBytesMax / 2 && !this.#deps.replica.writeBehind.full;
  }

  #run(submission: Submission): void {
    const { state } = this.#deps.replica;
    const { caller } = submission;
    const timeMs = Math.max(this.#time.nowMs(), state.timeMs);
    let planned: Planned;
    try {
      const recorded = caller === null || caller.sessionless ? null : recordedOutcome(caller, state);
      if (recorded !== null) return this.#answerAgain(submission, recorded);
      const { clientId, identity, sessionless = false } = caller ?? { clientId: 0, identity: MASTER_IDENTITY };
      planned = submission.plan(state, { timeMs, clientId, identity, sessionless, settings: this.#settings.namespace });
      if ('entry' in planned) {
        checkEnabled(planned.entry, state.features());
        checkThawed(planned.entry, state.frozenBy());
      }
    } catch (thrown) {
      const error = this.#deps.replica.checked(thrown);
      if (caller === null || caller.attempt === 1 || !stands(error)) return this.#answer(submission, error, { ...NOTHING, sn: state.sn });
      const { code, message, errno = '', path = '' } = error;
      const refusal = { errorCode: ERROR_NUMBERS[code], errorMessage: cut(message), errno, path: cut(path) };
      return this.#add(submission, { refusal }, timeMs, error);
    }
    if ('entry' in planned) return this.#add(submission, planned.entry, timeMs);
    if (caller === null || caller.attempt === 1)
      return this.#answer(submission, null, { sn: state.sn, inode: planned.unchanged, inodes: [] });
    this.#add(submission, { refusal: { inode: planned.unchanged && inodeMessage(planned.unchanged) } }, timeMs);
  }

  /** Encodes, applies and queues one entry; refuses one that is too large for a batch, or that the journal has no room for. */
  #add(submission: Submission, body: EntryBody, timeMs: number, refused: UnderstudyError | null = null): void {
    const { state } = this.#deps.replica;
    const { clientId = 0, callId = 0, lowestUnanswered = 0 } = submission.caller ?? {};
    const mayUseReserve = submission.makesRoom === true || makesRoom(body);
    if (!mayUseReserve && !this.#trouble.mayTry())
      return this.#answer(submission, new UnderstudyError('unavailable', this.trouble), NOTHING);
    const entry: Entry = { timeMs, clientId, callId, lowestUnanswered, ...body };
    const bytes = encodeEntry(entry);
    if (bytes.length + BATCH_OVERHEAD_BYTES > this.#settings.batchBytesMax / 2) {
      return this.#answer(
        submission,
        new UnderstudyError('resource_exhausted', `the operation is too large for the journal: bytes=${bytes.length}`),
        NOTHING,
      );
    }
    let outcome: Outcome;
    try {
      outcome = this.#deps.replica.apply(entry);
    } catch (error) {
      return this.#answer(submission, asError(error), NOTHING);
    }
    this.#pending.entries.push(bytes);
    this.#pending.makesRoom &&= mayUseReserve;
    this.#pending.bytes += bytes.length + ENTRY_OVERHEAD_BYTES;
    this.#pending.unsettled.push({ submission, sn: state.sn, inode: outcome.inode, inodes: outcome.inodes, refused });
    this.#schedule();
  }

  /** Answers with the outcome of an earlier attempt. If that is taken back it may have happened all the same. */
  #answerAgain(submission: Submission, recorded: CallResult): void {
    this.release((refused) => {
      const unknown = refused && new UnderstudyError('outcome_unknown', `the outcome is unknown: ${refused.message}`, { cause: refused });
      submission.settle(unknown ?? refusalOf(recorded), { ...recorded, isAgain: recorded.sn > this.#claimSn });
    });
  }

  /** Answers without an entry: at the gate. */
  #answer(submission: Submission, error: UnderstudyError | null, answer: Answer): void {
    this.release((refused) => submission.settle(refused ?? error, refused === null ? answer : NOTHING));
  }

  #refuse(submission: Submission, error: UnderstudyError): void {
    this.#deps.clock.defer(() => submission.settle(error, NOTHING));
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== null || this.#stopped !== null) return;
    this.#scheduled = true;
    this.#deps.clock.defer(() => {
      this.#scheduled = false;
      this.#advance();
    });
  }

  /** Plans what waits, as far as there is room, and sends the next batch. */
  #advance(): void {
    while (this.#queue.length > 0 && this.#hasRoom() && this.#stopped === null) this.#run(this.#queue.shift() as Submission);
    const { writeBehind } = this.#deps.replica;
    if (this.#inFlight !== null || this.#stopped !== null || writeBehind.failure !== null) return;
    if (writeBehind.full) return void writeBehind.room().then(() => this.#schedule());
    if (this.#pending.entries.length > 0) this.#seal();
  }

  #addDigest(): void {
    const { state, writeBehind } = this.#deps.replica;
    this.#batchesSinceDigest = 0;
    this.#add(NOBODY, { digest: writeBehind.boundaries.newest }, state.timeMs);
  }

  #seal(): void {
    const { replica, writer } = this.#deps;
    // A digest that is on its way, for a checkpoint, would not be heard beside another one.
    if (++this.#batchesSinceDigest >= this.#settings.digestIntervalBatches && !replica.state.digestDue) this.#addDigest();
    const group = this.#pending;
    const at = replica.state.position();
    const undoLength = replica.state.undoLength();
    this.#inFlight = group;
    this.#pending = emptyGroup();
    replica.writeBehind.atBatchEnd();
    writer.append(group.entries, at.timeMs, { mayUseReserve: group.makesRoom }).then(
      (end) => {
        if (this.#inFlight !== group) return;
        replica.state.forget(undoLength);
        this.#committed(group, end, at);
      },
      (error) => this.#inFlight === group && this.#failed(asError(error)),
    );
  }

  #committed(group: Group, end: Appended, at: StatePosition): void {
    this.#inFlight = null;
    this.#committedAt = at;
    this.#deps.replica.committed(end, end.sealed);
    this.#advance();
    this.#gate.committed(end.sn);
    if (!group.makesRoom) this.#trouble.over();
    for (const unsettled of group.unsettled) unsettled.submission.settle(unsettled.refused, unsettled);
    for (const release of group.readers) release(null);
    if (this.#isIdle()) this.#settleDrained();
  }

  #failed(error: UnderstudyError): void {
    if (error.code === 'fenced' || error.code === 'outcome_unknown') return this.#end(error);
    this.#trouble.failed(error.message);
    this.#takeBack(error, error);
  }

  /** Finds out whether the journal takes changes again, by an entry that changes nothing and may not use the reserve of space. */
  #tryJournal(): void {
    const { replica } = this.#deps;
    if (this.#held !== null || !this.#isIdle() || replica.writeBehind.full || replica.writeBehind.failure !== null) return;
    if (!this.#trouble.mayTry()) return;
    this.#addDigest();
    if (this.#pending.entries.length === 0) return;
    this.#pending.makesRoom = false;
    this.#seal();
  }

  #end(error: UnderstudyError): void {
    if (this.#stopped !== null) return;
    this.#stop(error);
    this.#deps.ended(error);
  }

  #stop(error: UnderstudyError): void {
    if (this.#stopped !== null) return;
    this.#stopped = asRefusal(error);
    this.#trouble.over();
    this.#outside.close(this.#stopped);
    this.#takeBack(new UnderstudyError('outcome_unknown', `the outcome is unknown: ${error.message}`, { cause: error }), this.#stopped);
    this.#deps.replica.state.stopRecording();
  }

  /** Takes back everything behind the last commit: those in flight may have happened, the others have not. */
  #takeBack(inFlight: UnderstudyError, others: UnderstudyError): void {
    const { state, writeBehind } = this.#deps.replica;
    const lost = this.#inFlight?.unsettled ?? [];
    const readers = [...(this.#inFlight?.readers ?? []), ...this.#pending.readers];
    const held = this.#held?.splice(0) ?? [];
    const never = [...this.#pending.unsettled.map(({ submission }) => submission), ...this.#queue, ...held];
    this.#inFlight = null;
    this.#pending = emptyGroup();
    this.#queue = [];
    state.rollBack(this.#committedAt);
    writeBehind.rollBack(this.#committedAt.sn);
    this.#gate.rollBack(this.#committedAt.sn, others);
    for (const { submission } of lost) submission.settle(inFlight, NOTHING);
    for (const submission of never) submission.settle(others, NOTHING);
    for (const release of readers) release(others);
    this.#settleDrained();
  }

  #settleDrained(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }
}

/** Entries that may use the reserve of space: what removes, and the registration without which nobody could remove. */
const MAKING_ROOM = ['remove', 'reap', 'expireClients', 'registerClient', 'digest', 'retention', 'workDone'] as const;

function makesRoom(body: EntryBody): boolean {
  if (body.group) return (body.group.entries ?? []).every(makesRoom);
  return MAKING_ROOM.some((kind) => body[kind] != null);
}

const FINAL_REFUSALS: ReadonlySet<ErrorCode> = new Set(['not_found', 'already_exists', 'failed_precondition', 'permission_denied']);

/**
 * @returns whether a later attempt of the same call is told the same. So it is of all that the state was asked for (`errno`): an earlier attempt
 *   may still be on its way, and the caller has been told that it did not happen. What the master has no room for may be different the next time.
 */
function stands({ code, errno }: UnderstudyError): boolean {
  return errno !== undefined || FINAL_REFUSALS.has(code);
}

/** Characters of what is recorded: what a refusal tells of a request that makes no sense may be as long as the request. */
const RECORDED_MAX = 4_096;

function cut(text: string): string {
  return text.slice(0, RECORDED_MAX);
}

const NOTHING: Answer = { sn: 0, inode: null, inodes: [] };
const NOBODY: Submission = { caller: null, plan: () => ({ unchanged: null }), settle() {} };

function emptyGroup(): Group {
  return { entries: [], unsettled: [], readers: [], bytes: BATCH_OVERHEAD_BYTES, makesRoom: true };
}

/** What a client is told when nothing happened: it may retry, elsewhere or later. */
function asRefusal(error: UnderstudyError): UnderstudyError {
  if (error.code === 'fenced') return new UnderstudyError('not_leader', 'this master has been superseded', { cause: error });
  if (error.code === 'cancelled') return new UnderstudyError('unavailable', 'this master is closing its journal', { cause: error });
  if (error.code === 'outcome_unknown')
    return new UnderstudyError('unavailable', `the journal cannot be written: ${error.message}`, { cause: error });
  return error;
}
