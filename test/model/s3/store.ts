/**
 * The bucket and what is under way to it: PUTs that land late, twice or never; checkpoints, boundaries and deletions.
 */
import type { Branches } from '../explore.js';
import { startAgain } from './reader.js';
import type { Rules } from './rules.js';
import { isClaim, masterAt, NOTHING, newState, type S3State, show } from './state.js';

export function branchStore(s: S3State, rules: Rules, branches: Branches<S3State>): void {
  for (const [slot, id] of s.net) {
    if (s.at[slot] === id || (s.at[slot] !== NOTHING && rules.ifNoneMatch)) continue;
    branches.step(`PUT of ${show(id)} reaches slot ${slot}`, (next) => {
      next.at[slot] = id;
      if (next.truth[slot] === NOTHING) next.truth[slot] = id;
      for (const m of next.masters) if (m.put === id && m.doing === 'putting') m.made = true;
    });
  }
}

/** Any master's checkpoint will do, and anybody may collect: more than the design allows, so that its order of things is not what saves it. */
export function branchCollection(s: S3State, rules: Rules, branches: Branches<S3State>): void {
  const lost = range(s.checkpoint + 1, s.acknowledged + 1).find((slot) => s.at[slot] !== s.truth[slot]);
  if (lost !== undefined) {
    branches.violation(
      'an empty master begins',
      'I1',
      `slot ${lost} was acknowledged, checkpoint ${s.checkpoint} does not hold it, and it is gone`,
    );
    return;
  }
  s.masters.forEach((m, index) => {
    if (m.applied > s.checkpoint && m.doing !== 'claimed')
      branches.step(`${index} publishes checkpoint ${m.applied}`, (next) => {
        next.checkpoint = masterAt(next, index).applied;
      });
  });
  const highest = rules.boundaryByCheckpoint ? s.checkpoint : s.acknowledged;
  for (const boundary of highest > 0 ? [highest + 1] : []) {
    if (boundary === s.boundary || s.boundaries.includes(boundary)) continue;
    branches.step(`boundary ${boundary} is sent`, (next) => {
      next.boundaries.push(boundary);
      next.boundaries.sort();
    });
  }
  for (const boundary of s.boundaries)
    branches.step(`boundary ${boundary} is made`, (next) => {
      next.boundary = rules.boundaryObjects ? Math.max(next.boundary, boundary) : boundary;
      next.boundaries = next.boundaries.filter((other) => other !== boundary);
    });
  // Whatever stands there now: the deletion may have been sent when it was something else.
  for (const slot of range(1, rules.boundaryFirst ? s.boundary : highest + 1)) {
    if (s.at[slot] === NOTHING || (rules.keepClaims && isClaim(s.truth[slot] ?? NOTHING))) continue;
    branches.step(`slot ${slot} is deleted`, (next) => {
      next.at[slot] = NOTHING;
    });
  }
}

/** The new journal is empty; the older one's deletions, and the PUTs on their way to it, are still under way. */
export function branchFormat(s: S3State, rules: Rules, branches: Branches<S3State>): void {
  if (!s.isFormatted && s.acknowledged > 0)
    branches.step('the journal is formatted anew', (next) => {
      const { at, truth, boundary, boundaries, checkpoint, acknowledged } = newState(0, s.at.length - 3);
      Object.assign(next, { at, truth, boundary, boundaries, checkpoint, acknowledged, net: [], isFormatted: true });
      for (const m of next.masters) startAgain(m, next);
      if (!rules.keysByIncarnation) next.doomed = range(1, s.at.length).filter((slot) => s.at[slot] !== NOTHING);
    });
  for (const slot of s.doomed)
    branches.step(`the deletion of the older journal's slot ${slot} is carried out`, (next) => {
      next.at[slot] = NOTHING;
      next.doomed = next.doomed.filter((other) => other !== slot);
    });
}

/** Forgets what cannot matter any more, so that states that differ only in it are one. */
export function forget(s: S3State, rules: Rules): void {
  if (rules.ifNoneMatch && rules.keepClaims)
    s.net = s.net.filter(([slot]) => !isClaim(s.at[slot] ?? NOTHING) || !isClaim(s.truth[slot] ?? NOTHING));
  s.net.sort(([a, x], [b, y]) => a - b || x - y);
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
