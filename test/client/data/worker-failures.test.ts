/** Workers that die, writers that vanish, bytes that rot, and readers and disks that are slow: what it costs, and what is left of it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UnderstudyError } from '../../../src/base/errors.js';
import { silentLog } from '../../../src/base/log.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { deferred } from '../../../src/base/wait.js';
import type { BlockStore, BlockWriter, Piece } from '../../../src/blocks/block-store.js';
import { dataOperations } from '../../../src/blocks/data-operations.js';
import { pieceOf } from '../../../src/blocks/pieces.js';
import { RemoteWriting } from '../../../src/client/data/remote-writing.js';
import { WorkerConnections } from '../../../src/client/data/worker-connections.js';
import type { ByteStream, Network } from '../../../src/rpc/network.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../../src/rpc/rpc-connection.js';
import { tcpNetwork } from '../../../src/rpc/tcp-network.js';
import { collect } from '../served-namespace.js';
import { DataCluster, someBytes, type TestWorker, type WorkerOptions } from './data-cluster.js';

const MIB = 1 << 20;
const CONTENTS = someBytes(6 * MIB + 77);
const BLOCKS = { blockBytes: 4 * MIB };

/** @returns a store whose writers write nothing before `gate`. */
function slowed(gate: Promise<void>): (store: BlockStore) => BlockStore {
  const slow = (writer: BlockWriter): BlockWriter => ({
    write: async (piece: Piece) => {
      await gate;
      await writer.write(piece);
    },
    seal: (length) => writer.seal(length),
    drop: () => writer.drop(),
  });
  return (store) =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'create') return async (...args: Parameters<BlockStore['create']>) => slow(await target.create(...args));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
}

async function openCluster(workers: readonly WorkerOptions[]): Promise<DataCluster> {
  const cluster = await DataCluster.open(0);
  onTestFinished(() => cluster[Symbol.asyncDispose]());
  for (const options of workers) await cluster.startWorker(options);
  return cluster;
}

const usedBytes = ({ store }: TestWorker): number => store.tiers.reduce((sum, tier) => sum + tier.usedBytes, 0);

/** A network that changes one byte, once, in what is read in large chunks, or written. */
function flipping(direction: 'read' | 'written'): Network & { flipped: number } {
  const network = {
    flipped: 0,
    listen: tcpNetwork.listen,
    async connect(address: string, signal: AbortSignal): Promise<ByteStream> {
      const stream = await tcpNetwork.connect(address, signal);
      const flip = (chunk: Uint8Array): Uint8Array => {
        if (network.flipped > 0 || chunk.length < 32_768) return chunk;
        network.flipped += 1;
        const copy = Uint8Array.from(chunk);
        copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
        return copy;
      };
      const { listen, write } = stream;
      if (direction === 'read') stream.listen = (events) => listen.call(stream, { ...events, lent: (chunk) => events.lent(flip(chunk)) });
      else stream.write = (chunk) => write.call(stream, flip(chunk));
      return stream;
    },
  };
  return network;
}

describe('a worker that dies', () => {
  test('while it is written to: another one is given the block from its beginning', async () => {
    const cluster = await openCluster([{}, {}]);
    const fs = cluster.client();
    const file = await fs.create('/f', BLOCKS);
    await file.write(CONTENTS.subarray(0, 3 * MIB));
    const written = cluster.workers.find(({ service }) => service.writings === 1);
    await cluster.kill(written as TestWorker);
    await file.write(CONTENTS.subarray(3 * MIB));
    await file.close();
    expect((await fs.readFile('/f')).equals(CONTENTS)).toBe(true);
    expect(cluster.blockCount).toBe(2);
  });

  test('as the only one, while it is written to: the writer fails, and takes back what it made', async () => {
    const cluster = await openCluster([{}]);
    const fs = cluster.client({ data: { writeAttempts: 3 } });
    const writing = (async () => {
      await using file = await fs.create('/f', BLOCKS);
      await file.write(CONTENTS.subarray(0, 3 * MIB));
      await cluster.kill(cluster.workers[0] as TestWorker);
      await file.write(CONTENTS.subarray(3 * MIB));
      await file.close();
    })();
    await expect(writing).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/no worker that takes blocks/) });
    expect(await fs.exists('/f')).toBe(false);
  });

  test('with more written than is held: the writer fails, and says so', async () => {
    const cluster = await openCluster([{}, {}]);
    const fs = cluster.client({ data: { heldBytesMax: 2 * MIB } });
    const file = await fs.create('/f', BLOCKS);
    await file.write(CONTENTS.subarray(0, 3 * MIB));
    await cluster.kill(cluster.workers.find(({ service }) => service.writings === 1) as TestWorker);
    const rest = file.write(CONTENTS.subarray(3 * MIB)).then(() => file.close());
    await expect(rest).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/no longer held: heldBytesMax/) });
    await file.abort();
    // What was held is given back: another file takes the whole of it.
    await fs.writeFile('/g', CONTENTS.subarray(0, 2 * MIB), BLOCKS);
    expect(cluster.workers.every(({ service }) => service.writings === 0)).toBe(true);
  });

  test('behind the one that is written to: the writer goes on, with a copy less', async () => {
    const cluster = await openCluster([{ quotaBytes: 64 * MIB }, { quotaBytes: 32 * MIB }]);
    const [first, second] = cluster.workers as [TestWorker, TestWorker];
    const fs = cluster.client();
    const file = await fs.create('/f', { ...BLOCKS, replicationMin: 2 });
    await file.write(CONTENTS.subarray(0, 3 * MIB));
    await expect.poll(() => second.service.writings).toBe(1);
    await cluster.kill(second);
    await file.write(CONTENTS.subarray(3 * MIB));
    await file.close();
    expect(first.store.blockCount).toBe(2);
    expect((await fs.readFile('/f')).equals(CONTENTS)).toBe(true);
  });

  test.each([true, false])('while it is read from, over its connection: %s: the rest is read from another', async (overSocket) => {
    const cluster = await openCluster([{}, {}]);
    const fs = cluster.client({ overSocket });
    await fs.writeFile('/f', CONTENTS, { ...BLOCKS, replicationMin: 2 });
    const file = await fs.open('/f');
    const parts: Uint8Array[] = [];
    for await (const part of file.chunks()) {
      parts.push(Uint8Array.from(part));
      if (parts.length === 1) await cluster.kill(cluster.workers[0] as TestWorker);
    }
    expect(Buffer.concat(parts).equals(CONTENTS)).toBe(true);
  });

  test('as the only one: a reader says which block nobody gives, in bounded time', async () => {
    const cluster = await openCluster([{}]);
    const fs = cluster.client({ data: { readRetryMs: 100 } });
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    await cluster.kill(cluster.workers[0] as TestWorker);
    await expect(fs.readFile('/f')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/block=\d+-[01]-0 /) });
  });

  test('after it sealed the block, before it said so: the block is there, and the writer does not mind', async () => {
    let answers = 0;
    const cluster = await openCluster([
      {
        handler: (handler) => (call) => {
          const isWhole = call.method === dataOperations.openBlock.method;
          if (!isWhole || answers++ > 0) return handler(call);
          const { reply } = call;
          call.reply = () => {
            call.reply = reply;
            call.fail(new UnderstudyError('unavailable', 'the answer is lost'));
          };
          return handler(call);
        },
      },
    ]);
    const fs = cluster.client();
    await fs.writeFile('/f', 'abc', BLOCKS);
    expect(answers).toBeGreaterThan(1);
    expect((await fs.readFile('/f')).toString()).toBe('abc');
  });
});

test('masters that do not answer: a writer goes on for some blocks, and is complete once they do', async () => {
  const cluster = await openCluster([{}]);
  const fs = cluster.client();
  const contents = someBytes(8 * MIB);
  await using file = await fs.create('/f', { blockBytes: MIB });
  await file.write(contents.subarray(0, 2 * MIB));
  const { network } = cluster.masters;
  network.cut('client-0', 'a');
  await file.write(contents.subarray(2 * MIB));
  network.heal('client-0', 'a');
  const { status } = await file.close();
  expect(status).toMatchObject({ length: contents.length, complete: true });
  expect((await fs.readFile('/f')).equals(contents)).toBe(true);
});

describe('a writer that is gone', () => {
  const connections = (): WorkerConnections => {
    const deps = { clock: systemClock, log: silentLog, network: tcpNetwork };
    const connect = (address: string, signal: AbortSignal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
    return new WorkerConnections({ clock: systemClock, connect, connectTimeoutMs: 1_000 });
  };
  const options = { bytesMax: 4 * MIB, copyTo: [], timeoutMs: 5_000 };
  const begin = async (from: WorkerConnections, to: TestWorker, copyTo: readonly string[] = [], passedOn = false) => {
    const how = { ...options, copyTo, passedOn };
    const writing = await RemoteWriting.open(await from.open(to.address), { inodeId: 9, index: 0, generation: 0 }, how);
    await writing.write(pieceOf(0, CONTENTS.subarray(0, MIB)));
    return writing;
  };

  test('half-way, with its connection: nothing is left of the block, nor where it was copied to', async () => {
    const cluster = await openCluster([{}, {}]);
    const [first, second] = cluster.workers as [TestWorker, TestWorker];
    const from = connections();
    await begin(from, first, [second.address]);
    expect([usedBytes(first), usedBytes(second)].every((bytes) => bytes > 0)).toBe(true);
    await from.close();
    for (const worker of [first, second]) {
      await expect.poll(() => [worker.service.writings, usedBytes(worker), worker.store.blockCount]).toEqual([0, 0, 0]);
    }
    expect(readdirSync(cluster.folder.path, { recursive: true }).filter((name) => /writing\/./.test(String(name)))).toEqual([]);
  });

  test('without a word: likewise, after a time', async () => {
    const cluster = await openCluster([{ settings: { silenceMs: 200 } }]);
    const [worker] = cluster.workers as [TestWorker];
    const from = connections();
    onTestFinished(() => from.close());
    const writing = await begin(from, worker);
    await expect.poll(() => [worker.service.writings, usedBytes(worker)]).toEqual([0, 0]);
    await expect(writing.write(pieceOf(MIB, CONTENTS.subarray(MIB, 2 * MIB)))).rejects.toMatchObject({ code: 'not_found' });
  });

  test('more blocks than a worker takes at once, or more bytes that another passes on, are refused', async () => {
    const cluster = await openCluster([{ settings: { writingsMax: 1, queuedBytesMax: MIB - 1 } }]);
    const [worker] = cluster.workers as [TestWorker];
    const from = connections();
    onTestFinished(() => from.close());
    await expect(begin(from, worker, [], true)).rejects.toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringMatching(/passed on wait/),
    });
    await expect(begin(from, worker)).rejects.toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringMatching(/are being written/),
    });
  });
});

describe('bytes that changed', () => {
  function damage(cluster: DataCluster, { store }: TestWorker): void {
    for (const name of readdirSync(cluster.folder.path, { recursive: true, encoding: 'utf8' })) {
      const file = path.join(cluster.folder.path, name);
      if (!/blocks\/..\/\d/.test(name) || !name.startsWith(`w${cluster.workers.findIndex((worker) => worker.store === store) + 1}/`))
        continue;
      const bytes = readFileSync(file);
      bytes[70_000] = (bytes[70_000] ?? 0) ^ 0x10;
      writeFileSync(file, bytes);
    }
  }

  test.each([true, false])('on a disk, over its connection: %s: it is read elsewhere, and the copy is gone', async (overSocket) => {
    const cluster = await openCluster([{}, {}]);
    const fs = cluster.client({ overSocket });
    await fs.writeFile('/f', CONTENTS, { blockBytes: 8 * MIB, replicationMin: 2 });
    damage(cluster, cluster.workers[0] as TestWorker);
    await expect.poll(async () => (await fs.readFile('/f')).equals(CONTENTS) && cluster.blockCount).toBe(1);
  });

  test('on the only disk: the reader fails', async () => {
    const cluster = await openCluster([{}]);
    const fs = cluster.client({ data: { readRetryMs: 100 } });
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    damage(cluster, cluster.workers[0] as TestWorker);
    await expect(fs.readFile('/f')).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each(['read', 'written'] as const)('on the way, as they are %s: that is seen, and they are sent again', async (direction) => {
    const cluster = await openCluster([{}]);
    const network = flipping(direction);
    const fs = cluster.client({ overSocket: true, network });
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    expect((await fs.readFile('/f')).equals(CONTENTS)).toBe(true);
    expect(network.flipped).toBe(1);
  });
});

describe('what is slow', () => {
  test('a reader: no more is asked of the worker than it is ahead, and nothing waits there', async () => {
    let pieces = 0;
    const counting = (store: BlockStore): BlockStore =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'open') pieces += 1;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const cluster = await openCluster([{ store: counting }]);
    const fs = cluster.client({ overSocket: true, data: { readAheadPieces: 2 } });
    const contents = someBytes(32 * MIB);
    await fs.writeFile('/f', contents, BLOCKS);
    const readable = (await fs.open('/f')).readable();
    const iterator = readable[Symbol.asyncIterator]();
    await iterator.next();
    const [worker] = cluster.workers as [TestWorker];
    await expect.poll(() => worker.service.reads).toBe(0);
    expect(pieces).toBeLessThanOrEqual(8);
    let bytes = 0;
    for await (const chunk of { [Symbol.asyncIterator]: () => iterator }) bytes += (chunk as Buffer).length;
    expect(bytes).toBeGreaterThan(30 * MIB);
    expect(pieces).toBeGreaterThanOrEqual(32);
  });

  test('a reader that takes nothing of what it asked for is given no more, and what it kept is free', async () => {
    const cluster = await openCluster([{ settings: { readStallMs: 200, readsMax: 1 } }]);
    const fs = cluster.client({ overSocket: true });
    const { status } = await fs.writeFile('/f', CONTENTS, { blockBytes: 8 * MIB });
    const [worker] = cluster.workers as [TestWorker];
    const deps = { clock: systemClock, log: silentLog, network: tcpNetwork };
    await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, worker.address, new AbortController().signal);
    const { method, request } = dataOperations.readBlock;
    const body = request.encode({ block: { inodeId: status.id, index: 0, generation: 0 }, length: CONTENTS.length }).finish();
    const stream = connection.stream(method, body, { timeoutMs: 20_000 })[Symbol.asyncIterator]();
    await stream.next();
    expect(worker.service.reads).toBe(1);
    await expect.poll(() => worker.service.reads).toBe(0);
    expect((await fs.readFile('/f')).equals(CONTENTS)).toBe(true);
    await expect(collect({ [Symbol.asyncIterator]: () => stream })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a disk: a writer is held back after so many pieces under way', async () => {
    const gate = deferred<void>();
    const cluster = await openCluster([{ store: slowed(gate.promise) }]);
    const fs = cluster.client({ data: { piecesUnderWay: 3 } });
    const contents = someBytes(16 * MIB);
    const file = await fs.create('/f', { blockBytes: 64 * MIB });
    const writing = file.write(contents);
    await expect.poll(() => file.length).toBeGreaterThanOrEqual(4 * MIB);
    expect(file.length).toBeLessThanOrEqual(5 * MIB);
    gate.resolve();
    await writing;
    await file.close();
    expect((await fs.readFile('/f')).equals(contents)).toBe(true);
  });

  test.each(['openBlock', 'writeBlock', 'sealBlock'] as const)(
    'a worker that answers no %s, on a connection that stands: a writer gives up within seconds, and nothing is left of its file',
    async (silent) => {
      const asked = deferred<void>();
      const cluster = await openCluster([
        {
          handler: (serve) => (call) => {
            if (call.method !== dataOperations[silent].method && call.method !== dataOperations.dropBlock.method) return serve(call);
            asked.resolve();
            return undefined;
          },
        },
      ]);
      const fs = cluster.client({ overSocket: silent === 'writeBlock' });
      const file = await fs.create('/f', BLOCKS);
      const writing = file.write(CONTENTS);
      const failed = expect(writing).rejects.toMatchObject({ code: 'cancelled' });
      await asked.promise;
      const startedMs = systemClock.monotonicMs();
      await file.abort();
      await failed;
      expect(systemClock.monotonicMs() - startedMs).toBeLessThan(10_000);
      expect(await fs.exists('/f')).toBe(false);
    },
  );

  test('a disk, with more clients than the worker has room for: nothing is read from them meanwhile, and none of them fails', async () => {
    const gate = deferred<void>();
    const cluster = await openCluster([{ store: slowed(gate.promise), settings: { queuedBytesMax: 4 * MIB } }]);
    const [worker] = cluster.workers as [TestWorker];
    const clients = Array.from({ length: 4 }, () => cluster.client({ overSocket: true }));
    const writing = clients.map((fs, at) => fs.writeFile(`/f${at}`, CONTENTS, { blockBytes: 64 * MIB, replicationMin: 1 }));
    await expect.poll(() => worker.service.queuedBytes).toBeGreaterThan(4 * MIB);
    // What was on its way comes, and no more.
    const bound = 4 * MIB + clients.length * 1.1 * MIB;
    const other = await connectRpc(
      RPC_CLIENT_DEFAULTS,
      { clock: systemClock, log: silentLog, network: tcpNetwork },
      worker.address,
      new AbortController().signal,
    );
    onTestFinished(() => other.close());
    for (let looks = 0; looks < 100; looks++) {
      await other.call(dataOperations.findBlock.method, new Uint8Array(), { timeoutMs: 5_000 });
      expect(worker.service.queuedBytes).toBeLessThan(bound);
    }
    gate.resolve();
    await Promise.all(writing);
    expect(worker.service.queuedBytes).toBe(0);
    for (const [at, fs] of clients.entries()) expect((await fs.readFile(`/f${at}`)).equals(CONTENTS)).toBe(true);
  });

  test('a reader that gives up: its stream ends with that, and the worker works for nobody', async () => {
    const cluster = await openCluster([{}]);
    const fs = cluster.client({ overSocket: true });
    await fs.writeFile('/f', CONTENTS, BLOCKS);
    const [worker] = cluster.workers as [TestWorker];
    const giveUp = new AbortController();
    const file = await fs.open('/f');
    const chunks = file.chunks({ signal: giveUp.signal });
    await chunks.next();
    giveUp.abort();
    await expect(collect(chunks)).rejects.toMatchObject({ code: 'cancelled' });
    const readable = file.readable();
    readable.once('data', () => readable.destroy());
    await new Promise((resolve) => readable.once('close', resolve));
    await file.close();
    await expect(file.read(Buffer.alloc(1), 0)).rejects.toThrow();
    await expect.poll(() => worker.service.reads).toBe(0);
  });
});
