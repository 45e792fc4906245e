/** How a master shows itself: to other masters, to people and to scripts. */
import type { understudy } from '#proto/understudy.js';
import { isError, type UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { FEATURES } from '../metadata/features.js';
import type { Replica } from './replica.js';
import type { Role, RoleInput } from './role-machine.js';

/** The roles as people are shown them. */
export const SHOWN_STATES: Record<Role['name'], string> = {
  following: 'PASSIVE',
  claiming: 'BECOMING_ACTIVE',
  leading: 'ACTIVE',
  suspended: 'ACTIVE',
  yielding: 'BECOMING_PASSIVE',
  rebuilding: 'PASSIVE',
  halted: 'PASSIVE',
  stopping: 'BECOMING_PASSIVE',
};

export interface Shown {
  readonly role: Role;
  readonly leads: boolean;
  readonly replica: Replica | null;
  /** Null unless it serves as leader. */
  readonly leadership: object | null;
  readonly rpcAddress: string;
  readonly clusterId: string;
  readonly incarnationId: string;
  /** Unix milliseconds; likewise `sinceMs`, since when it is in this state. */
  readonly startedMs: number;
  readonly sinceMs: number;
  /** What brought it into this state, for people. */
  readonly because: string;
  /** What is wrong, for people; empty when nothing is. */
  readonly trouble: string;
  /** `host:port` of another master that leads; empty where none is known. */
  readonly leaderAddress: string;
  behind(): understudy.Behind.$Properties;
}

export interface ShownSettings {
  readonly webAddress: string;
  readonly version: string;
  readonly isObserver: boolean;
  readonly isManual: boolean;
}

/** One that leads and does not serve yet is becoming active. */
export function shownState({ role, leadership }: Pick<Shown, 'role' | 'leadership'>): string {
  return role.name === 'leading' && leadership === null ? 'BECOMING_ACTIVE' : SHOWN_STATES[role.name];
}

export function masterStatus(master: Shown, settings: ShownSettings): understudy.MasterStatusResponse.$Properties {
  const { leads, replica, rpcAddress, clusterId, incarnationId, startedMs, sinceMs, because, trouble, leaderAddress } = master;
  const appliedSn = replica?.end.sn ?? 0;
  const behind = leads ? null : master.behind();
  return {
    state: shownState(master),
    epoch: replica?.state.epoch ?? 0,
    appliedSn,
    committedSn: appliedSn + (behind?.entries ?? 0),
    rpcAddress,
    webAddress: settings.webAddress,
    startedMs,
    sinceMs,
    version: settings.version,
    clusterId,
    incarnationId,
    reason: trouble,
    verified: replica?.isVerified ?? false,
    leader: leads ? rpcAddress : leaderAddress,
    behind,
    observer: settings.isObserver,
    manual: settings.isManual,
    freeze: replica?.state.frozenBy() ?? null,
    fork: replica?.state.forks.get('fork') ?? null,
    because,
    features: FEATURES.map(({ name }) => name),
  };
}

/** @returns what a leader says of itself once the journal was asked whether it leads. @param refused why it could not be confirmed. */
export function confirmedStatus(
  status: understudy.MasterStatusResponse.$Properties,
  refused: UnderstudyError | null,
  canWrite: boolean,
): understudy.MasterStatusResponse.$Properties {
  if (status.state !== 'ACTIVE') return { ...status, serves: false };
  if (refused === null) return { ...status, serves: canWrite };
  const denied = isError(refused, 'not_leader') ? { state: 'BECOMING_PASSIVE' } : {};
  return { ...status, ...denied, reason: refused.message, serves: false };
}

export function causeOf(input: RoleInput): string {
  return 'error' in input ? `${input.type}: ${input.error.message}` : input.type;
}

export function logRoleChange(log: Log, before: Role, role: Role, input: RoleInput): void {
  const error = 'error' in input ? input.error : null;
  const values = { from: before.name, to: role.name, because: input.type, ...(error === null ? {} : { error }) };
  if (role.name === 'halted') log.error(values, 'this master can follow the journal no further and waits for an operator');
  else if (error !== null && role.name !== 'following') log.warn(values, 'role changed');
  else log.info(values, 'role changed');
}
