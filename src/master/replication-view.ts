/** What a master tells of how all masters replicate, out of what it knows of them. Pure. */
import type { understudy } from '#proto/understudy.js';
import type { Replica } from './replica.js';
import type { Replicating } from './replica-report.js';
import type { Comparison, Known, Lag } from './roster.js';

export interface OwnView {
  readonly master: Pick<Replicating, 'replica' | 'rpcAddress' | 'leadership' | 'leads'>;
  /** Of this master. */
  readonly report: understudy.ReplicaReportResponse.$Properties;
  /** The others. */
  readonly known: readonly Known[];
  /** Unix time; likewise `nowAtMs`, monotonic. */
  readonly nowMs: number;
  readonly nowAtMs: number;
  /** Why it is not the leader who tells; empty where it is. */
  readonly why: string;
}

type Seen = Known & { readonly isSeen: boolean };
type Shown = understudy.ReplicatingMaster.$Properties;

/** Who has said nothing for longer is not seen. */
const SILENT_MS = 2_000;

export function replicationOf({ master, report, known: all, nowMs, nowAtMs, why }: OwnView): understudy.ReplicationResponse.$Properties {
  const { replica, rpcAddress, leadership } = master;
  const known = all.map((other): Seen => ({ ...other, isSeen: nowAtMs - other.seenAtMs <= SILENT_MS }));
  const leader = leadership !== null ? rpcAddress : leaderOf(known);
  const seenEnds = known.map((other) => (other.isSeen ? (other.report?.status?.committedSn ?? 0) : 0));
  const endSn = Math.max(replica?.end.sn ?? 0, report.status?.committedSn ?? 0, ...seenEnds);
  const others = known.map((other) => otherOf(other, replica, endSn, nowMs));
  const masters = [ownOf(master, report, endSn, nowMs), ...others]
    .map((each) => ({ ...each, mode: each.address === leader ? 'leader' : (each.mode ?? '') }))
    .sort((a, b) => +(b.mode === 'leader') - +(a.mode === 'leader') || ((a.address ?? '') < (b.address ?? '') ? -1 : 1));
  return { atMs: Math.floor(nowMs), by: rpcAddress, leader, epoch: report.status?.epoch ?? 0, endSn, masters, why };
}

/** @returns how far behind this replica's end a master is that has come to `appliedSn`; null where nothing can be said. */
export function lagOf(replica: Replica | null, appliedSn: number): Lag | null {
  return replica === null ? null : { entries: Math.max(0, replica.end.sn - appliedSn), ...replica.trail.behind(appliedSn) };
}

/** @returns what the newest digests say that both have taken as of the same entry; null where there are none. */
export function compared(
  own: ReadonlyMap<number, string>,
  its: readonly understudy.DigestResponse.$Properties[] | null | undefined,
): Comparison | null {
  const common = (its ?? []).filter(({ sn }) => own.has(sn ?? 0)).sort((a, b) => (b.sn ?? 0) - (a.sn ?? 0));
  const [newest] = common;
  return newest === undefined ? null : { sn: newest.sn ?? 0, agrees: own.get(newest.sn ?? 0) === newest.digest };
}

function leaderOf(known: readonly Seen[]): string {
  const leading = known.filter(({ isSeen, why, report }) => isSeen && why === '' && report?.status?.state === 'ACTIVE');
  return leading.sort((a, b) => b.epoch - a.epoch)[0]?.address ?? '';
}

function ownOf({ rpcAddress, leads }: OwnView['master'], report: OwnView['report'], endSn: number, nowMs: number): Shown {
  const { status, source } = report;
  const appliedSn = status?.appliedSn ?? 0;
  return {
    address: rpcAddress,
    mode: status?.observer ? 'observer' : 'candidate',
    state: status?.state ?? '',
    source: source ?? '',
    seen: true,
    seenMs: Math.floor(nowMs),
    why: status?.reason ?? '',
    epoch: status?.epoch ?? 0,
    appliedSn,
    lagEntries: endSn - appliedSn,
    lagBytesAtLeast: endSn > appliedSn,
    lagMs: leads ? 0 : (status?.behind?.ms ?? 0),
    digest: 'agree',
    digestSn: appliedSn,
    verified: status?.verified ?? false,
    clockMs: Math.floor(nowMs),
    version: status?.version ?? '',
    webAddress: status?.webAddress ?? '',
    knownFrom: 'settings',
  };
}

function otherOf(known: Seen, replica: Replica | null, endSn: number, nowMs: number): Shown {
  const { report, compared: comparison } = known;
  // One that is seen is as far behind as it was then; one that is not stands still, as far as is known.
  const lag = (known.isSeen ? known.lag : lagOf(replica, known.appliedSn)) ?? null;
  const status = report?.status;
  return {
    address: known.address,
    mode: known.seenMs === 0 ? '' : known.isObserver ? 'observer' : 'candidate',
    state: status?.state ?? '',
    source: known.isSeen ? (report?.source ?? 'stream') : '',
    seen: known.isSeen,
    seenMs: known.seenMs,
    why: known.isSeen ? (status?.reason ?? '') : known.why || 'nothing has been heard of it since',
    epoch: known.epoch,
    appliedSn: known.appliedSn,
    lagEntries: Math.max(lag?.entries ?? 0, known.isSeen ? 0 : endSn - known.appliedSn),
    lagBytes: lag?.bytes ?? 0,
    lagBytesAtLeast: lag?.isAtLeast ?? true,
    lagMs: lag?.ms ?? 0,
    digest: comparison === null ? 'not compared' : comparison.agrees ? 'agree' : 'differ',
    digestSn: comparison?.sn ?? 0,
    verified: known.isVerified,
    clockMs: known.clockAheadMs === null ? 0 : Math.max(0, Math.floor(nowMs) + known.clockAheadMs),
    clockErrorMs: known.clockErrorMs,
    version: status?.version ?? '',
    webAddress: status?.webAddress ?? '',
    knownFrom: known.knownFrom,
  };
}
