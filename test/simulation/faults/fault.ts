/**
 * What one fault is: something done to a world at a moment of its schedule, which ends by itself. All chance in it comes from a stream of its
 * own, so that a schedule without one of its faults leaves the others as they were.
 */
import type { SeededRandom } from '../seeded-random.js';

/** What can be done to a world. Hosts are named; masters first. */
export interface Breakable {
  readonly masters: readonly string[];
  readonly clients: readonly string[];
  /** @returns the master that serves now, if one is known to. */
  leader(): string | undefined;
  /** The process dies; its host goes on. */
  kill(host: string): void;
  /** The host loses power. */
  vanish(host: string): void;
  /** Everything loses power at the same moment, storage too. */
  powerCut(): void;
  /** The process is told to end, and ends in order. */
  stop(host: string): void;
  /** An operator has the lead handed over: to `host`, or to whoever is nearest. */
  transfer(host: string | undefined): void;
  /** Starts what is not running. */
  restart(host: string): void;
  /** Loses the host's key-value store; only while it is not running. */
  wipe(host: string): void;
  pause(host: string): void;
  resume(host: string): void;
  cut(one: string, other: string): void;
  heal(one: string, other: string): void;
  /** The election service forgets the host, which does not know yet. */
  expireSession(host: string): void;
  skewWall(host: string, byMs: number): void;
  /** The journal's storage takes no writes, or takes them again. */
  journalWrites(taken: boolean): void;
  /** The election service does not answer, or answers again. */
  electionAnswers(answers: boolean): void;
}

/** One fault as it happens. */
export interface FaultContext {
  readonly world: Breakable;
  /** Of this fault alone. */
  readonly random: SeededRandom;
  /** @returns a master, the leader more often than not. */
  master(): string;
  /** Ends the fault after a while (the world stretches `toMs`), unless all faults were ended before. */
  later(fromMs: number, toMs: number, fn: () => void): void;
}

export type Fault = (context: FaultContext) => void;
