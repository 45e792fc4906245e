import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
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
