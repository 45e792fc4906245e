/**
 * How a master claims: it catches up, lets a leader be that still serves, and asks the journal for a new epoch.
 */
import type { Clock } from '../base/clock.js';
import { isError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep, throwIfAborted } from '../base/wait.js';
import type { Journal, JournalWriter } from '../journal/journal.js';
import { encodeEntry } from '../metadata/entries.js';
import { FEATURES } from '../metadata/features.js';
import type { Network } from '../rpc/network.js';
import { findIncumbent } from './incumbent.js';
import type { Replica } from './replica.js';
import { SteadyClock } from './steady-clock.js';

export interface ClaimantSettings {
  /** Owner of the root directory, where this master makes it. */
  readonly owner: string;
  readonly group: string;
  /** Milliseconds for which an elected standby lets a leader be that still serves. */
  readonly incumbentGraceMs: number;
}

export interface ClaimantDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
  readonly journal: Journal;
}

/** A standby that had everything so short a time ago claims without another look: the claim finds the rest. */
const CAUGHT_UP_MS = 500;
/** One that is still behind then lets others try, and goes on as a standby until it is its turn again. */
const CATCH_UP_MAX_MS = 2_000;
const QUIET_MS = 200;
const VERIFY_WAIT_MS = 250;
const INCUMBENT_PAUSE_MS = 250;

export class Claimant {
  readonly #settings: ClaimantSettings;
  readonly #deps: ClaimantDeps;
  readonly #time: SteadyClock;
  /** The leader that is being let be: since when, and when it was last seen to serve. */
  #incumbent: { readonly epoch: number; readonly sinceMs: number; readonly lastMs: number } | null = null;

  constructor(settings: ClaimantSettings, deps: ClaimantDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#time = new SteadyClock(deps.clock, deps.clock.wallMs());
  }

  /**
   * Applies what is committed, so that the claim, which fences a leader, has little left to do. Ends as well when nothing comes for a
   * while: a reader that is ahead of the marks waits for them, and only a claim can tell it how the log goes on.
   *
   * @param behindMs for how long the replica has not had all of it.
   * @returns false: it has come some way, and there is more than a moment's work left; another master may lack less.
   */
  async catchUp(replica: Replica, behindMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock, journal } = this.#deps;
    if (behindMs < CAUGHT_UP_MS) return true;
    const enoughMs = clock.monotonicMs() + CATCH_UP_MAX_MS;
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    let quiet = clock.setTimer(QUIET_MS, () => done.abort());
    try {
      for await (const batch of journal.read({ from: replica.end, signal: either, onIdle: () => done.abort() })) {
        throwIfAborted(signal);
        quiet.cancel();
        await replica.applyBatch(batch);
        if (clock.monotonicMs() > enoughMs) return false;
        quiet = clock.setTimer(QUIET_MS, () => done.abort());
      }
    } finally {
      quiet.cancel();
    }
    throwIfAborted(signal);
    return true;
  }

  /**
   * @returns whether the replica has been found sound. One that has not is given a moment, at full speed; then others are let try: what
   *   damage has changed in a store must not be served, nor planned on.
   */
  async isVerified(replica: Replica, signal: AbortSignal): Promise<boolean> {
    if (replica.isVerified) return true;
    const enough = new AbortController();
    const limit = sleep(this.#deps.clock, VERIFY_WAIT_MS, AbortSignal.any([signal, enough.signal])).catch(() => {});
    await Promise.race([replica.verified(), limit]);
    enough.abort();
    throwIfAborted(signal);
    return replica.isVerified;
  }

  /**
   * @returns whether the leader before us still serves, and is let be for now: the election may have lost sight of a healthy one. Each
   *   leadership is let be for `incumbentGraceMs` in all, counted anew when it was not asked after for as long.
   * @param leader `host:port` of the other master that leads, as far as is known; empty where none does.
   */
  async incumbentServes(replica: Replica, leader: string, ownAddress: string, signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#deps;
    const { incumbentGraceMs } = this.#settings;
    const { epoch } = replica.state;
    if (leader === '') return false;
    const now = clock.monotonicMs();
    const before = this.#incumbent;
    const goesOn = before !== null && before.epoch === epoch && now - before.lastMs <= incumbentGraceMs;
    const sinceMs = goesOn ? before.sinceMs : now;
    if (now - sinceMs > incumbentGraceMs) return false;
    const incumbent = await findIncumbent(this.#deps, { address: leader, epoch }, ownAddress, signal);
    if (incumbent === null) return false;
    this.#incumbent = { epoch, sinceMs, lastMs: now };
    log.info({ leader: incumbent.address, epoch: incumbent.epoch }, 'elected, but the leader still serves: it is let be for now');
    // Two standbys must not hand the election to each other all the time.
    await sleep(clock, INCUMBENT_PAUSE_MS, signal);
    return (await findIncumbent(this.#deps, incumbent, ownAddress, signal)) !== null;
  }

  /**
   * Resolves where nobody has superseded `writer`, which can append nothing any longer. An own batch of unknown outcome that stands in the journal
   * after all (`outcome_unknown`) has to be applied by a claim.
   *
   * @throws `fenced`, `unavailable`.
   */
  async notSuperseded(writer: JournalWriter | null): Promise<void> {
    try {
      await writer?.confirm();
    } catch (error) {
      if (!isError(error, 'outcome_unknown')) throw error;
    }
  }

  /** @throws as `journal.claim`, and what the replica cannot apply. */
  claim(replica: Replica, ownAddress: string, signal: AbortSignal): Promise<JournalWriter> {
    const { owner, group } = this.#settings;
    return this.#deps.journal.claim({
      from: replica.end,
      entry: (epoch, notBeforeMs) => {
        const timeMs = Math.max(notBeforeMs, replica.state.timeMs, this.#time.nowMs());
        // A journal that begins with this release begins with all that it has.
        const features = replica.state.sn > 0 ? [] : FEATURES.map(({ name, since }) => ({ name, since }));
        return { bytes: encodeEntry({ timeMs, claim: { epoch, host: ownAddress, owner, group, features } }), timeMs };
      },
      deliver: (batch) => replica.applyBatch(batch),
      signal,
    });
  }
}
