/**
 * The protocol of the journal on S3 (design 3.2) as a model: masters that follow, claim, append and answer, and a bucket with its collector,
 * each step of each at any moment.
 */
import type { Model } from '../explore.js';
import { branchReader } from './reader.js';
import { ALL_RULES, type Bounds, type Rules } from './rules.js';
import { decodeState, encodeState, newState, type S3State } from './state.js';
import { branchCollection, branchFormat, branchStore, forget } from './store.js';
import { branchWriter } from './writer.js';

export function s3Journal(bounds: Bounds, without: Partial<Rules> = {}): Model<S3State> {
  const rules: Rules = { ...ALL_RULES, ...without };
  return {
    initial: () => newState(bounds.masters, bounds.slots),
    encode(state, bytes) {
      forget(state, rules);
      return encodeState(state, bytes);
    },
    decode: decodeState,
    branch(state, branches) {
      branchStore(state, rules, branches);
      if (bounds.collection) branchCollection(state, rules, branches);
      if (bounds.format) branchFormat(state, rules, branches);
      for (let index = 0; index < state.masters.length; index++) {
        branchReader(state, index, rules, bounds, branches);
        branchWriter(state, index, rules, bounds, branches);
      }
    },
  };
}
