/**
 * What the world does to storage, as often as the bounds say: power fails everywhere, or the file server alone restarts, or a segment goes bad on the disk.
 *
 * What was durable stays; a page being written is found torn or as it was before. (That the write had just come through is a state in
 * which its sync has returned, so it needs no step here.)
 */
import type { Branches } from './explore.js';
import { BAD, DURABLE, type EpochState, type JournalState, NONE, TORN, VISIBLE } from './journal-state.js';
import { epochAt } from './journal-view.js';
import type { Bounds } from './rules.js';

export function branchCrash(s: JournalState, bounds: Bounds, branches: Branches<JournalState>): void {
  if (s.crashes === bounds.crashesMax) return;
  if (bounds.crashes.includes('rot')) branchRot(s, branches);
  const unsynced = s.epochs.flatMap((e, i) => e.pages.flatMap((page, p) => (page.visible !== page.durable ? [{ number: i + 1, p }] : [])));
  for (let fate = 0; fate < 1 << unsynced.length; fate++) {
    const survivors = unsynced.filter((_, i) => (fate >> i) & 1);
    const lose = (next: JournalState, powerToo: boolean): void => {
      const kept = survivors.map(({ number, p }) => ({ number, p, visible: epochAt(next, number).pages[p]?.visible ?? 0 }));
      next.crashes += 1;
      for (const e of next.epochs) loseUnsynced(e, powerToo);
      for (const { number, p, visible } of kept) {
        const page = epochAt(next, number).pages[p];
        if (page) page.visible = bounds.tornMarks ? TORN : visible;
        if (page && powerToo && !bounds.tornMarks) page.durable = visible;
      }
      if (powerToo && bounds.tornMarks) for (const e of next.epochs) for (const page of e.pages) page.durable = page.visible;
    };
    const found = survivors.map(({ number, p }) => `, page ${p} of epoch ${number} ${bounds.tornMarks ? 'is torn' : 'survives'}`).join('');
    if (bounds.crashes.includes('power')) branches.step(`power fails${found}`, (next) => lose(next, true));
    if (bounds.crashes.includes('server')) branches.step(`the file server restarts${found}`, (next) => lose(next, false));
    if (!bounds.crashes.includes('damage')) continue;
    s.epochs.forEach((e, i) => {
      const promised = Math.max(e.everMarked, e.slot === DURABLE ? e.copies : 0);
      for (let first = Math.min(e.durable, promised); first > 0; first--)
        branches.step(`power fails${found}, and epoch ${i + 1} goes bad from its entry ${first} on`, (next) => {
          lose(next, true);
          const bad = epochAt(next, i + 1);
          bad.entries.length = bad.visible = bad.durable = first - 1;
          next.damaged = true;
        });
    });
  }
}

/** One entry goes bad, once, where a later reader can tell: a mark or a slot that stays covers it, or a later batch of its epoch does. */
function branchRot(s: JournalState, branches: Branches<JournalState>): void {
  if (s.epochs.some((e) => e.bad > 0)) return;
  s.epochs.forEach((e, i) => {
    const followed = e.durable > e.copies ? e.durable - 1 : 0;
    for (let at = Math.min(e.durable, Math.max(e.everMarked, e.copies, followed)); at > 0; at--)
      branches.step(`entry ${at} of epoch ${i + 1} goes bad`, (next) => {
        next.crashes += 1;
        epochAt(next, i + 1).bad = at;
      });
  });
}

function loseUnsynced(e: EpochState, powerToo: boolean): void {
  e.visible = e.durable;
  if (e.slot === VISIBLE || (e.slot === NONE && e.doing === 'slot')) e.slot = BAD;
  if (e.successor === VISIBLE) e.successor = NONE;
  if (e.trailer === VISIBLE) e.trailer = NONE;
  for (const page of e.pages) page.visible = page.durable;
  if (!powerToo) {
    for (const page of e.pages) if (page.writing > 0) page.visible = TORN; // it will be sent again
    return;
  }
  e.entries.length = Math.min(e.entries.length, e.durable);
  e.doing = 'dead';
  e.target = e.committed = e.saw = 0;
  e.confirmed = e.stale = false;
  for (const page of e.pages) page.writing = 0;
}
