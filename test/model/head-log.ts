/**
 * What a claimant makes of the head's log: the base and the suffix, or that it is damaged.
 *
 * It reads from the mark page, or from the front, to the last sound entry. Where it meets a bad one before what it has applied itself, it
 * goes on at its own point if it finds that by hash, and builds on it: what was applied is committed, marked here or not.
 */
import { type Entry, type EpochState, epochOf, type JournalState } from './journal-state.js';
import { badSn, epochAt, isCutOff, isFound, markOf, marksBad, pageMarkOf, readableCount, successorMissing } from './journal-view.js';
import type { Rules } from './rules.js';

/** How far a claimant's state goes, and whether it is of another log: then every hash of it is another. */
export interface Point {
  readonly sn: number;
  readonly stranger: boolean;
}

export interface HeadLog {
  readonly base: EpochState['base'];
  readonly suffix: Entry[];
  /** The base is the claimant's own point, behind damage. */
  readonly isPassed: boolean;
}

/** @returns why it is damaged, where it is. */
export function readHeadLog(s: JournalState, head: number, from: Point, rules: Rules): HeadLog | string {
  if (head === 0) return { base: { epoch: 0, count: 0, sn: 0, last: 0 }, suffix: [], isPassed: false };
  const e = epochAt(s, head);
  const have = from.sn - e.base.sn;
  const isMet = e.bad > pageMarkOf(e);
  const isPassed = isMet && have >= e.bad && rules.passOver && !(from.stranger && rules.passByHash) && isFound(e, have);
  const end = isMet && !isPassed ? e.bad - 1 : readableCount(e);
  const wrong = corruption(s, head, end, rules);
  if (wrong !== undefined) return wrong;
  if (have > end) return `the claimant is ahead of the log of epoch ${head}`;
  if (from.stranger && !isPassed) return 'the claimant is not on the chain';
  const readFrom = isPassed ? have : isMet ? 0 : pageMarkOf(e);
  const mark = Math.min(Math.max(markOf(e, readFrom), isPassed ? have : 0), end);
  const base = baseIn(e, head, mark, end, rules);
  const isNeeded = s.damaged || badSn(s) > 0;
  if (isNeeded && isCutOff(s, base.epoch, base.count, from.sn)) return `the log of epoch ${head} has a hole`;
  return { base, suffix: rules.copySuffix ? e.entries.slice(mark, end) : [], isPassed };
}

function corruption(s: JournalState, head: number, end: number, rules: Rules): string | undefined {
  const e = epochAt(s, head);
  if (successorMissing(e)) return `a trailer of epoch ${head} names a segment that is not there`;
  if (marksBad(e, rules)) return `both marks of epoch ${head} are bad`;
  if (rules.copiesCounted && end < e.copies) return `epoch ${head} has ${end} entries, its slot promises ${e.copies} copies`;
  if (rules.tearAboveMarks && end < pageMarkOf(e)) return `epoch ${head} has ${end} entries, its marks cover ${pageMarkOf(e)}`;
  if (e.entries.slice(end + 1, readableCount(e)).some((entry) => epochOf(entry) === head))
    return `epoch ${head} has sound batches behind entry ${end + 1}, which is not`;
  return undefined;
}

function baseIn(e: EpochState, head: number, mark: number, end: number, rules: Rules): EpochState['base'] {
  const count = rules.copySuffix ? mark : end;
  if (mark === 0 && rules.copySuffix) return e.base;
  return { epoch: head, count, sn: e.base.sn + count, last: e.entries[count - 1] ?? e.base.last };
}
