/**
 * What becomes of the journal's storage, and of the checkpoints in it.
 */
import type { StorageTrouble } from '../storage-trouble.js';
import type { Fault, FaultContext } from './fault.js';

export const STORAGE_FAULTS = {
  'fail the journal': (fault) => suffer(fault, 'errors', 4_000),
  'lose the journal': (fault) => suffer(fault, 'gone', 8_000),
  'fill the journal': (fault) => suffer(fault, 'full', 6_000),
  'make the journal read-only': (fault) => suffer(fault, 'read-only', 6_000),
  'slow the journal': (fault) => suffer(fault, 'slow', 6_000),
  'late requests to the journal': (fault) => suffer(fault, 'late', 3_000),
  'unanswered requests to the journal': (fault) => suffer(fault, 'unanswered', 2_000),
  'duplicate requests to the journal': (fault) => suffer(fault, 'twice', 4_000),
  'throttle the journal': (fault) => suffer(fault, 'throttled', 4_000),
  'make the journal unreadable': (fault) => suffer(fault, 'unreadable', 4_000),
  'show the journal as it was': (fault) => suffer(fault, 'stale', 4_000),
  'cut a host from the journal': (fault) => endLater(fault, 8_000, fault.world.journal.cutOff(fault.master())),
  'cut the leader from the journal, and depose it': (fault) => {
    const host = fault.world.leader() ?? fault.random.pick(fault.world.masters);
    const isCut = endLater(fault, 8_000, fault.world.journal.cutOff(host));
    if (isCut) fault.world.election.expire(host, 'late');
    return isCut;
  },
  'take a checkpoint': (fault) => fault.world.checkpoint(),
  'damage a checkpoint': (fault) => fault.world.damageCheckpoint(fault.random),
} satisfies Record<string, Fault>;

function suffer(fault: FaultContext, trouble: StorageTrouble, toMs: number): boolean {
  return endLater(fault, toMs, fault.world.journal.suffer(trouble, fault.random));
}

/** @param end undefined where this storage does not know such trouble. */
function endLater(fault: FaultContext, toMs: number, end: (() => void) | undefined): boolean {
  if (end !== undefined) fault.later(1, toMs, end);
  return end !== undefined;
}
