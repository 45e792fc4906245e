/**
 * What becomes of the journal's storage, and of the checkpoints in it.
 */
import type { StorageTrouble } from '../storage-trouble.js';
import type { Fault, FaultContext } from './fault.js';

export const STORAGE_FAULTS = {
  'fail the journal': (fault) => suffer(fault, 'errors', 4_000),
  'fail syncs of the journal': (fault) => suffer(fault, 'unsynced', 3_000),
  'lose the journal': (fault) => suffer(fault, 'gone', 8_000),
  'fill the journal': (fault) => suffer(fault, 'full', 6_000),
  'make the journal read-only': (fault) => suffer(fault, 'read-only', 6_000),
  'slow the journal': (fault) => suffer(fault, 'slow', 6_000),
  'late requests to the journal': (fault) => suffer(fault, 'late', 3_000),
  'unanswered requests to the journal': (fault) => suffer(fault, 'unanswered', 2_000),
  'duplicate requests to the journal': (fault) => suffer(fault, 'twice', 4_000),
  'lose part of the journal': (fault) => suffer(fault, 'partial', 8_000),
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
  'stall uploads to the journal': (fault) => {
    const { world, random } = fault;
    const host = fault.master();
    return endLater(fault, 8_000, world.journal.stallUploads(host, random));
  },
  'hold what the journal answers the leader, and depose it': holdAnswers,
  'stall a claim, and let the leader go on': stallClaim,
  'take a checkpoint': (fault) => fault.world.checkpoint(),
  'damage a checkpoint': (fault) => fault.world.damageCheckpoint(fault.random),
} satisfies Record<string, Fault>;

function suffer(fault: FaultContext, trouble: StorageTrouble, toMs: number): boolean {
  return endLater(fault, toMs, fault.world.journal.suffer(trouble, fault.random));
}

/**
 * What the leader writes is written, and it does not hear of it: while it waits, and its clients happen to ask for nothing, another claims. Then they
 * ask it again.
 */
function holdAnswers(fault: FaultContext): boolean {
  const { world, random } = fault;
  const leader = world.leader() ?? random.pick(world.masters);
  const end = world.journal.holdAnswers(leader);
  if (end === undefined) return false;
  isolate(fault, leader);
  world.election.expire(leader, 'late');
  fault.later(5, 200, () => {
    for (const client of world.clients) world.pause(client);
    fault.later(300, 1_500, () => {
      for (const client of world.clients) world.resume(client);
      fault.later(1, 2_000, end);
    });
  });
  return true;
}

/**
 * The leader stops for a moment, others claim, and what they send hangs; it goes on, unseen by them, which stop too. Their claims arrive when
 * much may have happened, and then they go on.
 */
function stallClaim(fault: FaultContext): boolean {
  const { world, random } = fault;
  const leader = world.leader() ?? random.pick(world.masters);
  const others = world.masters.filter((host) => host !== leader);
  const ends = others.flatMap((host) => world.journal.stallUploads(host, random) ?? []);
  if (ends.length === 0) return false;
  world.pause(leader);
  isolate(fault, leader);
  world.election.expire(leader, random.chance(0.5) ? 'late' : 'never');
  fault.later(300, 1_000, () => {
    world.resume(leader);
    const stopped = others.filter(() => random.chance(0.7));
    for (const host of stopped) world.pause(host);
    fault.later(500, 6_000, () => {
      for (const end of ends) end();
      for (const host of stopped) fault.later(1, 500, () => world.resume(host));
    });
  });
  return true;
}

/** Cuts a master off from the others, not from its clients. */
function isolate({ world: { masters, network }, later }: FaultContext, host: string): void {
  const others = masters.filter((other) => other !== host);
  for (const other of others) {
    network.reset(host, other);
    network.cut(host, other);
  }
  later(500, 8_000, () => {
    for (const other of others) network.heal(host, other);
  });
}

/** @param end undefined where this storage does not know such trouble. */
function endLater(fault: FaultContext, toMs: number, end: (() => void) | undefined): boolean {
  if (end !== undefined) fault.later(1, toMs, end);
  return end !== undefined;
}
