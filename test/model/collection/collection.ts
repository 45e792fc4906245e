/**
 * The collection of a directory journal (design 3.1) as a model: claimants and a reader that are slow at any step, while leaders make
 * retentions known and delete by them.
 *
 * Checked in every state: an empty master can begin with what the marks say, also after a power cut now. On the way: nobody who can still lead
 * takes what was collected for the end of the log or for damage, and no reader skips.
 */
import type { Branches, Model } from '../explore.js';
import {
  type CollectionState,
  DELETING,
  decodeState,
  type Entry,
  type EpochState,
  encodeState,
  IDLE,
  KNOWN,
  newEpoch,
  noEpochs,
  SEEN,
} from './state.js';
import { agree, boundaryOf, chain, entryAt, epochAt, highestMarked, isGone, journaledBoundary, whyNotBegun } from './view.js';

/** Every rule is there because something breaks without it. */
export interface CollectionRules {
  /** The mark that makes a retention known is durable before anything is deleted by it. */
  readonly markDurable: boolean;
  /** The own fence is looked at once that mark is durable. */
  readonly fenceAfterMark: boolean;
  /** A claimant reads the mark that it will repeat once it has fenced all before. */
  readonly repeatAfterFence: boolean;
  /** Deletes a segment where its *successor* begins at or below the boundary, not where itself does. */
  readonly bySuccessor: boolean;
  /** Deletes what is not on the chain only of epochs below the one that holds what follows the boundary. */
  readonly belowOnly: boolean;
  /** The ledger is never collected. */
  readonly keepLedger: boolean;
  /** What is not there is an error, never the end of a log. */
  readonly missingIsError: boolean;
  /** A claimant that misses something looks at its own fence before anything else. */
  readonly ownFenceFirst: boolean;
  /** Whoever misses something looks at the newest boundary, and begins again from a checkpoint where it is behind. */
  readonly boundaryOnMissing: boolean;
}

const ALL_RULES: CollectionRules = {
  markDurable: true,
  fenceAfterMark: true,
  repeatAfterFence: true,
  bySuccessor: true,
  belowOnly: true,
  keepLedger: true,
  missingIsError: true,
  ownFenceFirst: true,
  boundaryOnMissing: true,
};

export interface CollectionBounds {
  /** How many entries each epoch writes, its claim included. */
  readonly appends: readonly number[];
  readonly reader: boolean;
}

export function collection(bounds: CollectionBounds, without: Partial<CollectionRules> = {}): Model<CollectionState> {
  const rules = { ...ALL_RULES, ...without };
  return {
    initial: noEpochs,
    encode: encodeState,
    decode: decodeState,
    branch(s, branches) {
      for (const page of ['seen', 'durable'] as const) {
        const why = whyNotBegun(s, page);
        if (why !== undefined) branches.violation('an empty master begins', 'I10', why);
      }
      if (s.epochs.length < bounds.appends.length) branchTake(s, branches, rules);
      s.epochs.forEach((e, i) => {
        const number = i + 1;
        if (e.doing !== 'dead') branchEpoch({ s, branches, rules, number, appends: bounds.appends[i] ?? 0 });
      });
      if (bounds.reader) branchReader(s, branches, rules);
    },
    atRest(s) {
      if (!bounds.reader) return undefined;
      const top = highestMarked(s);
      const marked = top === 0 ? 0 : chain(s, top, epochAt(s, top).seen.entries).length;
      return s.applied.length >= marked ? undefined : { invariant: 'I10', detail: `the reader stays at ${s.applied.length} of ${marked}` };
    },
  };
}

interface Turn {
  readonly s: CollectionState;
  readonly branches: Branches<CollectionState>;
  readonly rules: CollectionRules;
  readonly number: number;
  readonly appends: number;
}

function branchTake(s: CollectionState, branches: Branches<CollectionState>, rules: CollectionRules): void {
  const boundary = boundaryOf(s);
  const number = s.epochs.length + 1;
  for (const from of new Set([boundary, s.acknowledged.length])) {
    if (from < boundary || from > s.acknowledged.length) continue;
    branches.step(`a claimant that has ${from} takes ${number}`, (next) => {
      next.epochs.push(newEpoch(number, from, rules.repeatAfterFence ? 0 : boundary));
    });
  }
}

function branchEpoch(turn: Turn): void {
  const { s, branches, number } = turn;
  const e = epochAt(s, number);
  const step = (label: string, change: (mine: EpochState, next: CollectionState) => void): void =>
    branches.step(`${number} ${label}`, (next) => change(epochAt(next, number), next));
  if (e.doing === 'fence') {
    step(`fences ${e.target}`, (mine, next) => {
      epochAt(next, e.target).fenced = true;
      mine.target -= 1;
      if (mine.target === 0) mine.doing = 'ledger';
    });
  } else if (e.doing === 'ledger') branchLedger(turn, step);
  else if (e.doing === 'read') branchRead(turn, step);
  else if (e.doing === 'deliver') branchDeliver(turn, step);
  else if (e.doing === 'slot') {
    step('writes its slot', (mine) => {
      mine.slotted = true;
      mine.doing = 'write';
    });
  } else branchWriter(turn, step);
}

type Step = (label: string, change: (mine: EpochState, next: CollectionState) => void) => void;

function branchLedger({ s, rules, number }: Turn, step: Step): void {
  const head = s.epochs.findLastIndex((e, i) => i + 1 < number && e.slotted) + 1;
  step(`finds the head ${head}`, (mine, next) => {
    mine.target = head;
    if (rules.repeatAfterFence) mine.boundary = boundaryOf(next, 'seen', number);
    if (head > 0) {
      const { base, seen } = epochAt(next, head);
      mine.base = seen.entries > 0 ? { epoch: head, count: seen.entries, sn: base.sn + seen.entries } : { ...base };
    }
    mine.doing = head === 0 ? 'slot' : 'read';
  });
}

/** What becomes of a claimant that misses something: `fenced`, `behind`, to look again, or to take it for damage. */
function onMissing({ s, branches, rules, number }: Turn, step: Step): void {
  const e = epochAt(s, number);
  if (rules.ownFenceFirst && e.fenced)
    step('misses something and is fenced', (mine) => {
      mine.doing = 'dead';
    });
  else if (rules.boundaryOnMissing && e.from < boundaryOf(s))
    step('is behind the boundary', (mine) => {
      mine.doing = 'dead';
    });
  else if (e.fenced || !rules.boundaryOnMissing)
    branches.violation(`${number} misses something`, 'I10', `${number} calls the journal damaged`);
  else
    step('looks again', (mine) => {
      mine.doing = 'ledger';
    });
}

function branchRead(turn: Turn, step: Step): void {
  const { s, rules, number } = turn;
  const e = epochAt(s, number);
  const head = epochAt(s, e.target);
  const start = e.base.epoch === e.target ? e.base.count : 0;
  const suffix = head.entries.slice(start).map((_, i) => ({ epoch: e.target, index: start + i }));
  const missing = suffix.findIndex((place) => isGone(s, place));
  if (missing !== -1 && rules.missingIsError) return onMissing(turn, step);
  const read = suffix.slice(0, missing === -1 ? suffix.length : missing).map((place) => entryAt(s, place));
  step(`reads and copies ${read.length}`, (mine) => {
    mine.entries = read;
    mine.copies = read.length;
    mine.doing = 'deliver';
  });
}

function branchDeliver(turn: Turn, step: Step): void {
  const { s, rules, number } = turn;
  const e = epochAt(s, number);
  const lacks = chain(s, e.base.epoch, e.base.count).slice(e.from);
  const misses = lacks.some((place) => isGone(s, place));
  if (misses && rules.missingIsError) return onMissing(turn, step);
  step('applies what it lacks', (mine) => {
    mine.hole = misses;
    mine.doing = 'slot';
  });
}

function branchWriter(turn: Turn, step: Step): void {
  const { s, branches, number, appends } = turn;
  const e = epochAt(s, number);
  const own = e.entries.length - e.copies;
  if (e.doing === 'write' && own < appends) {
    step(`writes ${number}.${own + 1}`, (mine, next) => {
      mine.entries.push(number * 16 + own + 1);
      if (own === 1) next.checkpoints |= 1 << (e.base.sn + e.entries.length);
      mine.doing = 'check';
    });
  }
  if (e.doing === 'check' && e.fenced)
    step('is fenced', (mine) => {
      mine.doing = 'dead';
    });
  if (e.doing === 'check' && !e.fenced) {
    const log = chain(s, number, e.entries.length).map((place) => entryAt(s, place));
    const goesOn = log.length > s.acknowledged.length && agree(s.acknowledged, log);
    if (!goesOn) branches.violation(`${number} commits`, 'I1', `acknowledged ${show(s.acknowledged)}, the leader has ${show(log)}`);
    else if (e.hole) branches.violation(`${number} commits`, 'I1', 'the leader lacks a part of the log');
    else {
      step(`commits ${show(log)}`, (mine, next) => {
        mine.committed = e.entries.length;
        next.acknowledged = log;
        mine.doing = 'write';
      });
    }
  }
  branchMarks(turn, step);
}

/** One mark at a time; that one that makes a boundary known can be seen before it is durable. */
function branchMarks(turn: Turn, step: Step): void {
  const { s, rules, number } = turn;
  const e = epochAt(s, number);
  const write = (mine: EpochState): void => {
    mine.seen = { entries: mine.committed, boundary: mine.boundary };
  };
  const isDurable = e.seen.entries === e.durable.entries && e.seen.boundary === e.durable.boundary;
  if (isDurable && e.committed > e.seen.entries) {
    step('marks', (mine) => {
      write(mine);
      mine.durable = { ...mine.seen };
    });
  }
  if (!isDurable) {
    step('has its mark durable', (mine) => {
      mine.durable = { ...mine.seen };
      if (mine.retaining === SEEN) mine.retaining = KNOWN;
    });
  }
  if (e.committed === 0) return;
  const journaled = journaledBoundary(chain(s, number, e.committed).map((place) => entryAt(s, place)));
  if (isDurable && e.retaining === IDLE && journaled > e.seen.boundary) {
    step(`makes the boundary ${journaled} known`, (mine) => {
      mine.boundary = journaled;
      write(mine);
      mine.retaining = rules.markDurable ? SEEN : KNOWN;
    });
  }
  if (e.retaining === KNOWN && rules.fenceAfterMark && e.fenced)
    step('finds itself fenced', (mine) => {
      mine.doing = 'dead';
    });
  else if (e.retaining === KNOWN)
    step('begins to delete', (mine) => {
      mine.retaining = DELETING;
    });
  if (e.retaining === DELETING) branchDelete(turn, step);
}

function branchDelete({ s, rules, number }: Turn, step: Step): void {
  const { boundary } = epochAt(s, number);
  let lowest = number;
  while (epochAt(s, lowest).base.sn > boundary) lowest = epochAt(s, lowest).base.epoch;
  const own = chain(s, number, epochAt(s, number).entries.length);
  const upTo = boundary - epochAt(s, lowest).base.sn + (rules.bySuccessor ? 0 : 1);
  let isDone = true;
  s.epochs.forEach((e, i) => {
    const epoch = i + 1;
    const ofOther = (index: number): boolean => !rules.belowOnly && !own.some((place) => place.epoch === epoch && place.index === index);
    e.entries.forEach((_, index) => {
      const isPast = epoch < lowest || (epoch === lowest && index < upTo) || ofOther(index);
      if (!isPast || isGone(s, { epoch, index })) return;
      isDone = false;
      step(`deletes ${epoch}-${index}`, (_mine, next) => {
        epochAt(next, epoch).gone |= 1 << index;
      });
    });
    if (!rules.keepLedger && epoch < lowest && e.fenced)
      step(`clears the ledger of ${epoch}`, (_, next) => {
        epochAt(next, epoch).fenced = false;
      });
  });
  const past = s.checkpoints & ((1 << boundary) - 1);
  if (past !== 0)
    step('deletes checkpoints', (_, next) => {
      next.checkpoints &= ~past;
    });
  if (isDone && past === 0)
    step('has deleted all', (mine) => {
      mine.retaining = IDLE;
    });
}

function branchReader(s: CollectionState, branches: Branches<CollectionState>, rules: CollectionRules): void {
  const { plan, applied } = s;
  if (!agree(applied, s.acknowledged) || applied.length > s.acknowledged.length)
    branches.violation('the reader', 'I4', `applied ${show(applied)}, acknowledged is ${show(s.acknowledged)}`);
  const top = highestMarked(s);
  if (plan.epoch === 0) {
    const at = top === 0 ? undefined : chain(s, top, epochAt(s, top).seen.entries)[applied.length];
    if (at === undefined) return;
    let [above, to] = [top, epochAt(s, top).seen.entries];
    while (above !== at.epoch) [above, to] = [epochAt(s, above).base.epoch, epochAt(s, above).base.count];
    branches.step(`the reader goes to ${at.epoch}-${at.index}`, (next) => {
      next.plan = { ...at, to };
    });
  } else if (!isGone(s, plan)) {
    branches.step(`the reader applies ${show([entryAt(s, plan)])}`, (next) => {
      next.applied.push(entryAt(s, plan));
      next.plan = plan.index + 1 < plan.to ? { ...plan, index: plan.index + 1 } : { epoch: 0, index: 0, to: 0 };
    });
  } else if (!rules.missingIsError) {
    const log = chain(s, top, epochAt(s, top).seen.entries);
    const rest = log.slice(log.findIndex(({ epoch, index }) => epoch === plan.epoch && index === plan.index));
    const on = rest.find((place) => !isGone(s, place));
    if (on !== undefined)
      branches.step('the reader reads on', (next) => {
        next.plan = { ...on, to: on.index + 1 };
      });
  } else if (rules.boundaryOnMissing && applied.length < boundaryOf(s)) {
    branches.step('the reader begins again from a checkpoint', (next) => {
      next.applied = next.acknowledged.slice(0, boundaryOf(next));
      next.plan = { epoch: 0, index: 0, to: 0 };
    });
  } else if (rules.boundaryOnMissing)
    branches.step('the reader looks again', (next) => {
      next.plan = { epoch: 0, index: 0, to: 0 };
    });
  else branches.violation('the reader misses something', 'I10', 'the reader calls the journal damaged');
}

function show(entries: readonly Entry[]): string {
  return `[${entries.map((entry) => `${entry >> 4}.${entry & 15}`).join(' ')}]`;
}
