/**
 * The masters that this one knows of, and what each said last: so that one that cannot be seen is named, with when it was.
 *
 * Invariants:
 * - At most `MASTERS_MAX`; where there are more, those go first that were seen longest ago and that no setting names.
 * - One that the settings do not name is forgotten a day after anybody named it last.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import type { Distance } from './commit-trail.js';

/** What named a master first, the surest of all that did. */
export type KnownFrom = 'settings' | 'election' | 'journal' | 'stream';

/** How far a master was behind, when that was looked at. */
export interface Lag extends Distance {
  readonly entries: number;
}

export interface Comparison {
  readonly sn: number;
  readonly agrees: boolean;
}

export interface Known {
  readonly address: string;
  knownFrom: KnownFrom;
  /** When something named it last, itself perhaps, monotonic. */
  namedAtMs: number;
  /** When it last said something, monotonic; minus infinity: never. */
  seenAtMs: number;
  /** The same as Unix time; 0: never. */
  seenMs: number;
  /** Why it did not answer when it was last asked; empty where it has said something since. */
  why: string;
  epoch: number;
  appliedSn: number;
  isVerified: boolean;
  isObserver: boolean;
  /** When `appliedSn` was told. */
  lag: Lag | null;
  clockAheadMs: number | null;
  clockErrorMs: number;
  compared: Comparison | null;
  /** Null: it has never answered. */
  report: understudy.ReplicaReportResponse | null;
}

const MASTERS_MAX = 32;
const FORGET_MS = 24 * 3_600_000;
const SURENESS: readonly KnownFrom[] = ['stream', 'journal', 'election', 'settings'];

export class Roster {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In the order in which they became known. */
  list(): readonly Known[] {
    this.#forgetOld();
    return [...this.#known.values()];
  }

  get(address: string): Known | undefined {
    return this.#known.get(address);
  }

  /** Somebody names a master. */
  meet(address: string, from: KnownFrom): Known {
    const known = this.#known.get(address) ?? stranger(address, from);
    known.namedAtMs = this.#clock.monotonicMs();
    if (SURENESS.indexOf(from) > SURENESS.indexOf(known.knownFrom)) known.knownFrom = from;
    this.#known.set(address, known);
    if (this.#known.size > MASTERS_MAX) this.#forgetOne(known);
    return known;
  }

  /** A master says something now. */
  see(address: string, from: KnownFrom): Known {
    const known = this.meet(address, from);
    known.seenAtMs = this.#clock.monotonicMs();
    known.seenMs = Math.floor(this.#clock.wallMs());
    known.why = '';
    return known;
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { address, knownFrom, namedAtMs } of this.#known.values()) {
      if (knownFrom !== 'settings' && nowMs - namedAtMs > FORGET_MS) this.#known.delete(address);
    }
  }

  #forgetOne(newest: Known): void {
    const others = [...this.#known.values()].filter((known) => known !== newest);
    const chance = others.filter(({ knownFrom }) => knownFrom !== 'settings');
    const [oldest] = (chance.length > 0 ? chance : others).sort((a, b) => a.seenAtMs - b.seenAtMs);
    if (oldest !== undefined) this.#known.delete(oldest.address);
  }
}

function stranger(address: string, knownFrom: KnownFrom): Known {
  return {
    address,
    knownFrom,
    namedAtMs: 0,
    seenAtMs: Number.NEGATIVE_INFINITY,
    seenMs: 0,
    why: 'it has not been asked yet',
    epoch: 0,
    appliedSn: 0,
    isVerified: false,
    isObserver: false,
    lag: null,
    clockAheadMs: null,
    clockErrorMs: 0,
    compared: null,
    report: null,
  };
}
