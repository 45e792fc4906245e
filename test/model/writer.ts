/**
 * The holder of an epoch: append, rotate, mark, answer reads. Whether what it acknowledges breaks a promise is judged here, when it commits.
 */
import type { Branches } from './explore.js';
import { agree, DURABLE, type Entry, type EpochState, entryOf, GONE, type JournalState, NONE, showEntries, TORN } from './journal-state.js';
import { epochAt, holdersLog, weakSlotBelow } from './journal-view.js';
import type { Bounds, Rules } from './rules.js';

type Mine = (label: string, change: (me: EpochState, next: JournalState) => void) => void;

export function branchWriter(s: JournalState, number: number, rules: Rules, bounds: Bounds, branches: Branches<JournalState>): void {
  const mine: Mine = (label, change) => branches.step(`${number} ${label}`, (next) => change(epochAt(next, number), next));
  const e = epochAt(s, number);
  if (e.doing === 'write') branchAppend(e, number, rules, bounds, mine);
  if (e.doing === 'sync') branchSync(s, number, rules, mine, branches);
  if (e.doing === 'check') branchCheck(s, number, rules, mine, branches);
  if (bounds.rotation) branchRotation(e, rules, mine);
  if (!rules.slotBeforeBatch && e.slot < DURABLE && ['write', 'sync', 'check'].includes(e.doing)) {
    mine(`has a ${e.slot === NONE ? 'visible' : 'durable'} slot`, (me) => {
      me.slot += 1;
    });
  }
  branchMarks(e, rules, bounds, mine);
  if (bounds.reads && e.committed > 0 && e.doing !== 'dead') branchReads(s, number, rules, mine, branches);
}

function branchAppend(e: EpochState, number: number, rules: Rules, bounds: Bounds, mine: Mine): void {
  const own = e.entries.length - e.copies;
  if (own < bounds.appends) {
    mine(`writes batch ${own + 1}`, (me) => {
      me.entries.push(entryOf(number, own + 1));
      me.doing = rules.checkAfterSync ? 'sync' : 'check';
    });
    if (bounds.rotation && e.committed > 0 && e.rotatedAt === 0) {
      mine('rotates', (me) => {
        me.rotatedAt = me.entries.length;
        me.doing = rules.segmentBeforeTrailer ? 'create' : 'trailer';
      });
    }
  }
}

function branchSync(s: JournalState, number: number, rules: Rules, mine: Mine, branches: Branches<JournalState>): void {
  const e = epochAt(s, number);
  if (e.visible < e.entries.length)
    mine('has its batch visible', (me) => {
      me.visible = me.entries.length;
    });
  else if (rules.checkAfterSync)
    mine('has its batch durable', (me) => {
      me.durable = me.entries.length;
      me.doing = 'check';
    });
  else branchAcknowledge(s, number, branches);
}

function branchCheck(s: JournalState, number: number, rules: Rules, mine: Mine, branches: Branches<JournalState>): void {
  if (rules.check && epochAt(s, number).fenced)
    mine('is fenced', (me) => {
      me.doing = 'dead';
      me.saw = 0;
      me.confirmed = me.stale = false;
    });
  else if (!rules.checkAfterSync)
    mine('looks too early', (me) => {
      me.doing = 'sync';
    });
  else branchAcknowledge(s, number, branches);
}

function branchAcknowledge(s: JournalState, number: number, branches: Branches<JournalState>): void {
  const log = holdersLog(s, number);
  const label = `${number} acknowledges ${showEntries(log)}`;
  if (brokenPromise(s, log, label, branches)) return;
  const weak = weakSlotBelow(s, number);
  if (weak > 0) return branches.violation(label, 'I1', `${showEntries(log)} builds on epoch ${weak}, whose slot may be lost`);
  branches.step(label, (next) => {
    const me = epochAt(next, number);
    next.acknowledged = log;
    me.durable = me.committed = me.entries.length;
    me.doing = 'write';
  });
}

/** Says so if `log`, about to be acknowledged, contradicts what was acknowledged, answered or applied before. */
function brokenPromise(s: JournalState, log: readonly Entry[], label: string, branches: Branches<JournalState>): boolean {
  const against = (promise: string, entries: readonly Entry[]): string =>
    `${promise} ${showEntries(entries)}, the leader has ${showEntries(log)}`;
  if (log.includes(GONE)) branches.violation(label, 'I1', against('acknowledged', s.acknowledged));
  else if (!agree(s.acknowledged, log)) branches.violation(label, 'I2', against('acknowledged', s.acknowledged));
  else if (s.acknowledged.length > log.length) branches.violation(label, 'I1', against('acknowledged', s.acknowledged));
  else if (!agree(s.answered, log)) branches.violation(label, 'I6', against('a reader was shown', s.answered));
  else if (!agree(s.applied, log)) branches.violation(label, 'I4', against('the follower applied', s.applied));
  else return false;
  return true;
}

/** A new segment, then the trailer that names it, each visible and then durable. */
function branchRotation(e: EpochState, rules: Rules, mine: Mine): void {
  if (e.doing === 'create')
    mine(`has a ${e.successor === NONE ? 'visible' : 'durable'} second segment`, (me) => {
      me.successor += 1;
      if (me.successor === DURABLE) me.doing = rules.segmentBeforeTrailer && rules.trailerBeforeBatch ? 'trailer' : 'write';
    });
  const inBackground = !rules.trailerBeforeBatch && e.successor === DURABLE && e.trailer < DURABLE && e.doing !== 'dead';
  if (e.doing === 'trailer' || inBackground)
    mine(`has a ${e.trailer === NONE ? 'visible' : 'durable'} trailer`, (me) => {
      me.trailer += 1;
      if (me.trailer === DURABLE && me.doing === 'trailer') me.doing = rules.segmentBeforeTrailer ? 'write' : 'create';
    });
}

/** Off the acknowledging path, and even after the holder was fenced: what it knows committed stays so. */
function branchMarks(e: EpochState, rules: Rules, bounds: Bounds, mine: Mine): void {
  const newest = e.pages.map((page) => Math.max(page.writing, page.visible === TORN ? 0 : page.visible, page.durable));
  const [first = 0, second = 0] = newest;
  if (!bounds.tornMarks) {
    if (e.committed > first)
      mine(`has mark ${e.committed} visible`, (me) => {
        me.pages[0].visible = me.committed;
      });
    return;
  }
  e.pages.forEach((page, i) => {
    if (page.writing === 0) return;
    if (page.visible === TORN)
      mine(`has mark ${page.writing} visible in page ${i}`, (me) => {
        const written = me.pages[i] ?? me.pages[0];
        written.visible = written.writing;
      });
    else
      mine(`has mark ${page.writing} durable in page ${i}`, (me) => {
        const written = me.pages[i] ?? me.pages[0];
        written.durable = written.writing;
        written.writing = 0;
        me.everMarked = Math.max(me.everMarked, written.durable);
      });
  });
  const target = rules.alternatePages && first > second ? 1 : 0;
  const idle = e.pages[target].writing === 0 && (!rules.oneMarkAtATime || e.pages.every((page) => page.writing === 0));
  if (idle && e.committed > Math.max(first, second))
    mine(`begins mark ${e.committed} in page ${target}`, (me) => {
      me.pages[target].writing = me.committed;
      me.pages[target].visible = TORN;
    });
}

/** One read at a time: it sees what is pending, waits until that is committed and for a confirm that began after it came, and is answered. */
function branchReads(s: JournalState, number: number, rules: Rules, mine: Mine, branches: Branches<JournalState>): void {
  const e = epochAt(s, number);
  if (!e.confirmed && !e.fenced && (e.saw > 0 || !rules.confirmAfterRequest))
    mine('confirms', (me) => {
      me.confirmed = true;
    });
  if (e.saw === 0) {
    const log = holdersLog(s, number);
    const stale = s.acknowledged.length > log.length || !agree(s.acknowledged, log);
    mine(`gets a read, which sees ${showEntries(log)}`, (me) => {
      me.saw = me.entries.length;
      me.stale = stale;
    });
  } else if (e.confirmed && (rules.readCommitted ? e.committed : e.durable) >= e.saw) {
    const log = holdersLog(s, number).slice(0, e.base.sn + e.saw);
    if (e.stale) {
      branches.violation(
        `${number} answers the read`,
        'I6',
        `${showEntries(log)} is older than what was acknowledged before the read came`,
      );
      return;
    }
    mine('answers the read', (me, next) => {
      if (log.length > next.answered.length) next.answered = log;
      me.saw = 0;
      me.confirmed = false;
    });
  }
}
