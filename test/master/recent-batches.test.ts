import { expect, test } from 'vitest';
import type { Sequence } from '../../src/base/ids.js';
import { RecentBatches } from '../../src/master/recent-batches.js';
import { operations } from '../../src/metadata/operations.js';

const point = (sn: number, seed = sn) => ({ sn: sn as Sequence, hash: new Uint8Array(32).fill(seed) });

/** Batches of two entries behind sn 10, of 100 bytes each. */
function filled(count: number, bytesMax = 10_000): RecentBatches {
  const recent = new RecentBatches(bytesMax, point(10));
  for (let at = 1; at <= count; at++) recent.add(point(10 + 2 * at), new Uint8Array(100).fill(at), at);
  return recent;
}

test('behind: a point on the chain, is the batch that follows; at the end, the one to come', () => {
  const recent = filled(3);
  expect([10, 12, 14, 16].map((sn) => recent.behind(point(sn)))).toEqual([0, 1, 2, 3]);
  expect(recent.get(3)).toBeUndefined();
});

test('behind: another hash, the middle of a batch, before the first, past the end, is nowhere', () => {
  const recent = filled(3);
  for (const other of [point(12, 99), point(10, 99), point(11), point(9), point(18)]) expect(recent.behind(other)).toBeNull();
});

test('add: more than there is room for, the oldest go and the last stays', () => {
  const recent = filled(50, 500);
  expect(recent.first).toBeGreaterThan(40);
  expect(recent.behind(point(10))).toBeNull();
  expect(recent.behind(point(10 + 2 * recent.first))).toBe(recent.first);
  recent.add(point(200), new Uint8Array(9_000), 1);
  expect(recent.first).toBe(50);
  expect(recent.get(50)?.end.sn).toBe(200);
});

test('add: what was given is copied, and is sent as it was', () => {
  const recent = new RecentBatches(10_000, point(0));
  const sealed = new Uint8Array(100).fill(7);
  recent.add(point(2), sealed, 123);
  sealed.fill(0);
  const item = operations.followJournal.response.decode(recent.get(0)?.item ?? new Uint8Array(0));
  expect([...item.batch]).toEqual(Array(100).fill(7));
  expect([item.committedSn, item.timeMs]).toEqual([2, 123]);
});

test('watch: told of each batch until it is ended', () => {
  const recent = filled(0);
  let told = 0;
  const unwatch = recent.watch(() => {
    told += 1;
  });
  recent.add(point(12), new Uint8Array(1), 0);
  unwatch();
  recent.add(point(14), new Uint8Array(1), 0);
  expect(told).toBe(1);
});
