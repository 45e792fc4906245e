/**
 * A standby across epochs: picks an epoch that a mark vouches for, walks its slots down to what it has applied, and applies from there.
 *
 * Its look at the ledger is not atomic, so it may end up with any epoch that has a believable mark, not only the highest; that it must get to
 * the highest in the end is judged when nothing more happens. The files it walks do not change below a mark, so the walk is one step.
 */
import type { Branches } from './explore.js';
import { agree, type Entry, type EpochState, GONE, type JournalState, showEntries } from './journal-state.js';
import { badSn, epochAt, isCutOff, isFound, logTo, markOf, pieceOf, readableCount, slotReadable } from './journal-view.js';
import type { Rules } from './rules.js';

/** `diverged` where the entry at the follower's own sn is another one; `waits` where it is ahead of the mark, or what must be there is not. */
type Walk = { readonly applied: Entry[] } | 'diverged' | 'waits';

export function branchFollower(s: JournalState, rules: Rules, branches: Branches<JournalState>): void {
  s.epochs.forEach((e, i) => {
    const number = i + 1;
    const upto = believed(s, e, rules);
    if (upto === 0 || !mayTake(s, e, number, rules)) return;
    const walk = rules.resumeByHash ? walkToApplied(s, number, upto, rules) : walkToOffset(s, number, upto);
    const label = `the follower takes epoch ${number} up to its entry ${upto}`;
    if (walk === 'diverged')
      branches.violation(label, 'I4', `the follower applied ${showEntries(s.applied)}, which is not on the chain of epoch ${number}`);
    if (typeof walk === 'string') return;
    if (!agree(walk.applied, s.acknowledged)) {
      branches.violation(label, 'I4', `the follower applied ${showEntries(walk.applied)}, acknowledged is ${showEntries(s.acknowledged)}`);
      return;
    }
    const remembers = !rules.highestEpoch || !rules.resumeByHash;
    if (walk.applied.length === s.applied.length && !(remembers && s.followed.epoch !== number)) return;
    branches.step(label, (next) => {
      next.applied = walk.applied;
      if (remembers) next.followed = { epoch: number, offset: upto };
    });
  });
}

/** @returns what is wrong if the follower has not got to the end of what is marked though it had all the time in the world. */
export function leftBehind(s: JournalState, rules: Rules): { invariant: string; detail: string } | undefined {
  const rotted = badSn(s);
  if (s.damaged || rotted > s.applied.length) return undefined;
  const number = s.epochs.findLastIndex((e) => believed(s, e, rules) > 0) + 1;
  if (number === 0) return undefined;
  const upto = believed(s, epochAt(s, number), rules);
  const log = logTo(s, number, upto);
  if (log.includes(GONE) && (rotted === 0 || isCutOff(s, number, upto, s.applied.length)))
    return { invariant: 'I1', detail: `acknowledged ${showEntries(s.acknowledged)}, storage has ${showEntries(log)}` };
  if (s.applied.length >= epochAt(s, number).base.sn + upto) return undefined;
  return { invariant: 'I10', detail: `the follower stays at ${showEntries(s.applied)}, epoch ${number} has marked ${showEntries(log)}` };
}

function believed(s: JournalState, e: EpochState, rules: Rules): number {
  if (!slotReadable(e)) return 0;
  if (e.bad > 0) {
    const have = s.applied.length - e.base.sn;
    const upto = markOf(e) > 0 ? markOf(e, have) : 0;
    return e.bad > have ? Math.min(upto, e.bad - 1) : upto;
  }
  if (!rules.marks) return readableCount(e);
  const mark = markOf(e);
  // The header of a claim says what its writer knew committed before the claim was: taken for a mark, it vouches for the copies below it.
  return mark === 0 && !rules.ownMark && readableCount(e) > e.copies ? e.copies : mark;
}

function mayTake(s: JournalState, e: EpochState, number: number, rules: Rules): boolean {
  const { epoch } = s.followed;
  return rules.highestEpoch || epoch === 0 || epoch === number || e.base.epoch === epoch;
}

function walkToApplied(s: JournalState, number: number, upto: number, rules: Rules): Walk {
  let found: Entry[] = [];
  let [at, count] = [number, upto];
  const have = s.applied.length;
  for (;;) {
    if (at === 0) return { applied: found };
    const e = epochAt(s, at);
    const piece = pieceOf(e, count);
    if (!slotReadable(e) || piece.includes(GONE) || isRotten(e, count, have - e.base.sn)) return 'waits';
    if (have > e.base.sn + piece.length && at === number) return 'waits';
    found = [...piece, ...found];
    if (have >= e.base.sn || !rules.walkDown) {
      const meets = have === e.base.sn ? e.base.last : (found[have - e.base.sn - 1] ?? 0);
      if (rules.walkDown && have > 0 && meets !== s.applied[have - 1]) return 'diverged';
      return { applied: [...s.applied, ...found.slice(Math.max(0, have - e.base.sn))] };
    }
    at = e.base.epoch;
    count = rules.stopAtBase || at === 0 ? e.base.count : readableCount(epochAt(s, at));
  }
}

/** @returns whether what it needs of the epoch, having `have` of its entries, has gone bad. */
const isRotten = (e: EpochState, count: number, have: number): boolean =>
  (e.bad > Math.max(have, 0) && e.bad <= count) || (have > 0 && count > have && !isFound(e, have));

/** Without `resumeByHash`: goes on behind the offset it had in the epoch it followed, and takes all that later slots built on it hold. */
function walkToOffset(s: JournalState, number: number, upto: number): Walk {
  let found: Entry[] = [];
  let [at, count] = [number, upto];
  while (at > 0) {
    const e = epochAt(s, at);
    const piece = pieceOf(e, count);
    if (piece.includes(GONE)) return 'waits';
    if (at === s.followed.epoch) return { applied: [...s.applied, ...piece.slice(s.followed.offset), ...found] };
    found = [...piece, ...found];
    [at, count] = [e.base.epoch, e.base.count];
  }
  return { applied: [...s.applied, ...found] };
}
