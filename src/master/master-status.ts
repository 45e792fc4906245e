/** How a master shows itself: to other masters, to people and to scripts. */
import type { understudy } from '#proto/understudy.js';
import type { Log } from '../base/log.js';
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
  readonly replica: Replica | null;
  readonly rpcAddress: string;
  readonly clusterId: string;
  readonly startedMs: number;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  /** What is wrong, for people; empty when nothing is. */
  readonly trouble: string;
  /** `host:port` of the master that leads; empty where none is known. */
  readonly leader: string;
}

export function masterStatus(
  master: Shown,
  settings: { readonly webAddress: string; readonly version: string },
): understudy.MasterStatusResponse.$Properties {
  const { role, replica, rpcAddress, clusterId, startedMs, sinceMs, trouble, leader } = master;
  const appliedSn = replica?.end.sn ?? 0;
  return {
    state: SHOWN_STATES[role.name],
    epoch: replica?.state.epoch ?? 0,
    appliedSn,
    committedSn: appliedSn,
    rpcAddress,
    webAddress: settings.webAddress,
    startedMs,
    sinceMs,
    version: settings.version,
    clusterId,
    reason: trouble,
    verified: replica?.isVerified ?? false,
    leader,
  };
}

export function logRoleChange(log: Log, before: Role, role: Role, input: RoleInput): void {
  const error = 'error' in input ? input.error : null;
  const values = { from: before.name, to: role.name, because: input.type, ...(error === null ? {} : { error }) };
  if (role.name === 'halted') log.error(values, 'this master can follow the journal no further and waits for an operator');
  else if (error !== null && role.name !== 'following') log.warn(values, 'role changed');
  else log.info(values, 'role changed');
}
