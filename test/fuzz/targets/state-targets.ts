/**
 * What stands in LevelDB and in the journal's entries. These are written canonically and read strictly: what is accepted means the same when it
 * has been written once more, and what a later version wrote is refused.
 */
import assert from 'node:assert/strict';
import { understudy } from '#proto/understudy.js';
import type { KvStore } from '../../../src/kv/kv-store.js';
import { changesOf } from '../../../src/metadata/change-events.js';
import { configCodec } from '../../../src/metadata/cluster-config.js';
import { cursorCodec, cursorNamesCodec } from '../../../src/metadata/cursors.js';
import { describeEntry } from '../../../src/metadata/describe-entry.js';
import { decodeEntry, encodeEntry } from '../../../src/metadata/entries.js';
import { FEATURES } from '../../../src/metadata/features.js';
import { type FlushMark, markRows, readMark } from '../../../src/metadata/flush-mark.js';
import { freezeCodec } from '../../../src/metadata/freeze.js';
import { APPLIED_KEY, decodeChildName, decodeId, decodePair, ringKey } from '../../../src/metadata/keys.js';
import { mountCodec, underWorkCodec } from '../../../src/metadata/mounts.js';
import {
  inodeCodec,
  nextIdsCodec,
  parentCodec,
  type RecordCodec,
  resultCodec,
  retentionCodec,
  sessionCodec,
} from '../../../src/metadata/records.js';
import { usageCodec } from '../../../src/metadata/usage.js';
import { xattrsCodec } from '../../../src/metadata/xattrs.js';
import { goldenMessages } from '../golden-bytes.js';
import { assertSameBytes, type Target } from '../target.js';

const REFUSALS = ['corrupt', 'failed_precondition'] as const;

const row = <V>(name: string, golden: RegExp, codec: RecordCodec<V>): Target => ({
  name: `row-${name}`,
  refusals: REFUSALS,
  seeds: () => goldenMessages(golden),
  run(input) {
    const once = codec.encode(codec.decode(input));
    assertSameBytes(codec.encode(codec.decode(Buffer.from(once))), once, name);
  },
});

const JOURNAL = { clusterId: 'c1', incarnationId: 'i1' };
const MARKS = Array.from({ length: 20 }, (_, at): FlushMark => {
  const more = { digest: { low: at, high: 2 ** 32 - 1 }, epoch: 3, timeMs: 1_700_000_000_000, leaderAddress: 'a:1' };
  return { flush: at + 1, sn: 7 * at, hash: new Uint8Array(32).fill(at), ...more };
});
const LAST_MARK = MARKS.at(-1) as FlushMark;

/** @returns the rows of a store that 20 flushes have filled, the newest of which stands twice. */
function markedRows(): Map<string, Uint8Array> {
  return new Map(MARKS.flatMap((mark) => markRows(mark, JOURNAL)).map(({ key, value }) => [keyOf(key), Buffer.from(value)]));
}

const keyOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1');

/** @returns what the store says, with this value in the row `key`. */
function readMarked(key: Uint8Array, value: Uint8Array): FlushMark {
  const rows = markedRows().set(keyOf(key), value);
  return readMark({ get: (asked: Uint8Array) => rows.get(keyOf(asked)) } as Partial<KvStore> as KvStore, JOURNAL);
}

/** What stands in the row `key` of such a store, and in no other. */
const markRow = (name: string, key: Uint8Array, check: (read: FlushMark, input: Buffer) => void): Target => ({
  name,
  refusals: [...REFUSALS, 'diverged'],
  seeds: () => [markedRows().get(keyOf(key)) as Uint8Array],
  run(input) {
    check(readMarked(key, input), input);
  },
});

/** The golden ones name features that no release has. */
function withKnownFeatures(bytes: Uint8Array): Uint8Array {
  const entry = understudy.JournalEntry.decode(bytes);
  const { features } = entry.claim ?? entry.enableFeatures ?? {};
  if (!features?.length) return bytes;
  features.splice(0, features.length, ...FEATURES.map(({ name, since }) => new understudy.Feature({ name, since })));
  return encodeEntry(entry);
}

export const stateTargets: readonly Target[] = [
  row('inode', /^Inode-/, inodeCodec),
  row('parent', /^Parent-/, parentCodec),
  row('session', /^ClientSession-/, sessionCodec),
  row('result', /^CallResult-/, resultCodec),
  row('next-ids', /^NextIds-/, nextIdsCodec),
  row('retention', /^Retention-/, retentionCodec),
  row('mount', /^Mount-/, mountCodec),
  row('under-work', /^UnderWork-/, underWorkCodec),
  row('usage', /^Usage-/, usageCodec),
  row('xattrs', /^Xattrs-/, xattrsCodec),
  row('cursor', /^Cursor-/, cursorCodec),
  row('config', /^Config-/, configCodec),
  row('freeze', /^Freeze-/, freezeCodec),
  row('cursor-names', /^CursorNames-/, cursorNamesCodec),
  markRow('flush-mark', APPLIED_KEY, (read) => {
    assert.equal(read.flush, LAST_MARK.flush, 'a flush that the ring does not hold');
    for (const { value } of markRows(read, JOURNAL)) {
      assert.deepEqual(readMarked(APPLIED_KEY, value), read, 'a mark is written otherwise than it was read');
    }
  }),
  markRow('flush-mark-ring', ringKey(12), (read, input) => {
    assert.deepEqual(read, LAST_MARK, 'the mark is not that of the newest flush');
    assert.equal(understudy.FlushMark.decode(input).flush, 12, 'a lost flush is not noticed');
  }),
  {
    name: 'row-key',
    refusals: REFUSALS,
    seeds: () => [
      ...['0070000000000000000001', '016f00000000000000010000000000000002', '026400000000000000016162'].map((hex) =>
        Buffer.from(hex, 'hex'),
      ),
    ],
    run(input) {
      const [first = 0, ...rest] = input;
      if (first % 3 === 0) assert(Number.isSafeInteger(decodeId(Buffer.from(rest))), 'an id that is none');
      else if (first % 3 === 1) decodePair(Buffer.from(rest));
      else decodeChildName(Buffer.from(rest));
    },
  },
  {
    name: 'entry',
    refusals: REFUSALS,
    seeds: () => goldenMessages(/^JournalEntry\./).map(withKnownFeatures),
    run(input) {
      const entry = decodeEntry(input, 7);
      const once = encodeEntry(entry);
      assertSameBytes(encodeEntry(decodeEntry(Buffer.from(once), 7)), once, 'entry');
      // As `journal dump` and the change feed show it.
      JSON.stringify(describeEntry(entry));
      changesOf(entry, 7);
    },
  },
];
