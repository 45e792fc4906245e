/**
 * Blocks that a client on the worker's host writes into the file that the worker lends.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause, setImmediate as systemTick } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Files, OpenFile, OpenOptions } from '../../../src/base/files.js';
import { systemFiles } from '../../../src/base/system-file.js';
import { blockFileBytes, encodeTail } from '../../../src/blocks/block-file.js';
import { dataOperations } from '../../../src/blocks/data-operations.js';
import { pieceOf } from '../../../src/blocks/pieces.js';
import type { CallHandler } from '../../../src/rpc/rpc.js';
import { blockId, contentsOf, readBlock } from '../../worker/blocks.js';
import { blockFiles, newFolder, openStore, tierAt } from '../../worker/stores.js';
import { DataCluster, someBytes, type TestWorker, type WorkerOptions } from './data-cluster.js';

const MIB = 1 << 20;
const BLOCKS = { blockBytes: 4 * MIB };
const CONTENTS = someBytes(11 * MIB + 77);

let cluster: DataCluster | undefined;
afterEach(() => cluster?.[Symbol.asyncDispose]());

/** A worker that counts the pieces that it is sent, and may tell otherwise of files that it lends. */
async function countingWorker(
  options: WorkerOptions = {},
): Promise<{ cluster: DataCluster; worker: TestWorker; sent: () => number; opened: () => number }> {
  let [pieces, opens] = [0, 0];
  const counting =
    (handler: CallHandler): CallHandler =>
    (call) => {
      if (call.method === dataOperations.openBlock.method) opens += 1;
      if (call.method === dataOperations.writeBlock.method && call.body.length > MIB / 2) pieces += 1;
      return handler(call);
    };
  cluster = await DataCluster.open(0);
  const worker = await cluster.startWorker({ ...options, handler: counting });
  return { cluster, worker, sent: () => pieces, opened: () => opens };
}

const usedBytes = ({ store }: TestWorker): number => store.tiers.reduce((sum, { usedBytes: used }) => sum + used, 0);
const aside = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /writing\/\d+$/.test(name))
    .map((name) => path.join(folder, name));

describe('a file that is written where its worker is', () => {
  test('its pieces are not sent; it is read as it was written, and what is lent is given back', async () => {
    const { cluster: on, worker, sent } = await countingWorker();
    const fs = on.client();
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    expect(sent()).toBe(0);
    for (const reader of [fs, on.client({ overSocket: true })]) expect((await reader.readFile('/f')).equals(CONTENTS)).toBe(true);
    expect([worker.service.writings, worker.store.blockCount, aside(on.folder.path)]).toEqual([0, 3, []]);
    await fs.remove('/f');
  });

  test('given up: nothing is left of it', async () => {
    const { cluster: on, worker } = await countingWorker();
    const file = await on.client().create('/f', BLOCKS);
    await file.write(CONTENTS.subarray(0, 3 * MIB));
    expect(aside(on.folder.path)).toHaveLength(1);
    await file.abort();
    await expect.poll(() => [aside(on.folder.path), usedBytes(worker), worker.service.writings]).toEqual([[], 0, 0]);
  });

  test('behind its end, too; where it is to be passed on, over the connection', async () => {
    const { cluster: on, sent } = await countingWorker();
    const fs = on.client();
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    await using file = await fs.append('/f');
    await file.write(CONTENTS);
    await file.close();
    expect((await fs.readFile('/f')).equals(Buffer.concat([CONTENTS, CONTENTS]))).toBe(true);
    expect(sent()).toBe(0);
    await on.startWorker();
    // Known workers are not asked for again within a second.
    const later = on.client();
    await later.writeFile('/twice', CONTENTS, { ...BLOCKS, replicationMin: 2 });
    expect(sent()).toBeGreaterThan(0);
    expect((await later.readFile('/twice')).equals(CONTENTS)).toBe(true);
  });

  test.each(['is another host’s', 'cannot be opened', 'is on a disk that fails'] as const)(
    'the file that is lent %s: its bytes go over the connection, and none into that file',
    async (trouble) => {
      const foreign = path.join(newFolder(), 'foreign');
      writeFileSync(foreign, 'of somebody else, and long enough to be mistaken for the proof of a file that was lent'.repeat(3));
      const place = { 'is another host’s': foreign, 'cannot be opened': path.join(foreign, 'x'), 'is on a disk that fails': '/dev/full' };
      const { cluster: on, sent } = await countingWorker({
        store: (store) =>
          new Proxy(store, {
            get(target, name) {
              const value: unknown = Reflect.get(target, name, target);
              if (typeof value !== 'function') return value;
              if (name !== 'create') return value.bind(target);
              return async (...given: Parameters<typeof target.create>) => {
                const writer = await target.create(...given);
                writer.lend = async () => place[trouble];
                return writer;
              };
            },
          }),
      });
      const before = readFileSync(foreign, 'utf8');
      const fs = on.client();
      await fs.writeFile('/f', CONTENTS, BLOCKS);
      expect((await fs.readFile('/f')).equals(CONTENTS)).toBe(true);
      expect(sent()).toBeGreaterThanOrEqual(11);
      expect(readFileSync(foreign, 'utf8')).toBe(before);
      expect(on.blockCount).toBe(3);
    },
  );

  test('the worker is killed meanwhile: another one is given the block', async () => {
    const { cluster: on, worker } = await countingWorker();
    const fs = on.client();
    const file = await fs.create('/f', BLOCKS);
    await file.write(CONTENTS.subarray(0, 3 * MIB));
    await on.startWorker();
    await on.kill(worker);
    await file.write(CONTENTS.subarray(3 * MIB));
    await file.close();
    expect((await fs.readFile('/f')).equals(CONTENTS)).toBe(true);
  });
});

/** This machine's files, of which writes may take their time; what is done to a closed one is told. */
function slowFiles(beforeWrite: () => Promise<void>): { files: Files; open: () => number; afterClose: () => number } {
  let [open, afterClose] = [0, 0];
  const watched = (file: OpenFile): OpenFile => {
    let [isClosed, writes] = [false, 0];
    return new Proxy(file, {
      get(target, name) {
        if (name === 'writeAll') {
          return async (bytes: Uint8Array, position: number) => {
            writes += 1;
            try {
              await beforeWrite();
              if (isClosed) afterClose += 1;
              else await target.writeAll(bytes, position);
            } finally {
              writes -= 1;
            }
          };
        }
        if (name === 'close') {
          return async () => {
            if (isClosed) return;
            if (writes > 0) afterClose += 1;
            isClosed = true;
            open -= 1;
            await target.close();
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  const files = new Proxy(systemFiles, {
    get(target, name) {
      if (name !== 'open') return Reflect.get(target, name, target);
      return async (...given: Parameters<typeof systemFiles.open>) => {
        open += 1;
        return watched(await target.open(...given));
      };
    },
  });
  return { files, open: () => open, afterClose: () => afterClose };
}

describe('a disk that is slow', () => {
  test('a writer that gives up at any moment: nothing is done to a file that is closed, and it is closed', async () => {
    const { cluster: on } = await countingWorker();
    let writes = 0;
    let abortAt = 0;
    let abort = () => {};
    const slow = slowFiles(async () => {
      writes += 1;
      if (writes === abortAt) abort();
      await systemTick();
    });
    const fs = on.client({ files: slow.files });
    for (abortAt = 1; abortAt <= 9; abortAt++) {
      writes = 0;
      const file = await fs.create(`/f${abortAt}`, BLOCKS);
      let aborting: Promise<void> | undefined;
      abort = () => {
        aborting = file.abort();
      };
      const written = file.write(CONTENTS).then(() => file.close());
      await expect(written).rejects.toMatchObject({ code: 'cancelled' });
      await aborting;
    }
    await expect.poll(() => [slow.open(), aside(on.folder.path)]).toEqual([0, []]);
    expect(slow.afterClose()).toBe(0);
  });

  test('a writer that is slower than its worker waits in silence: each piece says that it lives', async () => {
    const { cluster: on, opened } = await countingWorker({ settings: { silenceMs: 400 } });
    const slow = slowFiles(() => pause(150));
    const fs = on.client({ files: slow.files, data: { piecesUnderWay: 1 } });
    await fs.writeFile('/f', CONTENTS.subarray(0, 8 * MIB), { blockBytes: 8 * MIB });
    expect((await fs.readFile('/f')).equals(CONTENTS.subarray(0, 8 * MIB))).toBe(true);
    // Had the worker dropped it, it had been opened again.
    expect(opened()).toBe(1);
  });

  test('one that hangs: its writer goes on over the connection; it can be given up, and the client closed', async () => {
    const { cluster: on } = await countingWorker();
    let hangs = true;
    const slow = slowFiles(() => (hangs ? new Promise(() => {}) : Promise.resolve()));
    const fs = on.client({ files: slow.files, data: { workerTimeoutMs: 300 } });
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    expect((await on.client().readFile('/f')).equals(CONTENTS)).toBe(true);
    const another = on.client({ files: slow.files, data: { workerTimeoutMs: 300 } });
    const file = await another.create('/g', BLOCKS);
    const writing = file.write(CONTENTS);
    writing.catch(() => {});
    await file.abort();
    await another.close();
    hangs = false;
  });

  test('a writer that is left alone: its file is closed with the client', async () => {
    const { cluster: on } = await countingWorker();
    const slow = slowFiles(async () => {});
    const fs = on.client({ files: slow.files });
    const file = await fs.create('/f', BLOCKS);
    await file.write(CONTENTS.subarray(0, 3 * MIB));
    expect(slow.open()).toBe(1);
    await fs.close();
    await expect.poll(() => slow.open()).toBe(0);
  });

  test('what does not reach the file that the worker sees: the block goes over the connection', async () => {
    const { cluster: on, sent } = await countingWorker();
    const elsewhere = new Proxy(systemFiles, {
      get(target, name) {
        if (name !== 'open') return Reflect.get(target, name, target);
        return async (filePath: string, options?: OpenOptions) => {
          const copy = path.join(newFolder(), 'copy');
          writeFileSync(copy, readFileSync(filePath));
          return target.open(options?.write ? copy : filePath, options);
        };
      },
    });
    const fs = on.client({ files: elsewhere });
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    expect(sent()).toBeGreaterThanOrEqual(11);
    expect((await on.client().readFile('/f')).equals(CONTENTS)).toBe(true);
  });
});

describe('a file that a store lends', () => {
  const id = blockId(7, 1, 2);
  const bytes = contentsOf(id, 2 * MIB + 100);
  const whole = (of = id) => Buffer.concat([bytes, encodeTail(of, bytes.length, pieceOf(0, bytes).crcs)]);

  async function lent() {
    const folder = newFolder();
    const store = await openStore([tierAt(folder)]);
    const writer = await store.create(id, { bytesMax: 3 * MIB });
    const file = await writer.lend?.('proof');
    if (file === undefined) throw new Error('nothing was lent');
    return { folder, store, writer, file };
  }

  test('begins with the proof; whole, it is the block, after a restart too', async () => {
    const { folder, store, writer, file } = await lent();
    expect(readFileSync(file, 'utf8')).toBe('proof');
    await expect(writer.write(pieceOf(0, bytes.subarray(0, MIB)))).rejects.toMatchObject({ code: 'invalid_argument' });
    writeFileSync(file, whole());
    expect(await writer.seal(bytes.length)).toMatchObject({ id, bytes: bytes.length });
    expect((await readBlock(store, id)).equals(bytes)).toBe(true);
    expect(existsSync(file)).toBe(false);
    await store.close();
    const again = await openStore([tierAt(folder)]);
    expect((await readBlock(again, id)).equals(bytes)).toBe(true);
  });

  test.each([
    ['untouched', () => Buffer.from('proof')],
    ['cut', () => whole().subarray(0, -1)],
    ['too long', () => Buffer.concat([whole(), Buffer.from('x')])],
    ['without a footer', () => Buffer.concat([bytes, Buffer.alloc(blockFileBytes(bytes.length) - bytes.length)])],
    ['with the footer of another block', () => whole({ ...id, generation: 3 })],
  ] as const)('given back %s: it is refused, and nothing is left of it', async (_, contents) => {
    const { folder, store, writer, file } = await lent();
    writeFileSync(file, contents());
    await expect(writer.seal(bytes.length)).rejects.toMatchObject({ code: 'corrupt' });
    expect([store.find(id), store.tiers[0]?.usedBytes, blockFiles(folder), existsSync(file)]).toEqual([undefined, 0, [], false]);
  });

  test('larger than the room that was kept: it is refused', async () => {
    const { store, writer, file } = await lent();
    const large = contentsOf(id, 4 * MIB);
    writeFileSync(file, Buffer.concat([large, encodeTail(id, large.length, pieceOf(0, large).crcs)]));
    await expect(writer.seal(large.length)).rejects.toMatchObject({ code: 'corrupt' });
    expect(store.tiers[0]?.usedBytes).toBe(0);
  });
});
