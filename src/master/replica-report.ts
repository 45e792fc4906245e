/**
 * How this master replicates, by its own word: where its entries come from, how far it has come, what its state adds up to. Answered in every
 * state, at once.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { digestText } from '../metadata/digest.js';
import type { Shown } from './master-status.js';

/** Where a master's entries come from; `checkpoint`: one is being loaded; `rebuilding`: its store is being opened, or made anew. */
export type Source = 'itself' | 'stream' | 'journal' | 'checkpoint' | 'rebuilding' | 'nowhere';

/** Whose entries come from the leader's memory, or do not. */
interface Fed extends Shown {
  readonly feeder: object | null;
}

export interface Replicating extends Shown {
  readonly source: Source;
  status(): understudy.MasterStatusResponse.$Properties;
}

export function replicaReport(master: Replicating, clock: Clock): understudy.ReplicaReportResponse.$Properties {
  return {
    status: master.status(),
    clockMs: Math.floor(clock.wallMs()),
    source: master.source,
    digests: [...digestsOf(master)].map(([sn, digest]) => ({ sn, digest })),
  };
}

/** @returns digests of its state by the entries as of which they were taken: at the newest boundaries, and where its store stands. */
export function digestsOf({ replica }: Pick<Shown, 'replica'>): ReadonlyMap<number, string> {
  if (replica === null) return new Map();
  const { boundaries, mark } = replica.writeBehind;
  return new Map([...boundaries.taken, mark].map(({ sn, digest }) => [sn, digestText(digest)]));
}

/** @param loading which checkpoint, for people; empty where none is. */
export function sourceOf({ leadership, role, replica, feeder }: Fed, loading: string): Source {
  if (leadership !== null) return 'itself';
  if (loading !== '') return 'checkpoint';
  if (replica === null || role.name === 'rebuilding') return 'rebuilding';
  if (role.name === 'halted' || role.name === 'stopping') return 'nowhere';
  return feeder !== null ? 'stream' : 'journal';
}
