import { describe, expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { KvStore } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { allRows, bytes, kvContract, put } from '../contract/kv-contract.js';

const nothing = async () => {};
kvContract('memory store', async () => ({ stores: new MemoryStores(), remove: nothing }));
kvContract('slow memory store', async () => ({ stores: new MemoryStores({ clock: systemClock, writeMs: () => 0.1 }), remove: nothing }));

describe('memory store', () => {
  const written = async (count: number) => {
    const stores = new MemoryStores();
    const store = await stores.open();
    for (let at = 0; at < count; at++) await store.write([put(bytes(at), bytes(at))]);
    return { stores, store };
  };

  test('crash: a killed process, keeps what was written and a prefix of what was in flight', async () => {
    const { stores, store } = await written(3);
    let settled = 0;
    for (let at = 3; at < 6; at++) store.write([put(bytes(at), bytes(at))]).finally(() => settled++);
    stores.crash('killed', (limit) => (limit === 3 ? 2 : 0));
    await using again = await stores.open();
    expect(await allRows(again)).toEqual(['00=00', '01=01', '02=02', '03=03', '04=04']);
    expect(settled).toBe(0);
    expect(() => store.get(bytes(0))).toThrow();
  });

  test('crash: a power cut, keeps a prefix and all that was flushed', async () => {
    for (const keep of [0, 1, 15, 16]) {
      const { stores } = await written(30);
      stores.crash('power', (limit) => Math.min(limit, keep));
      await using again = await stores.open();
      expect((await allRows(again)).length).toBe(14 + keep);
    }
  });

  test('crash: a snapshot from before, leaves the table of after alone', async () => {
    const { stores, store } = await written(3);
    const snapshot = store.snapshot();
    stores.crash('power', () => 1);
    await using again = await stores.open();
    await again.write([put(bytes(9), bytes(9))]);
    expect(await allRows(again)).toEqual(['00=00', '09=09']);
    await snapshot.close();
  });
});

const text = (value: string) => Buffer.from(value);
const shown = (store: KvStore, key: string) => {
  const value = store.get(text(key));
  return value === undefined ? undefined : Buffer.from(value).toString();
};

test('a disk in trouble: writes fail, and all later ones of that store; it closes, and cannot be opened until that is over', async () => {
  const disk = new MemoryStores();
  const store = await disk.open();
  await store.write([put(text('a'), text('1'))]);
  disk.trouble = new UnderstudyError('unavailable', 'no space left on device');
  await expect(store.write([put(text('b'), text('2'))])).rejects.toThrow('no space');
  disk.trouble = undefined;
  await expect(store.write([put(text('c'), text('3'))])).rejects.toThrow('no space');
  await store.close();
  disk.trouble = new UnderstudyError('unavailable', 'no space left on device');
  await expect(disk.open()).rejects.toThrow('no space');
  disk.trouble = undefined;
  await using again = await disk.open();
  expect(['a', 'b', 'c'].map((key) => shown(again, key))).toEqual(['1', undefined, undefined]);
});

test('a disk restored, or that lost something: it is as it was, or lacks one write, or one row', async () => {
  const disk = new MemoryStores();
  const write = async (...rows: readonly [string, string][]) => {
    await using store = await disk.open();
    for (const [key, value] of rows) await store.write([put(text(key), text(value))]);
  };
  const found = async () => {
    await using store = await disk.open();
    return ['a', 'b', 'c'].map((key) => shown(store, key));
  };
  await write(['a', '1'], ['b', '2']);
  const image = disk.image();
  await write(['a', '9'], ['c', '3']);
  disk.restore(image);
  expect(await found()).toEqual(['1', '2', undefined]);
  await write(['a', '9'], ['c', '3']);
  expect(disk.loseWrite(() => 0)).toBe(true);
  expect(await found()).toEqual(['1', '2', '3']);
  expect(disk.loseRow('b'.charCodeAt(0), () => 0)).toBe(true);
  expect(await found()).toEqual(['1', undefined, '3']);
});
