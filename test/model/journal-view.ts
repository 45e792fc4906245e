/**
 * What a reader can see of the modelled journal at one moment: which batches it can reach, what a mark proves, what the log is.
 */
import {
  BAD,
  DURABLE,
  type Entry,
  type EpochState,
  epochOf,
  FOREIGN,
  GONE,
  type JournalState,
  NONE,
  TORN,
  VISIBLE,
} from './journal-state.js';
import type { Rules } from './rules.js';

/** @returns the record of epoch `number`, which must have been taken. */
export function epochAt(s: JournalState, number: number): EpochState {
  const epoch = s.epochs[number - 1];
  if (!epoch) throw new RangeError(`no such epoch number=${number}`);
  return epoch;
}

export const slotReadable = (e: EpochState): boolean => e.slot === VISIBLE || e.slot === DURABLE;

/** A trailer names a segment that is not there. */
export const successorMissing = (e: EpochState): boolean => e.trailer !== NONE && e.successor === NONE;

/** @returns how many entries a reader finds that goes through the epoch's first segment, and by its trailer into the second. */
export function readableCount(e: EpochState): number {
  return e.rotatedAt > 0 && (e.trailer === NONE || e.successor === NONE) ? Math.min(e.visible, e.rotatedAt) : e.visible;
}

const ownBatchReadable = (e: EpochState, number: number): boolean =>
  e.entries.slice(0, readableCount(e)).some((entry) => epochOf(entry) === number);

/** Both mark pages tell nothing though a mark was written: damage. */
export function marksBad(e: EpochState, rules: Rules): boolean {
  const [first, second] = e.pages;
  if (!rules.emptyPageIsNotBad && (first.visible === TORN || second.visible === TORN))
    return first.visible % TORN === 0 && second.visible % TORN === 0;
  return first.visible === TORN && second.visible === TORN;
}

/** @returns how many entries the epoch's mark pages cover. */
export const pageMarkOf = (e: EpochState): number => Math.max(...e.pages.map(({ visible }) => (visible === TORN ? 0 : visible)));

/**
 * @param from how many entries of the epoch the reader has: it reads on from there.
 * @returns how many it knows committed: by the epoch's pages, or by a header that is not the claim's; 0 where it has no mark.
 */
export function markOf(e: EpochState, from = e.copies): number {
  const own = (e.bad > from ? e.bad - 1 : readableCount(e)) - e.copies;
  const ofHeader = own >= 2 ? e.copies + own - 1 : 0; // batch n + 1 is written once batch n is committed, and its header says so
  return Math.max(pageMarkOf(e), ofHeader);
}

/** @returns whether entry `at` of the epoch, counted from 1, can be read where it stands, whatever is before it. */
const isSound = (e: EpochState, at: number): boolean => at <= readableCount(e) && at !== e.bad;

/** @returns whether a reader that has `from` entries of the epoch finds its place: nothing is damaged on the way, or a sound entry ends or begins there. */
export const isFound = (e: EpochState, from: number): boolean => from < e.bad || e.bad === 0 || isSound(e, from) || isSound(e, from + 1);

/** @returns the highest sn at which an entry can no longer be read in some log, those behind it can; 0 where there is none. */
export const badSn = (s: JournalState): number => Math.max(0, ...s.epochs.map((e) => (e.bad > 0 ? e.base.sn + e.bad : 0)));

/** @returns whether some of what leads from sn `from` to the first `count` entries of epoch `number` cannot be read. */
export function isCutOff(s: JournalState, number: number, count: number, from: number): boolean {
  for (let [at, upto] = [number, count]; at > 0; ) {
    const e = epochAt(s, at);
    const have = from - e.base.sn;
    if (have >= upto) return false;
    if (!slotReadable(e) || (have > 0 && !isFound(e, have))) return true;
    for (let i = Math.max(have, 0) + 1; i <= upto; i++) if (!isSound(e, i)) return true;
    if (have >= 0) return false;
    [at, upto] = [e.base.epoch, e.base.count];
  }
  return false;
}

/** @returns an epoch that the log of `number` builds on and whose slot is not durable; or 0. */
export function weakSlotBelow(s: JournalState, number: number): number {
  let { epoch } = epochAt(s, number).base;
  while (epoch > 0 && epochAt(s, epoch).slot === DURABLE) epoch = epochAt(s, epoch).base.epoch;
  return epoch;
}

/** @returns the log up to the first `count` entries of epoch `number`, with `GONE` where storage no longer has what a slot builds on. */
export function logTo(s: JournalState, number: number, count: number): Entry[] {
  const pieces: Entry[][] = [];
  let [epoch, left] = [number, count];
  while (epoch > 0) {
    const e = epochAt(s, epoch);
    pieces.unshift(pieceOf(e, left));
    if (!slotReadable(e)) {
      pieces.unshift([GONE]);
      break;
    }
    [epoch, left] = [e.base.epoch, e.base.count];
  }
  return pieces.flat();
}

/** @returns the first `count` entries of the epoch, followed by `GONE` if there are fewer. */
export function pieceOf(e: EpochState, count: number): Entry[] {
  const readable = readableCount(e);
  return readable >= count ? e.entries.slice(0, count) : [...e.entries.slice(0, readable), GONE];
}

/** @returns the log as the holder of epoch `number` has it in memory: everything it wrote, readable or not. */
export function holdersLog(s: JournalState, number: number): Entry[] {
  const { base, entries, from, stranger } = epochAt(s, number);
  const applied = stranger ? Array<Entry>(from).fill(FOREIGN) : s.applied.slice(0, from);
  if (from > 0 && applied.length >= base.sn) return [...applied, ...entries.slice(applied.length - base.sn)];
  return [...applied, ...[...logTo(s, base.epoch, base.count), ...entries].slice(applied.length)];
}

/** @returns the number of an epoch below `number` whose slot is bad or empty though its segment proves that it was written, or 0. */
export function brokenSlotBelow(s: JournalState, number: number, rules: Rules): number {
  for (let n = 1; n < number; n++) {
    const e = epochAt(s, n);
    if (slotReadable(e)) continue;
    if (rules.ownBatch ? ownBatchReadable(e, n) : e.slot === BAD && readableCount(e) > 0) return n;
  }
  return 0;
}
