/** All that is fuzzed. */
import type { Target } from './target.js';
import { blockTargets } from './targets/block-targets.js';
import { checkpointTargets } from './targets/checkpoint-targets.js';
import { electionTargets } from './targets/election-targets.js';
import { journalTargets } from './targets/journal-targets.js';
import { rpcTargets } from './targets/rpc-targets.js';
import { stateTargets } from './targets/state-targets.js';
import { textTargets } from './targets/text-targets.js';

export const TARGETS: readonly Target[] = [
  ...rpcTargets,
  ...journalTargets,
  ...checkpointTargets,
  ...stateTargets,
  ...electionTargets,
  ...textTargets,
  ...blockTargets,
];
