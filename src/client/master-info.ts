/**
 * How the masters of a cluster are, side by side.
 */
import { type Fork, forkOf } from '../metadata/fork.js';
import { type Freeze, freezeOf } from '../metadata/freeze.js';
import type { MasterAnswer } from './ask-masters.js';

export interface MasterInfo {
  /** `host:port` it was asked at. */
  readonly address: string;
  /** ACTIVE, PASSIVE, BECOMING_ACTIVE or BECOMING_PASSIVE; UNREACHABLE where it did not answer. */
  readonly state: string;
  /** Newest epoch it has applied. */
  readonly epoch: number;
  readonly appliedSn: number;
  /** Entries that it has yet to apply, of those known to any master to be committed. */
  readonly lag: number;
  /** Milliseconds since it last had all that it knew to be committed; 0 for the leader. */
  readonly behindMs: number;
  /** It never leads. */
  readonly observer: boolean;
  /** Only an operator says who leads: nobody takes over by itself. */
  readonly manual: boolean;
  /** Who made the namespace read only, as far as this master has applied; null where nobody did. */
  readonly freeze: Freeze | null;
  /** What the namespace began as a copy of; null: it is no fork. */
  readonly fork: Fork | null;
  readonly webAddress: string;
  readonly version: string;
  readonly clusterId: string;
  /** Unix time in milliseconds; likewise `sinceMs`. */
  readonly startedMs: number;
  /** Since when it is in this state. */
  readonly sinceMs: number;
  /** Its store has been found sound since it was opened: it can lead at once. */
  readonly verified: boolean;
  /** What is wrong or remarkable, if anything is; why it did not answer. */
  readonly reason: string;
}

export const UNREACHABLE = 'UNREACHABLE';

/** @returns the state in words: of an observer that it is one, which will never be anything else. */
export function shownState({ state, observer }: Pick<MasterInfo, 'state' | 'observer'>): string {
  return observer ? `${state} OBSERVER` : state;
}

/** @returns the answers as people are shown them, the leader first, then by address. */
export function masterInfos(answers: readonly MasterAnswer[]): readonly MasterInfo[] {
  const end = Math.max(0, ...answers.map(({ status }) => Math.max(status?.committedSn ?? 0, status?.appliedSn ?? 0)));
  const order = ({ state }: MasterInfo) => (state === 'ACTIVE' ? 0 : state === UNREACHABLE ? 2 : 1);
  return answers
    .map((answer) => masterInfo(answer, end))
    .sort((a, b) => order(a) - order(b) || b.epoch - a.epoch || (a.address < b.address ? -1 : 1));
}

function masterInfo({ address, status, error }: MasterAnswer, end: number): MasterInfo {
  return {
    address,
    state: status?.state ?? UNREACHABLE,
    epoch: status?.epoch ?? 0,
    appliedSn: status?.appliedSn ?? 0,
    lag: status === undefined ? 0 : end - status.appliedSn,
    behindMs: status?.behind?.ms ?? 0,
    observer: status?.observer ?? false,
    manual: status?.manual ?? false,
    freeze: status?.freeze ? freezeOf(status.freeze) : null,
    fork: status?.fork ? forkOf(status.fork) : null,
    webAddress: status?.webAddress ?? '',
    version: status?.version ?? '',
    clusterId: status?.clusterId ?? '',
    startedMs: status?.startedMs ?? 0,
    sinceMs: status?.sinceMs ?? 0,
    verified: status?.verified ?? false,
    reason: error?.message ?? status?.reason ?? '',
  };
}
