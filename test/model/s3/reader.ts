/**
 * A master as a standby: fetches slots in any order, re-reads the boundary, applies; starts again from a checkpoint where it is behind.
 */
import type { Branches } from '../explore.js';
import type { Bounds, Rules } from './rules.js';
import { type MasterState, masterAt, NOTHING, noRead, type S3State, show } from './state.js';

export function branchReader(s: S3State, index: number, rules: Rules, bounds: Bounds, branches: Branches<S3State>): void {
  const m = masterAt(s, index);
  if (m.doing !== 'standby') return;
  const mine = (label: string, change: (me: MasterState, next: S3State) => void): void =>
    branches.step(`${index} ${label}`, (next) => change(masterAt(next, index), next));
  const next = m.applied + 1;
  m.got.slice(0, bounds.prefetch).forEach((got, i) => {
    const found = s.at[next + i] ?? NOTHING;
    if (got === NOTHING && found !== NOTHING)
      mine(`fetches ${show(found)} from slot ${next + i}`, (me) => {
        me.got[i] = found;
        me.checked = me.checked && !rules.checkWholeRun;
      });
  });
  const [first] = m.got;
  if (first === NOTHING) {
    if (s.at[next] === NOTHING && rules.checkAtEnd && s.boundary > next)
      mine(`finds slot ${next} empty and the boundary above it, and starts again from checkpoint ${s.checkpoint}`, startAgain);
  } else if (rules.checkAfterRead && !m.checked)
    mine(`reads the boundary ${s.boundary}`, (me, n) => {
      if (s.boundary > next) startAgain(me, n);
      else me.checked = true;
    });
  else if (first !== s.truth[next])
    branches.violation(
      `${index} applies slot ${next}`,
      'I4',
      `applied ${show(first)} at ${next}, the log has ${show(s.truth[next] ?? NOTHING)}`,
    );
  else
    mine(`applies slot ${next}`, (me) => {
      me.applied = next;
      me.got = [m.got[1], NOTHING];
      me.checked = m.checked && m.got[1] !== NOTHING;
    });
}

/** Throws away what it has and loads the newest checkpoint. */
export function startAgain(me: MasterState, next: S3State): void {
  beStandby(me);
  me.applied = next.checkpoint;
}

export function beStandby(me: MasterState): void {
  me.doing = 'standby';
  me.put = NOTHING;
  me.made = false;
  me.batches = 0;
  me.got = [NOTHING, NOTHING];
  me.checked = false;
  me.read = noRead();
}
