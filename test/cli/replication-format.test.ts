import { expect, test } from 'vitest';
import { formatReplication } from '../../src/cli/fsadmin/replication-format.js';
import type { ReplicatingMaster, ReplicationShown } from '../../src/client/replication.js';

const AT = Date.parse('2026-11-22T03:00:00Z');

const leader: ReplicatingMaster = {
  address: 'a:19998',
  mode: 'leader',
  seen: true,
  lastSeenMs: AT,
  why: '',
  state: 'ACTIVE',
  source: 'itself',
  epoch: 7,
  lag: { entries: 0, bytes: 0, bytesAtLeast: false, sn: 1_000, ms: 0 },
  digest: { result: 'agree', sn: 1_000 },
  verified: true,
  clock: { aheadMs: 0, errorMs: 0 },
  version: '1',
  webAddress: 'a:19999',
  knownFrom: 'settings',
};

const told = (...masters: ReplicatingMaster[]): ReplicationShown => ({
  ...{ atMs: AT, by: 'a:19998', why: '', leader: 'a:19998', epoch: 7, endSn: 1_000, masters },
});

const rows: readonly [what: string, of: Partial<ReplicatingMaster>, row: RegExp, remark: string | null][] = [
  ['the leader', {}, /^a:19998 +leader +itself +1000 +0 +0B +0 +agree at 1000 +verified +\+0 ms$/, null],
  [
    'a standby from the stream, behind',
    { address: 'b:1', mode: 'candidate', source: 'stream', lag: { entries: 3, bytes: 2_048, bytesAtLeast: false, sn: 997, ms: 12 } },
    /^b:1 +candidate +stream +997 +3 +2048B +12 +agree at 1000/,
    null,
  ],
  [
    'one that loads a checkpoint, of which more is not known',
    {
      source: 'checkpoint',
      verified: false,
      lag: { entries: 900, bytes: 10, bytesAtLeast: true, sn: 100, ms: 5 },
      why: 'loads a checkpoint',
    },
    /checkpoint +100 +900 +at least 10B +5 .*not verified yet/,
    'a:19998: loads a checkpoint',
  ],
  ['one whose state differs', { digest: { result: 'differ', sn: 990 } }, / differ at 990 /, null],
  ['one that was not compared', { digest: { result: 'not compared yet', sn: null } }, / not compared yet /, null],
  ['a clock that is behind', { clock: { aheadMs: -1_500, errorMs: 1 } }, / -1500 ms$/, null],
  [
    'one that is not seen any more',
    {
      seen: false,
      source: 'not seen',
      why: 'it did not answer in time: ms=1000',
      lag: { entries: 5, bytes: 50, bytesAtLeast: false, sn: 995, ms: 60_000 },
    },
    / not seen +995 +5 +50B +60000 /,
    'a:19998: not seen since 2026-11-22T03:00:00.000Z: it did not answer in time: ms=1000',
  ],
  [
    'one that never was',
    { mode: 'never seen', seen: false, source: 'not seen', lastSeenMs: null, lag: null, clock: null, why: 'connection refused' },
    /^a:19998 +never seen +not seen +- +- +- +- .* -$/,
    'a:19998: never seen: connection refused',
  ],
];

test.each(rows)('report replication: %s', (_, of, row, remark) => {
  const lines = formatReplication(told({ ...leader, ...of })).split('\n');
  expect(lines.slice(0, 3)).toEqual(['Leader: a:19998, epoch 7', 'Newest entry: 1000', 'As of: 2026-11-22T03:00:00.000Z, told by a:19998']);
  expect(lines.filter((line) => row.test(line.trimEnd()))).toHaveLength(1);
  expect(lines.slice(5)).toEqual(remark === null ? [] : [remark]);
});

test('report replication: nobody leads, which is told with who tells and why', () => {
  const shown = formatReplication({ ...told(leader), leader: '', by: 'b:19998', why: 'nobody leads, as far as this master knows' });
  expect(shown).toContain('Leader: none, as far as is known\n');
  expect(shown).toContain('told by b:19998 (nobody leads, as far as this master knows)\n');
});
