import { describe, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { deferred } from '../../src/base/wait.js';
import { CHUNK_BYTES, type Piece } from '../../src/blocks/block-store.js';
import { firstDamagedChunk } from '../../src/blocks/chunk-checksums.js';
import { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import type { WantedBlock } from '../../src/worker/data-service.js';
import { UnderFetch, type UnderFetchSettings } from '../../src/worker/under-fetch.js';
import { waitUntil } from '../servers/wait-until.js';
import { blockId, contentsOf, readBlock, writeBlock } from './blocks.js';
import { newFolder, openStore, tierAt } from './stores.js';

const MIB = 1 << 20;
const FILE = 'folder/file';
const never = new AbortController().signal;

interface World {
  readonly settings?: Partial<UnderFetchSettings>;
  readonly bytes?: Buffer;
  readonly quotaBytes?: number;
  readonly isBehind?: boolean;
}

async function worldOf({ settings, bytes = contentsOf(blockId(7), 3 * MIB + 5), quotaBytes = 64 * MIB, isBehind = false }: World = {}) {
  const files = new MemoryUnderFiles();
  const under = files.open();
  await under.create(FILE, bytes);
  const reads: string[] = [];
  let opened: (() => Promise<void>) | undefined;
  files.intercept = async ({ operation, path }) => {
    if (operation === 'open') {
      reads.push(path);
      await opened?.();
    }
    return undefined;
  };
  const store = await openStore([tierAt(newFolder(), 'MEM', quotaBytes)]);
  const fetch = new UnderFetch(
    { readsMax: 4, changedFile: 'refuse', ...settings },
    { store, log: silentLog, mounts: { store: async () => under, isBehind: async () => isBehind } },
  );
  const wanted = (more: Partial<WantedBlock> & { under?: WantedBlock['under'] } = {}): WantedBlock => ({
    block: blockId(7),
    offset: 0,
    length: bytes.length,
    readType: 'CACHE',
    ...more,
    under: { mountId: 1, path: FILE, offset: 0, length: bytes.length, fileLength: bytes.length, ...more.under },
  });
  const holdOpens = () => {
    const gate = deferred<void>();
    opened = () => gate.promise;
    return gate;
  };
  return { under, store, fetch, wanted, bytes, reads, holdOpens };
}

/** @returns the bytes of the chunks, whose checksums fit. */
async function bytesOf(pieces: AsyncIterable<Piece>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const { bytes, crcs } of pieces) {
    expect(firstDamagedChunk(bytes, crcs)).toBeUndefined();
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

describe('a block in mounted storage', () => {
  test('read as CACHE: it comes whole, is kept, and may be evicted from the start', async () => {
    const { fetch, wanted, bytes, store } = await worldOf();
    expect((await bytesOf(fetch.fetch(wanted(), never))).equals(bytes)).toBe(true);
    await waitUntil('the block is kept', () => store.find(blockId(7)) !== undefined);
    expect(store.find(blockId(7))).toMatchObject({ bytes: bytes.length, evictable: true });
    expect((await readBlock(store, blockId(7))).equals(bytes)).toBe(true);
  });

  test('read as NO_CACHE in part: whole chunks come, and nothing is kept', async () => {
    const { fetch, wanted, bytes, store } = await worldOf();
    const part = await bytesOf(fetch.fetch(wanted({ readType: 'NO_CACHE', offset: CHUNK_BYTES + 1, length: CHUNK_BYTES }), never));
    expect(part.equals(bytes.subarray(CHUNK_BYTES, 3 * CHUNK_BYTES))).toBe(true);
    expect(store.blockCount).toBe(0);
  });

  test('the second block of a file: its own bytes', async () => {
    const { fetch, wanted, bytes } = await worldOf();
    const under = { offset: 2 * MIB, length: MIB + 5 };
    const whole = await bytesOf(fetch.fetch(wanted({ block: blockId(7, 1), under, length: MIB + 5 }), never));
    expect(whole.equals(bytes.subarray(2 * MIB))).toBe(true);
  });

  test('of generation 0: it is kept as such', async () => {
    const { fetch, wanted, store } = await worldOf();
    await bytesOf(fetch.fetch(wanted({ block: blockId(7, 0, 0) }), never));
    await waitUntil('the block is kept', () => store.find(blockId(7, 0, 0)) !== undefined);
  });

  test('read by many at once, from anywhere in it: it is fetched once', async () => {
    const { fetch, wanted, bytes, reads, holdOpens } = await worldOf();
    const gate = holdOpens();
    const offsets = [0, 0, CHUNK_BYTES, MIB, 2 * MIB, 3 * MIB];
    const all = Promise.all(offsets.map((offset) => bytesOf(fetch.fetch(wanted({ offset, length: bytes.length - offset }), never))));
    await waitUntil('the storage is read', () => reads.length > 0);
    gate.resolve();
    for (const [at, got] of (await all).entries()) expect(got.equals(bytes.subarray(offsets[at]))).toBe(true);
    expect(reads).toEqual([FILE]);
  });

  test('a reader that leaves: the others go on, and the block is kept', async () => {
    const { fetch, wanted, bytes, store, reads, holdOpens } = await worldOf();
    const gate = holdOpens();
    const leaving = new AbortController();
    const left = bytesOf(fetch.fetch(wanted(), leaving.signal));
    const stays = bytesOf(fetch.fetch(wanted(), never));
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    gate.resolve();
    expect((await stays).equals(bytes)).toBe(true);
    await waitUntil('the block is kept', () => store.blockCount === 1);
    expect(reads).toEqual([FILE]);
  });

  test('no room for it: it passes through, and no part of it is left', async () => {
    const { fetch, wanted, bytes, store } = await worldOf({ quotaBytes: 2 * MIB });
    expect((await bytesOf(fetch.fetch(wanted(), never))).equals(bytes)).toBe(true);
    expect(store.blockCount).toBe(0);
    expect(store.tiers[0]?.usedBytes).toBe(0);
  });

  test('a slow reader: it gets the rest from the store', async () => {
    const bytes = contentsOf(blockId(7), 9 * MIB);
    const { fetch, wanted, store, reads } = await worldOf({ bytes });
    const pieces = fetch.fetch(wanted(), never)[Symbol.asyncIterator]();
    const first = await pieces.next();
    await waitUntil('the block is kept', () => store.blockCount === 1);
    const rest = await bytesOf({ [Symbol.asyncIterator]: () => pieces });
    expect(Buffer.concat([first.value?.bytes ?? Buffer.alloc(0), rest]).equals(bytes)).toBe(true);
    expect(reads).toEqual([FILE]);
  });

  test('it is here by now: it is read from the store', async () => {
    const { fetch, wanted, bytes, store, reads } = await worldOf();
    await writeBlock(store, blockId(7), bytes);
    expect((await bytesOf(fetch.fetch(wanted(), never))).equals(bytes)).toBe(true);
    expect(reads).toEqual([]);
  });
});

describe('a file that is not as the masters know it', () => {
  const shorter = { fileLength: 3 * MIB + 6 };

  test.each([
    ['of another length', shorter],
    ['with another fingerprint', { fingerprint: 'another' }],
    ['that is gone', { path: 'elsewhere' }],
  ])('%s: it is refused, and nothing is kept', async (_, under) => {
    const { fetch, wanted, store, reads } = await worldOf();
    for (const readType of ['CACHE', 'NO_CACHE'] as const) {
      await expect(bytesOf(fetch.fetch(wanted({ under, readType }), never))).rejects.toMatchObject({ code: 'failed_precondition' });
    }
    expect([store.blockCount, reads]).toEqual([0, []]);
  });

  test('while changes wait for its mount: it may be so soon', async () => {
    const { fetch, wanted } = await worldOf({ isBehind: true });
    await expect(bytesOf(fetch.fetch(wanted({ under: shorter }), never))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('to be read as it is: it passes through and is not kept', async () => {
    const { fetch, wanted, bytes, store } = await worldOf({ settings: { changedFile: 'read' } });
    expect((await bytesOf(fetch.fetch(wanted({ under: shorter }), never))).equals(bytes)).toBe(true);
    expect(store.blockCount).toBe(0);
  });

  test.each(['CACHE', 'NO_CACHE'] as const)(
    'changed while it is read as %s: the read fails before its end, and nothing is kept',
    async (readType) => {
      const { fetch, wanted, under, bytes, store, reads, holdOpens } = await worldOf();
      const gate = holdOpens();
      const read = bytesOf(fetch.fetch(wanted({ readType }), never));
      read.catch(() => {});
      await waitUntil('the storage is read', () => reads.length > 0);
      await under.create(FILE, Buffer.from(bytes).reverse());
      gate.resolve();
      await expect(read).rejects.toMatchObject({ code: 'failed_precondition' });
      expect(store.blockCount).toBe(0);
    },
  );
});

test('turns at mounted storage: beyond the bound a read waits, and one that gives up takes no turn along', async () => {
  const { fetch, wanted, bytes, reads, holdOpens } = await worldOf({ settings: { readsMax: 1 } });
  const gate = holdOpens();
  const first = bytesOf(fetch.fetch(wanted({ readType: 'NO_CACHE' }), never));
  await waitUntil('the storage is read', () => reads.length === 1);
  const gone = new AbortController();
  const second = bytesOf(fetch.fetch(wanted({ readType: 'NO_CACHE' }), gone.signal));
  const third = bytesOf(fetch.fetch(wanted({ readType: 'NO_CACHE' }), never));
  gone.abort();
  await expect(second).rejects.toMatchObject({ code: 'cancelled' });
  expect(reads.length).toBe(1);
  gate.resolve();
  expect((await first).equals(bytes)).toBe(true);
  expect((await third).equals(bytes)).toBe(true);
  expect(reads.length).toBe(2);
});
