/**
 * A claim: take a number, fence, read, copy, write the slot. The claim batch itself is an ordinary append (writer.ts).
 */
import type { Branches } from './explore.js';
import { type Point, readHeadLog } from './head-log.js';
import { DURABLE, type EpochState, GONE, type JournalState, type NextStep, newEpoch, showEntries, VISIBLE } from './journal-state.js';
import { badSn, brokenSlotBelow, epochAt, logTo, markOf, readableCount, slotReadable } from './journal-view.js';
import type { Bounds, Rules } from './rules.js';

type Mine = (label: string, change: (me: EpochState, next: JournalState) => void) => void;

export function branchTake(s: JournalState, bounds: Bounds, rules: Rules, branches: Branches<JournalState>): void {
  const number = s.epochs.length + 1;
  if (number > bounds.epochs) return;
  branches.step(`${number} takes its number`, (next) => {
    const e = newEpoch(number);
    if (number === 1 || !rules.fenceBeforeRead) e.doing = 'ledger';
    if (bounds.crashes.includes('rot')) e.from = s.applied.length;
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
      branchRead(s, number, rules, branches);
      break;
    case 'copy': // no slot names this segment yet, so a half-done copy cannot be seen
      mine(`has copied ${e.copies} entries, durably`, (me) => {
        me.visible = me.durable = me.entries.length;
        me.doing = rules.copyBeforeSlot && rules.slotBeforeBatch ? 'slot' : 'write';
      });
      break;
    case 'repeat':
      mine(`writes the slot of epoch ${e.base.epoch} once more`, (me, next) => {
        const head = epochAt(next, me.base.epoch);
        me.doing = slotReadable(head) ? afterReading(rules) : 'dead';
        if (slotReadable(head)) head.slot = DURABLE;
      });
      break;
    case 'slot':
      if (slotReadable(e))
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
    if (!s.damaged) branches.violation(`${number} reads`, 'I10', unclaimable(`epoch ${broken} has a bad slot above valid batches`));
    return;
  }
  let head = 0;
  for (let n = 1; n < number; n++) if (slotReadable(epochAt(s, n))) head = n;
  mine(`finds ${head === 0 ? 'an empty ledger' : `that epoch ${head} is the head`}`, (me) => {
    me.target = head;
    me.doing = 'read';
  });
}

/** Finds the base in the head, and the suffix. What the claimant had applied matters only where something went bad. */
function branchRead(s: JournalState, number: number, rules: Rules, branches: Branches<JournalState>): void {
  const head = epochAt(s, number).target;
  for (const from of pointsOfClaimants(s, number, head, rules)) {
    const found = readHeadLog(s, head, from, rules);
    if (typeof found === 'string') {
      // Right only where something went bad that the claimant needs: else a kill here ends the service for good.
      const mayStop = s.damaged || from.stranger || (badSn(s) > 0 && badSn(s) >= from.sn);
      if (!mayStop) branches.violation(`${number}${showPoint(from) || ' '}reads`, 'I10', unclaimable(found));
      continue;
    }
    const { base, suffix } = found;
    const label = `builds on entry ${base.count} of epoch ${base.epoch} and adopts ${showEntries(suffix)}`;
    const isReadable = !logTo(s, base.epoch, base.count).includes(GONE) && !found.isPassed;
    branches.step(`${number}${showPoint(from) || ' '}${label}`, (next) => {
      const me = epochAt(next, number);
      me.base = base;
      me.entries = suffix;
      me.copies = suffix.length;
      me.from = isReadable ? 0 : from.sn;
      me.stranger = from.stranger;
      me.target = rules.fenceBeforeRead ? 0 : number - 1;
      me.doing = me.target > 0 ? 'fence' : found.isPassed && rules.repeatSlot ? 'repeat' : afterReading(rules);
    });
  }
}

const unclaimable = (why: string): string => `nobody can claim though nothing that is needed was damaged: ${why}`;
const showPoint = ({ sn, stranger }: Point): string => (sn === 0 ? '' : `, having applied ${sn}${stranger ? ' foreign' : ''}, `);

/** @returns what a claimant may have applied before it took its number: any part of what the follower has, or as much of another log. */
function pointsOfClaimants(s: JournalState, number: number, head: number, rules: Rules): Point[] {
  const nothing = { sn: 0, stranger: false };
  if (badSn(s) === 0 || head === 0) return [nothing];
  const e = epochAt(s, head);
  const end = e.base.sn + readableCount(e);
  const applied = epochAt(s, number).from;
  const upto = rules.passToApplied ? applied : Math.max(applied, end);
  const points = Array.from({ length: upto }, (_, i) => ({ sn: i + 1, stranger: false }));
  return [nothing, ...points, ...Array.from({ length: end }, (_, i) => ({ sn: i + 1, stranger: true }))];
}
