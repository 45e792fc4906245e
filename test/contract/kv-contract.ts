/**
 * What every key-value store promises (src/kv/kv-store.ts). `place` yields a new, empty place for one store.
 */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { KvOperation, KvRange, KvSnapshot, KvStore, KvStores } from '../../src/kv/kv-store.js';

export interface KvPlace {
  readonly stores: KvStores;
  remove(): Promise<void>;
}

export const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
export const put = (key: Uint8Array, value: Uint8Array): KvOperation => ({ type: 'put', key, value });
const del = (key: Uint8Array): KvOperation => ({ type: 'del', key });
const EVERYTHING: KvRange = { gte: bytes(0), lt: new Uint8Array(64).fill(255) };

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
const valueAt = (store: KvStore, key: Uint8Array): string | undefined => {
  const value = store.get(key);
  return value === undefined ? undefined : hex(value);
};

async function rowsOf(snapshot: KvSnapshot, range: KvRange = EVERYTHING, chunkRows = 1000): Promise<string[]> {
  const found: string[] = [];
  for await (const chunk of snapshot.rows(range, chunkRows)) {
    expect(chunk.length).toBeGreaterThan(0);
    expect(chunk.length).toBeLessThanOrEqual(chunkRows);
    for (const [key, value] of chunk) found.push(`${hex(key)}=${hex(value)}`);
  }
  return found;
}

export async function allRows(store: KvStore): Promise<string[]> {
  const snapshot = store.snapshot();
  try {
    return await rowsOf(snapshot);
  } finally {
    await snapshot.close();
  }
}

export function kvContract(name: string, place: () => Promise<KvPlace>): void {
  async function fresh(): Promise<{ stores: KvStores; store: KvStore }> {
    const { stores, remove } = await place();
    const store = await stores.open();
    onTestFinished(async () => {
      await store.close();
      await remove();
    });
    return { stores, store };
  }

  describe(`${name} keeps the contract of a key-value store`, () => {
    test('write: in chunks, all of them or none', async () => {
      const { store } = await fresh();
      await store.write(
        (async function* () {
          yield [put(bytes(1), bytes(1)), put(bytes(2), bytes(1))];
          expect(valueAt(store, bytes(1))).toBe(undefined);
          yield [];
          yield [del(bytes(2)), put(bytes(3), bytes(1))];
        })(),
      );
      expect(await allRows(store)).toEqual(['01=01', '03=01']);
      const broken = store.write(
        (async function* () {
          yield [put(bytes(4), bytes(1))];
          throw new Error('the source broke');
        })(),
      );
      await expect(broken).rejects.toThrow('the source broke');
      await store.write([put(bytes(5), bytes(1))]);
      expect(await allRows(store)).toEqual(['01=01', '03=01', '05=01']);
    });

    test('get: a key that was put, deleted, or never there, tells them apart', async () => {
      const { store } = await fresh();
      await store.write([put(bytes(1), bytes(7)), put(bytes(2), bytes()), put(bytes(3), bytes(9))]);
      await store.write([del(bytes(3)), del(bytes(4))]);
      expect(valueAt(store, bytes(1))).toBe('07');
      expect(store.get(bytes(2))?.length).toBe(0);
      expect(store.get(bytes(3))).toBeUndefined();
      expect(store.get(bytes(4))).toBeUndefined();
    });

    test('write: the same key several times in one batch, the last operation wins', async () => {
      const { store } = await fresh();
      await store.write([put(bytes(1), bytes(1)), put(bytes(1), bytes(2)), put(bytes(2), bytes(1)), del(bytes(2))]);
      expect(await allRows(store)).toEqual(['01=02']);
    });

    test('write: an empty batch, succeeds', async () => {
      const { store } = await fresh();
      await store.write([]);
      expect(await allRows(store)).toEqual([]);
    });

    test('write: many overlapping, take effect in call order', async () => {
      const { store } = await fresh();
      const ballast = Array.from({ length: 2000 }, (_, at) => put(bytes(9, at >> 8, at & 255), new Uint8Array(50)));
      const writes = Array.from({ length: 40 }, (_, at) => store.write([...(at % 2 === 0 ? ballast : []), put(bytes(1), bytes(at))]));
      await Promise.all(writes);
      expect(valueAt(store, bytes(1))).toBe('27');
    });

    test('write: the caller changes its arrays after the call, what was passed is stored', async () => {
      const { store } = await fresh();
      const key = Buffer.from([1]);
      const value = Buffer.from([2]);
      const first = store.write([put(bytes(0), bytes(0))]);
      const written = store.write([put(key, value)]);
      key[0] = 8;
      value[0] = 9;
      await Promise.all([first, written]);
      expect(await allRows(store)).toEqual(['00=00', '01=02']);
    });

    test('snapshot: later writes, do not show', async () => {
      const { store } = await fresh();
      await store.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))]);
      const early = store.snapshot();
      await store.write([del(bytes(1)), put(bytes(2), bytes(3)), put(bytes(3), bytes(3))]);
      const late = store.snapshot();
      await store.write([put(bytes(4), bytes(4))]);
      expect(await rowsOf(early)).toEqual(['01=01', '02=02']);
      expect(await rowsOf(late)).toEqual(['02=03', '03=03']);
      await early.close();
      await late.close();
      await late.close();
      await expect(rowsOf(late)).rejects.toMatchObject({ code: 'cancelled' });
    });

    test('snapshot: a writer during the scan, the scan is of one moment', async () => {
      const { store } = await fresh();
      const keyAt = (at: number) => bytes(1, at >> 8, at & 255);
      await store.write(Array.from({ length: 3000 }, (_, at) => put(keyAt(at), bytes(1))));
      const snapshot = store.snapshot();
      let seen = 0;
      for await (const chunk of snapshot.rows(EVERYTHING, 100)) {
        await store.write([put(keyAt(2999 - seen), bytes(2)), del(keyAt(2998 - seen))]);
        for (const [, value] of chunk) expect(value[0]).toBe(1);
        seen += chunk.length;
      }
      expect(seen).toBe(3000);
      await snapshot.close();
    });

    test('rows: the reader leaves early, the snapshot and the store can be closed', async () => {
      const { store } = await fresh();
      await store.write(Array.from({ length: 500 }, (_, at) => put(bytes(at >> 8, at & 255), bytes(1))));
      const snapshot = store.snapshot();
      for await (const chunk of snapshot.rows(EVERYTHING, 10)) {
        expect(chunk.length).toBe(10);
        break;
      }
      await snapshot.close();
      await store.close();
    });

    test('close: later calls, are refused as cancelled; what was in flight is there when opened again', async () => {
      const { stores, store } = await fresh();
      const writes = [store.write([put(bytes(1), bytes(1))]), store.write([put(bytes(2), bytes(2))])];
      await Promise.all([store.close(), store.close(), ...writes]);
      expect(() => store.get(bytes(1))).toThrowError(expect.objectContaining({ code: 'cancelled' }));
      expect(() => store.snapshot()).toThrowError(expect.objectContaining({ code: 'cancelled' }));
      await expect(store.write([])).rejects.toMatchObject({ code: 'cancelled' });
      await using again = await stores.open();
      expect(await allRows(again)).toEqual(['01=01', '02=02']);
    });

    test('open: it is open already, refused', async () => {
      const { stores, store } = await fresh();
      await expect(stores.open()).rejects.toMatchObject({
        code: 'failed_precondition',
        message: expect.stringMatching(/^another process has the metastore folder open: folder=/),
      });
      await store.write([put(bytes(1), bytes(1))]);
    });

    test('setAside: again and again, an empty store each time; refused while it is open', async () => {
      const { stores, store } = await fresh();
      await store.write([put(bytes(1), bytes(1))]);
      await expect(stores.setAside()).rejects.toMatchObject({ code: 'failed_precondition' });
      await store.close();
      for (let round = 0; round < 3; round++) {
        await stores.setAside();
        await stores.setAside();
        await using again = await stores.open();
        expect(await allRows(again)).toEqual([]);
        await again.write([put(bytes(2), bytes(round))]);
      }
    });

    test('a random history: gets and range scans, agree with a plain map', async () => {
      const { store } = await fresh();
      const model = new Map<string, string>();
      const key = fc.uint8Array({ minLength: 1, maxLength: 4 });
      const operation = fc.oneof(
        fc.record({ type: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 8 }) }),
        fc.record({ type: fc.constant('del' as const), key }),
      );
      const round = fc.record({
        batch: fc.array(operation, { maxLength: 30 }),
        gte: key,
        lt: key,
        chunkRows: fc.integer({ min: 1, max: 9 }),
      });
      await fc.assert(
        fc.asyncProperty(round, async ({ batch, gte, lt, chunkRows }) => {
          await store.write(batch);
          for (const one of batch) one.type === 'put' ? model.set(hex(one.key), hex(one.value)) : model.delete(hex(one.key));
          for (const one of batch) expect(valueAt(store, one.key)).toBe(model.get(hex(one.key)));
          const snapshot = store.snapshot();
          const expected = [...model.keys()].sort().filter((at) => at >= hex(gte) && at < hex(lt));
          const found = await rowsOf(snapshot, { gte, lt }, chunkRows);
          expect(found).toEqual(expected.map((at) => `${at}=${model.get(at)}`));
          await snapshot.close();
        }),
        { numRuns: 60 },
      );
    });
  });
}
