/**
 * The role of a master, as a pure machine: inputs in, effects out (design: the roles). `Master` is the thin shell around it.
 *
 *   following --elected | told to--> claiming --claimed--> leading --fenced | handed over | replica failed--> yielding --> following
 *
 * - The election only says who *should* claim. A leader that the election deposes goes on while the journal lets it: it registers again
 *   and publishes itself anew; whoever claims ends it.
 * - One that is told to lead does not ask the election, which comes to agree: it elects others, who find that a leader serves and go to
 *   the tail, until this one is elected, too. A told claim that fails is not tried again, and gives any place in the election up.
 * - A leader that can no longer append stays, answers reads while `confirm` holds, and claims again with growing pauses. Meanwhile others are
 *   elected, in turn: it may be this master alone that the journal does not answer. Whoever claims first, leads.
 * - A journal that is damaged, that needs a newer version, or of which too little is left, halts this master: it serves what it has to readers who ask for no more,
 *   and leaves the election.
 */
import type { ErrorCode, UnderstudyError } from '../base/errors.js';

export type Role =
  | { readonly name: 'following' }
  /** Catches up and claims; `failures`: claims that failed since it was elected. `told`: because somebody said so, not the election. */
  | { readonly name: 'claiming'; readonly failures: number; readonly told: boolean }
  | { readonly name: 'leading'; readonly epoch: number }
  /** Leads, cannot append, and claims again. */
  | { readonly name: 'suspended'; readonly failures: number }
  /** Takes back what is pending. */
  | { readonly name: 'yielding'; readonly elected: boolean; readonly rebuild: boolean }
  /** Sets its store aside and begins an empty one. */
  | { readonly name: 'rebuilding'; readonly elected: boolean }
  | { readonly name: 'halted' }
  | { readonly name: 'stopping' };

export type RoleInput =
  | { readonly type: 'elected' }
  | { readonly type: 'deposed' }
  /** The leader hands over to this master, or an operator wants it to lead. */
  | { readonly type: 'told to lead' }
  /** Another master has taken the lead from this one, as it was asked to. */
  | { readonly type: 'handed over' }
  | { readonly type: 'claimed'; readonly epoch: number }
  | { readonly type: 'claim failed'; readonly error: UnderstudyError }
  /** The epoch can append nothing any longer. */
  | { readonly type: 'writer ended'; readonly error: UnderstudyError }
  /** It did not claim: another leader serves and confirms it, or this replica is not verified yet. */
  | { readonly type: 'stood back' }
  | { readonly type: 'yielded' }
  | { readonly type: 'replica failed'; readonly error: UnderstudyError }
  | { readonly type: 'rebuilt' }
  /** The store cannot be opened; it is tried again. */
  | { readonly type: 'rebuild failed'; readonly error: UnderstudyError }
  | { readonly type: 'replay failed'; readonly error: UnderstudyError }
  | { readonly type: 'stop' };

export type RoleEffect =
  /** Replay, from where the replica stands. */
  | { readonly type: 'follow' }
  /** Stop replaying and claim, after a pause that grows with `failures`; where it was told to, without another look around. */
  | { readonly type: 'claim'; readonly failures: number; readonly told: boolean }
  | { readonly type: 'cancel claim' }
  /** Begin to serve the epoch that was claimed, then publish it. */
  | { readonly type: 'serve' }
  | { readonly type: 'publish' }
  /** Stop serving, take back what is not committed, withdraw what was published. */
  | { readonly type: 'yield' }
  /** Go to the tail of the candidates. */
  | { readonly type: 'requeue' }
  /** Go to the tail of the candidates after a moment, if it still cannot append: it is being rebuilt, or suspended. */
  | { readonly type: 'pass on' }
  | { readonly type: 'leave election' }
  | { readonly type: 'rebuild' };

export type ClaimEffect = RoleEffect & { readonly type: 'claim' };

/** What no claim passes: replay would not either. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['corrupt', 'diverged', 'failed_precondition', 'out_of_range']);
/** What ends a leader that claims again. */
const SUPERSEDED: ReadonlySet<ErrorCode> = new Set(['fenced', 'corrupt', 'diverged', 'out_of_range']);
/** Claims in a row that may fail for want of the journal before another candidate is let try. */
const CLAIM_FAILURES_MAX = 3;

export interface Step {
  readonly role: Role;
  readonly effects: readonly RoleEffect[];
}

const FOLLOWING: Role = { name: 'following' };
const HALTED: Step = { role: { name: 'halted' }, effects: [{ type: 'leave election' }] };

/** @returns the role after `input`, and what is to be done about it. An input that no longer matters changes nothing. */
export function step(role: Role, input: RoleInput): Step {
  if (role.name === 'stopping') return { role, effects: [] };
  if (input.type === 'stop') return stop(role);
  if (role.name === 'halted') return { role, effects: [] };
  if (input.type === 'replica failed') return replicaFailed(role);
  switch (role.name) {
    case 'following':
      return following(role, input);
    case 'claiming':
      return claiming(role, input);
    case 'leading':
      return leading(role, input);
    case 'suspended':
      return suspended(role, input);
    case 'yielding':
      return yielding(role, input);
    case 'rebuilding':
      return rebuilding(role, input);
  }
}

function following(role: Role, input: RoleInput): Step {
  switch (input.type) {
    case 'elected':
      return claim(0, false);
    case 'told to lead':
      return claim(0, true);
    case 'replay failed':
      return replayFailed(input.error, false);
    default:
      return { role, effects: [] };
  }
}

function claiming(role: Role & { name: 'claiming' }, input: RoleInput): Step {
  switch (input.type) {
    case 'claimed':
      return { role: { name: 'leading', epoch: input.epoch }, effects: [{ type: 'serve' }, { type: 'publish' }] };
    case 'told to lead': {
      const told = claim(0, true);
      return { ...told, effects: [{ type: 'cancel claim' }, ...told.effects] };
    }
    case 'deposed':
      return role.told ? { role, effects: [] } : { role: FOLLOWING, effects: [{ type: 'cancel claim' }, { type: 'follow' }] };
    case 'stood back':
      return { role: FOLLOWING, effects: [{ type: 'requeue' }, { type: 'follow' }] };
    case 'claim failed': {
      const failures = role.failures + 1;
      if (FINAL.has(input.error.code)) return replayFailed(input.error, true);
      if (role.told || input.error.code === 'fenced' || failures >= CLAIM_FAILURES_MAX) {
        return { role: FOLLOWING, effects: [{ type: 'requeue' }, { type: 'follow' }] };
      }
      return claim(failures, false);
    }
    default:
      return { role, effects: [] };
  }
}

function leading(role: Role, input: RoleInput): Step {
  switch (input.type) {
    case 'writer ended':
      if (input.error.code === 'fenced')
        return { role: { name: 'yielding', elected: false, rebuild: false }, effects: [{ type: 'yield' }, { type: 'requeue' }] };
      return { role: { name: 'suspended', failures: 0 }, effects: [{ type: 'claim', failures: 1, told: false }, { type: 'pass on' }] };
    case 'handed over':
      return { role: { name: 'yielding', elected: false, rebuild: false }, effects: [{ type: 'yield' }, { type: 'requeue' }] };
    case 'elected':
    case 'deposed':
      return { role, effects: [{ type: 'publish' }] };
    default:
      return { role, effects: [] };
  }
}

function suspended(role: Role & { name: 'suspended' }, input: RoleInput): Step {
  switch (input.type) {
    case 'claimed':
      return { role: { name: 'leading', epoch: input.epoch }, effects: [{ type: 'serve' }, { type: 'publish' }] };
    case 'handed over':
    case 'claim failed': {
      const error = input.type === 'claim failed' ? input.error : null;
      if (error !== null && !SUPERSEDED.has(error.code)) {
        const failures = role.failures + 1;
        return { role: { name: 'suspended', failures }, effects: [{ type: 'claim', failures, told: false }, { type: 'pass on' }] };
      }
      return {
        role: { name: 'yielding', elected: false, rebuild: false },
        effects: [{ type: 'cancel claim' }, { type: 'yield' }, { type: 'requeue' }],
      };
    }
    default:
      return { role, effects: [] };
  }
}

function yielding(role: Role & { name: 'yielding' }, input: RoleInput): Step {
  switch (input.type) {
    case 'elected':
      return { role: { ...role, elected: true }, effects: [] };
    case 'deposed':
      return { role: { ...role, elected: false }, effects: [] };
    case 'yielded':
      return role.rebuild ? { role: { name: 'rebuilding', elected: role.elected }, effects: [{ type: 'rebuild' }] } : ready(role.elected);
    default:
      return { role, effects: [] };
  }
}

function rebuilding(role: Role & { name: 'rebuilding' }, input: RoleInput): Step {
  switch (input.type) {
    case 'elected': // it may be loading for long
      return { role: { ...role, elected: true }, effects: [{ type: 'pass on' }] };
    case 'deposed':
      return { role: { ...role, elected: false }, effects: [] };
    case 'rebuilt': // it has much of the journal to replay: others are better placed
      return { role: FOLLOWING, effects: [...(role.elected ? [{ type: 'requeue' } as const] : []), { type: 'follow' }] };
    case 'rebuild failed':
      return input.error.code === 'data_loss' ? HALTED : { role, effects: [] };
    default:
      return { role, effects: [] };
  }
}

/** The replica is as good as before. */
function ready(elected: boolean): Step {
  return elected ? claim(0, false) : { role: FOLLOWING, effects: [{ type: 'follow' }] };
}

function claim(failures: number, told: boolean): Step {
  return { role: { name: 'claiming', failures, told }, effects: [{ type: 'claim', failures, told }] };
}

function replicaFailed(role: Role): Step {
  switch (role.name) {
    case 'leading':
    case 'suspended':
      return {
        role: { name: 'yielding', elected: false, rebuild: true },
        effects: [{ type: 'cancel claim' }, { type: 'yield' }, { type: 'requeue' }],
      };
    case 'claiming':
      return {
        role: { name: 'rebuilding', elected: false },
        effects: [{ type: 'cancel claim' }, { type: 'requeue' }, { type: 'rebuild' }],
      };
    case 'following':
      return { role: { name: 'rebuilding', elected: false }, effects: [{ type: 'requeue' }, { type: 'rebuild' }] };
    case 'yielding':
      return { role: { ...role, rebuild: true }, effects: [] };
    default:
      return { role, effects: [] };
  }
}

/** Replay met something that it cannot pass. */
function replayFailed(error: UnderstudyError, elected: boolean): Step {
  const requeue: RoleEffect[] = elected ? [{ type: 'requeue' }] : [];
  // Its place is not on the chain (any longer): it begins anew, from a checkpoint.
  if (error.code === 'diverged' || error.code === 'out_of_range')
    return { role: { name: 'rebuilding', elected: false }, effects: [...requeue, { type: 'rebuild' }] };
  if (error.code === 'unavailable') return { role: FOLLOWING, effects: [...requeue, { type: 'follow' }] };
  return HALTED;
}

function stop(role: Role): Step {
  const serving = role.name === 'leading' || role.name === 'suspended';
  return {
    role: { name: 'stopping' },
    effects: [{ type: 'cancel claim' }, ...(serving ? [{ type: 'yield' } as const] : []), { type: 'leave election' }],
  };
}
