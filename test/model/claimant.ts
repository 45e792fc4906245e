/**
 * A claim: take a number, fence, read, copy, write the slot. The claim batch itself is an ordinary append (writer.ts).
 */
import type { Branches } from './explore.js';
import {
  DURABLE,
  type Entry,
  type EpochState,
  GONE,
  type JournalState,
  type NextStep,
  newEpoch,
  showEntries,
  VISIBLE,
} from './journal-state.js';
import { brokenSlotBelow, epochAt, logTo, markOf, marksBad, readableCount, slotReadable, successorMissing } from './journal-view.js';
import type { Rules } from './rules.js';

type Mine = (label: string, change: (me: EpochState, next: JournalState) => void) => void;

export function branchTake(s: JournalState, epochs: number, rules: Rules, branches: Branches<JournalState>): void {
  const number = s.epochs.length + 1;
  if (number > epochs) return;
  branches.step(`${number} takes its number`, (next) => {
    const e = newEpoch(number);
    if (number === 1 || !rules.fenceBeforeRead) e.doing = 'ledger';
    next.epochs.push(e);
  });
}

export function branchClaim(s: JournalState, number: number, rules: Rules, branches: Branches<JournalState>): void {
  const e = epochAt(s, number);
  const mine: Mine = (label, change) => branches.step(`${number} ${label}`, (next) => change(epochAt(next, number), next));
  switch (e.doing) {
    case 'fence':
      mine(`fences ${e.target}`, (me, next) => fence(me, next, rules));
      break;
    case 'ledger':
      branchLedger(s, number, rules, mine, branches);
      break;
    case 'read':
      branchRead(s, number, rules, mine, branches);
      break;
    case 'copy': // no slot names this segment yet, so a half-done copy cannot be seen
      mine(`has copied ${e.copies} entries, durably`, (me) => {
        me.visible = me.durable = me.entries.length;
        me.doing = rules.copyBeforeSlot && rules.slotBeforeBatch ? 'slot' : 'write';
      });
      break;
    case 'slot':
      if (e.slot === VISIBLE)
        mine('has a durable slot', (me) => {
          me.slot = DURABLE;
          me.doing = rules.copyBeforeSlot ? 'write' : 'copy';
        });
      else
        mine('has a visible slot', (me) => {
          me.slot = VISIBLE;
        });
      break;
  }
}

const afterReading = (rules: Rules): NextStep => (rules.copyBeforeSlot ? 'copy' : 'slot');

function fence(me: EpochState, next: JournalState, rules: Rules): void {
  const target = epochAt(next, me.target);
  const knownCommitted = markOf(target) > 0;
  if (rules.fenceKnownCommitted || !knownCommitted) target.fenced = true;
  me.target -= 1;
  if (knownCommitted || me.target === 0 || !rules.fenceAll) {
    me.target = 0;
    me.doing = rules.fenceBeforeRead ? 'ledger' : afterReading(rules);
  }
}

/** Finds the head. The log is read later, when the ledger may say more. */
function branchLedger(s: JournalState, number: number, rules: Rules, mine: Mine, branches: Branches<JournalState>): void {
  const broken = brokenSlotBelow(s, number, rules);
  if (broken > 0) {
    stop(s, number, `epoch ${broken} has a bad slot above valid batches`, branches);
    return;
  }
  let head = 0;
  for (let n = 1; n < number; n++) if (slotReadable(epochAt(s, n))) head = n;
  mine(`finds ${head === 0 ? 'an empty ledger' : `that epoch ${head} is the head`}`, (me) => {
    me.target = head;
    me.doing = 'read';
  });
}

/** Finds the base in the head, and the suffix. */
function branchRead(s: JournalState, number: number, rules: Rules, mine: Mine, branches: Branches<JournalState>): void {
  const head = epochAt(s, number).target;
  const corrupt = head > 0 ? corruption(s, head, rules) : undefined;
  if (corrupt !== undefined) {
    stop(s, number, corrupt, branches);
    return;
  }
  const { base, suffix } = adopt(s, head, rules);
  mine(`builds on entry ${base.count} of epoch ${base.epoch} and adopts ${showEntries(suffix)}`, (me) => {
    me.base = base;
    me.entries = suffix;
    me.copies = suffix.length;
    me.target = rules.fenceBeforeRead ? 0 : number - 1;
    me.doing = me.target > 0 ? 'fence' : afterReading(rules);
  });
}

/** A claimant that finds damage stops with `corrupt`, which is right only where there was some: else a kill here ends the service for good. */
function stop(s: JournalState, number: number, corrupt: string, branches: Branches<JournalState>): void {
  if (!s.damaged) branches.violation(`${number} reads`, 'I10', `nobody can claim and nothing was damaged: ${corrupt}`);
}

function corruption(s: JournalState, head: number, rules: Rules): string | undefined {
  const e = epochAt(s, head);
  const readable = readableCount(e);
  if (successorMissing(e)) return `a trailer of epoch ${head} names a segment that is not there`;
  if (marksBad(e, rules)) return `both marks of epoch ${head} are bad`;
  if (rules.copiesCounted && readable < e.copies) return `epoch ${head} has ${readable} entries, its slot promises ${e.copies} copies`;
  if (rules.tearAboveMarks && readable < markOf(e)) return `epoch ${head} has ${readable} entries, its marks cover ${markOf(e)}`;
  if (s.damaged && logTo(s, head, readable).includes(GONE)) return `the log of epoch ${head} has a hole`;
  return undefined;
}

function adopt(s: JournalState, head: number, rules: Rules): { base: EpochState['base']; suffix: Entry[] } {
  if (head === 0) return { base: { epoch: 0, count: 0, sn: 0, last: 0 }, suffix: [] };
  const e = epochAt(s, head);
  const readable = readableCount(e);
  const mark = Math.min(markOf(e), readable);
  const baseAt = (count: number): EpochState['base'] => ({
    epoch: head,
    count,
    sn: e.base.sn + count,
    last: e.entries[count - 1] ?? e.base.last,
  });
  if (!rules.copySuffix) return { base: baseAt(readable), suffix: [] };
  return mark > 0
    ? { base: baseAt(mark), suffix: e.entries.slice(mark, readable) }
    : { base: e.base, suffix: e.entries.slice(0, readable) };
}
