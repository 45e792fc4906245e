/** How all masters replicate, as the leader sees it; while nobody leads, as a master sees it that answers. */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';
import { masterInfos, UNREACHABLE } from './master-info.js';

/** As people and scripts are shown it: what is not known is null, or says so. */
export interface ReplicationShown {
  /** Unix time in milliseconds as of which this is told. */
  readonly atMs: number;
  /** `host:port` of who tells: the leader, or, while none answers, the master that was asked. */
  readonly by: string;
  /** Why it is not the leader who tells; empty where it is. */
  readonly why: string;
  /** `host:port`; empty while nobody leads, as far as is known. */
  readonly leader: string;
  readonly epoch: number;
  /** Newest entry that is known to be committed. */
  readonly endSn: number;
  /** The leader first, then by address. */
  readonly masters: readonly ReplicatingMaster[];
}

export interface ReplicatingMaster {
  readonly address: string;
  readonly mode: 'leader' | 'candidate' | 'observer' | 'never seen';
  /** It answered now; else the rest is as of when it was last seen, as if it had stood still since. */
  readonly seen: boolean;
  /** Unix time in milliseconds; null: never. */
  readonly lastSeenMs: number | null;
  /** Why it is not seen; what is wrong with it. */
  readonly why: string;
  readonly state: string;
  readonly source: 'itself' | 'stream' | 'journal' | 'checkpoint' | 'rebuilding' | 'nowhere' | 'not seen';
  readonly epoch: number;
  /** What it has yet to apply; null where it was never seen. */
  readonly lag: {
    readonly entries: number;
    readonly bytes: number;
    readonly bytesAtLeast: boolean;
    /** The last entry that it has applied. */
    readonly sn: number;
    /** Since the first entry was committed that it has not applied. */
    readonly ms: number;
  } | null;
  readonly digest: { readonly result: 'agree' | 'differ' | 'not compared yet'; readonly sn: number | null };
  readonly verified: boolean;
  /** Beside that of who tells; null where it never told. */
  readonly clock: { readonly aheadMs: number; readonly errorMs: number } | null;
  readonly version: string;
  readonly webAddress: string;
  readonly knownFrom: 'settings' | 'election' | 'journal' | 'stream';
}

const TIMEOUT_MS = 6_000;

/** Asks the leader; where that does not answer, the others one after the other. @throws `unavailable`: none answers. */
export async function askReplication(client: Client, given: ClientCallOptions = {}): Promise<understudy.ReplicationResponse> {
  let cause: unknown;
  for (const { address, state } of masterInfos(await client.masters(given))) {
    if (state === UNREACHABLE) continue;
    try {
      return await client.ask(address, operations.replication, {}, { timeoutMs: TIMEOUT_MS, ...given });
    } catch (error) {
      cause = error;
    }
  }
  throw new UnderstudyError('unavailable', 'no master tells how the masters replicate', { cause });
}

export function shownReplication(told: understudy.ReplicationResponse.$Properties): ReplicationShown {
  const { atMs, by, why, leader, epoch, endSn, masters } = told;
  return {
    atMs: atMs ?? 0,
    by: by ?? '',
    why: why ?? '',
    leader: leader ?? '',
    epoch: epoch ?? 0,
    endSn: endSn ?? 0,
    masters: (masters ?? []).map((each) => shownMaster(each, atMs ?? 0)),
  };
}

function shownMaster(told: understudy.ReplicatingMaster.$Properties, atMs: number): ReplicatingMaster {
  const { seen = false, appliedSn, lagEntries, lagBytes, lagBytesAtLeast, lagMs, digest, digestSn } = told;
  const everSeen = seen || !!told.seenMs;
  const result = digest === 'agree' || digest === 'differ' ? digest : 'not compared yet';
  return {
    address: told.address ?? '',
    mode: (told.mode || 'never seen') as ReplicatingMaster['mode'],
    seen: seen ?? false,
    lastSeenMs: told.seenMs || null,
    why: told.why ?? '',
    state: told.state ?? '',
    source: (told.source || 'not seen') as ReplicatingMaster['source'],
    epoch: told.epoch ?? 0,
    lag: everSeen
      ? { entries: lagEntries ?? 0, bytes: lagBytes ?? 0, bytesAtLeast: lagBytesAtLeast ?? false, sn: appliedSn ?? 0, ms: lagMs ?? 0 }
      : null,
    digest: { result, sn: result === 'not compared yet' ? null : (digestSn ?? 0) },
    verified: told.verified ?? false,
    clock: told.clockMs ? { aheadMs: told.clockMs - atMs, errorMs: told.clockErrorMs ?? 0 } : null,
    version: told.version ?? '',
    webAddress: told.webAddress ?? '',
    knownFrom: (told.knownFrom || 'journal') as ReplicatingMaster['knownFrom'],
  };
}
