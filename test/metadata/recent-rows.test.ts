import { expect, test } from 'vitest';
import { RecentRows } from '../../src/metadata/recent-rows.js';

test('keeps what was used of late, within its bound', () => {
  const rows = new RecentRows<number, string>(10);
  for (let key = 0; key < 1_000; key++) {
    rows.set(key, `${key}`);
    expect(rows.get(0)).toBe('0');
    expect(rows.size).toBeLessThanOrEqual(10);
  }
  expect([rows.get(999), rows.get(500)]).toEqual(['999', undefined]);
  rows.delete(999);
  expect(rows.get(999)).toBeUndefined();
});

test('that there is nothing is kept as well', () => {
  const rows = new RecentRows<string, string | null>(10);
  rows.set('a', null);
  rows.set('b', 'x');
  expect([rows.get('a'), rows.get('a'), rows.get('b'), rows.get('c')]).toEqual([null, null, 'x', undefined]);
  expect([rows.hits, rows.misses]).toEqual([3, 1]);
});
