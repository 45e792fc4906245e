/**
 * The directory journal's protocol (design 3.1) as a model: claimants, writers, a follower and the world, each step of each at any moment.
 */
import { branchClaim, branchTake } from './claimant.js';
import { branchCrash } from './crash.js';
import type { Model } from './explore.js';
import { branchFollower, leftBehind } from './follower.js';
import { decodeState, encodeState, type JournalState, noEpochs } from './journal-state.js';
import { ALL_RULES, type Bounds, type Rules } from './rules.js';
import { branchWriter } from './writer.js';

export function directoryJournal(bounds: Bounds, without: Partial<Rules> = {}): Model<JournalState> {
  const rules: Rules = { ...ALL_RULES, ...without };
  return {
    initial: noEpochs,
    encode: encodeState,
    decode: decodeState,
    branch(state, branches) {
      branchTake(state, bounds, rules, branches);
      for (let number = 1; number <= state.epochs.length; number++) {
        branchClaim(state, number, rules, branches);
        branchWriter(state, number, rules, bounds, branches);
      }
      branchFollower(state, rules, branches);
      branchCrash(state, bounds, branches);
    },
    atRest(state) {
      return leftBehind(state, rules);
    },
  };
}
