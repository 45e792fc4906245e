/**
 * What one leadership does about checkpoints: says when one is due, has it made, publishes it, and gives up what is no longer needed.
 *
 *   due -> a standby (the nearest first), at last this master -> stored -> entry (Retention) committed -> journal told to retain
 *
 * - At most one is being made. Whoever makes it checks it (make-checkpoint.ts); here it is compared once more with this leader's own mark of
 *   that very boundary before it is published.
 * - A maker that fails, refuses, or is silent for `SILENCE_MAX_MS` is given up for the next one. What it left is collected with the log.
 * - Files are deleted only after the entry that says so has committed. A leader begins by doing again what the last entry says.
 */
import type { Clock } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Deferred, deferred, orAborted, sleep } from '../base/wait.js';
import type { FlushMark } from '../metadata/flush-mark.js';
import type { CheckpointRecord, RetentionRecord } from '../metadata/records.js';
import { asRetention, withCheckpoint } from '../metadata/retention.js';
import type { State } from '../metadata/state.js';
import type { Network } from '../rpc/network.js';
import { type CheckpointMaker, makeCheckpointAt } from './checkpoint-maker.js';
import type { Leadership } from './leadership.js';
import type { MakeStep } from './make-checkpoint.js';
import type { Replica } from './replica.js';

export interface CheckpointerSettings {
  /** Whether checkpoints are made without being asked for. */
  readonly checkpointsEnabled: boolean;
  /** Each of these makes one due, if anything has changed: entries, bytes of the journal (of those seen since this master began), milliseconds. */
  readonly checkpointPeriodEntries: number;
  readonly checkpointPeriodBytes: number;
  readonly checkpointPeriodMs: number;
  /** How many are kept, 1 to 8. */
  readonly checkpointsKept: number;
}

export interface CheckpointerDeps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  /** This master's own. */
  readonly maker: CheckpointMaker;
  readonly ownAddress: string;
  /** @returns the standbys that may be asked, in no order. */
  readonly standbys: () => readonly { readonly address: string; readonly appliedSn: number }[];
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
}

/** A checkpoint, and what is known of its making. */
export interface Made {
  readonly checkpoint: CheckpointRecord;
  /** `host:port`. */
  readonly maker: string;
  readonly tookMs: number;
}

const LOOK_INTERVAL_MS = 1_000;
/** After a failure. */
const RETRY_MS = 10_000;
const SILENCE_MAX_MS = 30_000;

export class Checkpointer {
  readonly #settings: CheckpointerSettings;
  readonly #deps: CheckpointerDeps;
  readonly #ending = new AbortController();
  #making: Promise<Made> | null = null;
  /** What the journal is still to be told. */
  #unretained: RetentionRecord | null;
  #wake: Deferred<void> = deferred();

  constructor(settings: CheckpointerSettings, deps: CheckpointerDeps) {
    this.#settings = settings;
    this.#deps = deps;
    const retention = deps.replica.state.retention();
    this.#unretained = retention.checkpoints.length === 0 ? null : retention;
  }

  /** Runs until `signal` is aborted, with which everything here ends. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#ending.abort(), { once: true });
    if (signal.aborted) this.#ending.abort();
    await Promise.all([this.#makeWhenDue(this.#ending.signal), this.#retain(this.#ending.signal)]);
  }

  /**
   * Resolves with the newest checkpoint once that holds all that is in the state now. @returns null with it where that was so already.
   *
   * @throws what the last maker said. @throws `cancelled`, `not_leader`: this leadership has ended.
   */
  async checkpoint(): Promise<{ readonly newest: CheckpointRecord; readonly made: Made | null }> {
    const { state } = this.#deps.replica;
    const { changedSn } = state;
    for (let made: Made | null = null; ; ) {
      if (this.#making !== null) made = await this.#making;
      const [newest] = state.retention().checkpoints;
      if (newest !== undefined && newest.sn >= changedSn) return { newest, made };
      if (this.#making === null) made = await this.#make();
    }
  }

  async #makeWhenDue(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      let restMs = LOOK_INTERVAL_MS;
      if (this.#settings.checkpointsEnabled && this.#isDue()) {
        await (this.#making ?? this.#make()).catch((error) => {
          if (!signal.aborted) log.warn({ error: asError(error) }, 'no checkpoint could be made; it is tried again');
          restMs = RETRY_MS;
        });
      }
      await sleep(clock, restMs, signal).catch(() => {});
    }
  }

  #isDue(): boolean {
    const { replica, leadership } = this.#deps;
    try {
      return this.#hasCome(replica, leadership);
    } catch (thrown) {
      replica.checked(thrown);
      return false;
    }
  }

  #hasCome(replica: Replica, leadership: Leadership): boolean {
    const { state, bytesSinceCheckpoint } = replica;
    const { checkpointPeriodEntries, checkpointPeriodBytes, checkpointPeriodMs } = this.#settings;
    const [newest] = state.retention().checkpoints;
    if (state.changedSn <= (newest?.sn ?? 0)) return false;
    return (
      state.sn - (newest?.sn ?? 0) >= checkpointPeriodEntries ||
      bytesSinceCheckpoint >= checkpointPeriodBytes ||
      leadership.nowMs() - (newest?.madeMs ?? state.root().createdMs) >= checkpointPeriodMs
    );
  }

  #make(): Promise<Made> {
    const making = this.#makeAndPublish(this.#ending.signal).finally(() => {
      this.#making = null;
    });
    this.#making = making;
    return making;
  }

  async #makeAndPublish(signal: AbortSignal): Promise<Made> {
    const { clock, leadership, log } = this.#deps;
    const beganMs = clock.monotonicMs();
    const { stored, maker } = await this.#makeAnywhere(signal);
    const checkpoint = { ...stored, madeMs: leadership.nowMs() };
    await this.#publish(checkpoint);
    const tookMs = Math.round(clock.monotonicMs() - beganMs);
    log.info({ sn: checkpoint.sn, bytes: checkpoint.bytes, maker, ms: tookMs }, 'a checkpoint was published');
    return { checkpoint, maker, tookMs };
  }

  /** Asks one master after the other. */
  async #makeAnywhere(signal: AbortSignal): Promise<{ stored: CheckpointRecord; maker: string }> {
    const { standbys, ownAddress, log } = this.#deps;
    const nearest = [...standbys()].sort((a, b) => b.appliedSn - a.appliedSn);
    for (const { address: maker } of nearest) {
      try {
        return { stored: await new Attempt(this.#deps, maker, signal).run(), maker };
      } catch (error) {
        if (signal.aborted) throw error;
        log.warn({ maker, error: asError(error) }, 'a standby did not make a checkpoint; another master is asked');
      }
    }
    return { stored: await new Attempt(this.#deps, ownAddress, signal).run(), maker: ownAddress };
  }

  async #publish(checkpoint: CheckpointRecord): Promise<void> {
    let retention: RetentionRecord | null = null;
    await this.#deps.leadership.append((state: State) => {
      retention = withCheckpoint(state.retention(), checkpoint, this.#settings.checkpointsKept);
      return { retention: { ...retention, checkpoints: [...retention.checkpoints] } };
    });
    this.#unretained = retention;
    this.#wake.resolve();
  }

  /** Tells the journal what is kept, again and again until it has done what follows from that. */
  async #retain(signal: AbortSignal): Promise<void> {
    const { clock, log, leadership } = this.#deps;
    while (!signal.aborted) {
      const retention = this.#unretained;
      if (retention === null) {
        await orAborted(this.#wake.promise, signal).catch(() => {});
        this.#wake = deferred();
        continue;
      }
      try {
        // The writer's own end stops it: nobody waits for files to be deleted.
        await orAborted(leadership.writer.retain(asRetention(retention)), signal);
        if (this.#unretained === retention) this.#unretained = null;
      } catch (error) {
        if (signal.aborted || leadership.writer.dead.aborted) return;
        log.warn({ error: asError(error) }, 'the journal could not be cut back; it is tried again');
        await sleep(clock, RETRY_MS, signal).catch(() => {});
      }
    }
  }
}

/** One maker's try, with the entries that it needs from the leader. */
class Attempt {
  readonly #deps: CheckpointerDeps;
  readonly #maker: string;
  readonly #giveUp = new AbortController();
  readonly #signal: AbortSignal;
  #silence = { cancel() {} };
  /** Of the boundary, as this leader has it. */
  #mark: FlushMark | undefined;
  /** Resolves when the leader's digest of it is journaled. */
  #telling: Promise<void> = Promise.resolve();

  constructor(deps: CheckpointerDeps, maker: string, signal: AbortSignal) {
    this.#deps = deps;
    this.#maker = maker;
    this.#signal = AbortSignal.any([signal, this.#giveUp.signal]);
  }

  async run(): Promise<CheckpointRecord> {
    const { maker, replica, ownAddress, leadership } = this.#deps;
    const told = (step: MakeStep) => this.#told(step);
    this.#watch();
    try {
      const isOwn = this.#maker === ownAddress;
      const place = { address: this.#maker, epoch: leadership.writer.epoch };
      const making = isOwn ? maker.make(replica, told, this.#signal) : makeCheckpointAt(this.#deps, place, told, this.#signal);
      const made = await orAborted(making, this.#signal);
      await orAborted(this.#telling, this.#signal);
      return this.#checked(made);
    } finally {
      this.#silence.cancel();
      this.#giveUp.abort();
    }
  }

  #told(step: MakeStep): void {
    this.#watch();
    if (step.type === 'written') return;
    const answer = step.type === 'armed' ? this.#announce() : this.#tell(step.sn);
    if (step.type === 'taken') this.#telling = answer;
    answer.catch((error) => this.#giveUp.abort(error));
  }

  #watch(): void {
    this.#silence.cancel();
    if (this.#signal.aborted) return;
    this.#silence = this.#deps.clock.setTimer(SILENCE_MAX_MS, () =>
      this.#giveUp.abort(new UnderstudyError('deadline_exceeded', `the maker of a checkpoint is silent: master=${this.#maker}`)),
    );
  }

  /** Makes the next batch's end a boundary. */
  #announce(): Promise<void> {
    const { leadership, replica } = this.#deps;
    return leadership.append(() => ({ digest: replica.writeBehind.boundaries.newest }));
  }

  /** Journals this leader's digest at the boundary `sn`. */
  async #tell(sn: number): Promise<void> {
    const { leadership, replica } = this.#deps;
    const { boundaries } = replica.writeBehind;
    const [newest] = replica.state.retention().checkpoints;
    // A standby that is behind may come by an older boundary first; and what a checkpoint of that needs may be collected.
    if (sn <= (newest?.sn ?? 0))
      throw new UnderstudyError('aborted', `it would be no newer than the newest one: sn=${sn} newest=${newest?.sn}`);
    // All that was committed is flushed then, and that boundary is part of it.
    await replica.writeBehind.digest();
    this.#mark = boundaries.markAt(sn);
    const digest = boundaries.toldOf(sn);
    if (digest === undefined) throw new UnderstudyError('aborted', `this leader took no digest there: sn=${sn}`);
    await leadership.append(() => ({ digest }));
  }

  #checked(made: CheckpointRecord): CheckpointRecord {
    const mark = this.#mark;
    if (mark !== undefined && made.sn === mark.sn && made.epoch === mark.epoch && Buffer.compare(made.hash, mark.hash) === 0) return made;
    throw new UnderstudyError('corrupt', `a checkpoint is of another state than this leader's: sn=${made.sn} master=${this.#maker}`);
  }
}
