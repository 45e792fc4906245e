/** What `fsadmin report replication` prints: a line for each master, and below what is wrong with whom. */
import type { ReplicatingMaster, ReplicationShown } from '../../client/replication.js';
import { formatBytes } from '../fs/ls-format.js';
import { isoTime } from '../iso-time.js';
import { plainTable } from '../plain-table.js';

const COLUMNS = ['Master', 'Mode', 'Source', 'Applied', 'Entries behind', 'Bytes', 'For ms', 'State', 'Store', 'Clock'];

export function formatReplication(told: ReplicationShown): string {
  const { atMs, by, why, leader, epoch, endSn, masters } = told;
  return [
    leader === '' ? 'Leader: none, as far as is known' : `Leader: ${leader}, epoch ${epoch}`,
    `Newest entry: ${endSn}`,
    `As of: ${isoTime(atMs)}, told by ${by}${why === '' ? '' : ` (${why})`}`,
    plainTable(masters.map(rowOf), COLUMNS),
    ...masters.flatMap(remarksOf),
  ].join('\n');
}

function rowOf({ address, mode, source, lag, digest, verified, clock }: ReplicatingMaster): string[] {
  const behind =
    lag === null
      ? ['-', '-', '-', '-']
      : [String(lag.sn), String(lag.entries), `${lag.bytesAtLeast ? 'at least ' : ''}${formatBytes(lag.bytes)}`, String(lag.ms)];
  const ahead = clock === null ? '-' : `${clock.aheadMs >= 0 ? '+' : ''}${clock.aheadMs} ms`;
  const same = digest.sn === null ? digest.result : `${digest.result} at ${digest.sn}`;
  return [address, mode, source, ...behind, same, verified ? 'verified' : 'not verified yet', ahead];
}

function remarksOf({ address, seen, lastSeenMs, why }: ReplicatingMaster): string[] {
  if (seen) return why === '' ? [] : [`${address}: ${why}`];
  const since = lastSeenMs === null ? 'never seen' : `not seen since ${isoTime(lastSeenMs)}`;
  return [`${address}: ${since}: ${why}`];
}
