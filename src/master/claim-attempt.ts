/**
 * A claim under way: one at a time, begun and stopped by the shell, which hears how it ended.
 */
import type { Clock } from '../base/clock.js';
import { asError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import type { JournalWriter } from '../journal/journal.js';
import type { Claimant } from './claimant.js';
import type { Replica } from './replica.js';
import type { ClaimEffect, Role, RoleInput } from './role-machine.js';
import type { LeadTaker } from './take-lead.js';
import type { TakeoverPhases } from './takeover-phases.js';

const CLAIM_PAUSE_MS = 100;
const CLAIM_PAUSE_MAX_MS = 5_000;

/** What an attempt sees of its master. */
export interface Claiming {
  readonly role: Role;
  readonly replica: Replica | null;
  readonly rpcAddress: string;
  readonly leaderAddress: string;
  /** Feeds the role machine. */
  input(input: RoleInput): void;
}

export interface ClaimAttemptDeps {
  readonly clock: Clock;
  readonly claimant: Claimant;
  readonly taker: LeadTaker;
  readonly phases: TakeoverPhases;
  /** The writer of the epoch before, of a leader that claims again. */
  writer(): JournalWriter | null;
  /** It has claimed; told before the machine hears of it. */
  claimed(writer: JournalWriter): void;
  /** Takes a writer that came too late. */
  letGo(writer: JournalWriter): Promise<void>;
}

export class ClaimAttempt {
  readonly #master: Claiming;
  readonly #deps: ClaimAttemptDeps;
  #current: { readonly stop: AbortController; readonly done: Promise<void> } | null = null;

  constructor(master: Claiming, deps: ClaimAttemptDeps) {
    this.#master = master;
    this.#deps = deps;
  }

  /** @param behindMs for how long the replica has not had all of the journal. */
  begin(effect: ClaimEffect, behindMs: number): void {
    const { role, replica } = this.#master;
    const stop = new AbortController();
    const wanted = role.name === 'claiming' || role.name === 'suspended';
    if (wanted && replica !== null) this.#current = { stop, done: this.#claim(replica, effect, behindMs, stop.signal) };
  }

  /** Gives it up, without waiting for its end. */
  cancel(): void {
    this.#current?.stop.abort();
  }

  async stop(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    current?.stop.abort();
    await current?.done;
  }

  async #claim(replica: Replica, { failures, told }: ClaimEffect, behindMs: number, signal: AbortSignal): Promise<void> {
    const { clock, claimant, taker, phases, writer, claimed, letGo } = this.#deps;
    const master = this.#master;
    try {
      if (failures > 0) await sleep(clock, Math.min(CLAIM_PAUSE_MS * 2 ** failures, CLAIM_PAUSE_MAX_MS), signal);
      phases.began();
      // A suspended leader whom another has superseded must not claim the lead back.
      if (master.role.name === 'suspended') await claimant.notSuperseded(writer());
      else if (told) taker.throwIfUnwanted();
      else {
        const isCaughtUp = await claimant.catchUp(replica, behindMs, signal);
        phases.ended('catch_up');
        const isReady = isCaughtUp && (await claimant.isVerified(replica, signal));
        phases.ended('verify');
        if (!isReady || (await claimant.incumbentServes(replica, master.leaderAddress, master.rpcAddress, signal)))
          return master.input({ type: 'stood back' });
        phases.ended('look_around');
      }
      const won = await claimant.claim(replica, master.rpcAddress, signal);
      if (signal.aborted) return await letGo(won);
      phases.ended('claim');
      claimed(won);
      master.input({ type: 'claimed', epoch: won.epoch });
    } catch (thrown) {
      if (!signal.aborted) master.input({ type: 'claim failed', error: asError(thrown) });
    }
  }
}
