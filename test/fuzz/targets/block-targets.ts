/** What a worker keeps on its disks, block files and whose a directory is, and what it is asked for: requests to its data service. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { UnderstudyError } from '../../../src/base/errors.js';
import { silentLog } from '../../../src/base/log.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { BlockFile, blockFileBytes, encodeTail } from '../../../src/blocks/block-file.js';
import { blockName } from '../../../src/blocks/block-id.js';
import { type BlockStore, type BlockWriter, CHUNK_BYTES, type Piece } from '../../../src/blocks/block-store.js';
import { checksumsOf, chunksOf } from '../../../src/blocks/chunk-checksums.js';
import { dataOperations } from '../../../src/blocks/data-operations.js';
import { checkPiece, pieceIn, pieceOf } from '../../../src/blocks/pieces.js';
import { WorkerConnections } from '../../../src/client/data/worker-connections.js';
import type { ServerCall } from '../../../src/rpc/rpc.js';
import { DATA_SERVICE_DEFAULTS, DataService } from '../../../src/worker/data-service.js';
import { decodeIdentity, encodeIdentity } from '../../../src/worker/identity-file.js';
import { goldenBytes, goldenFile } from '../golden-bytes.js';
import { HeldFiles } from '../held-files.js';
import { dataRequestSeeds } from '../request-seeds.js';
import { assertSameBytes, type Target } from '../target.js';
import { sealLines } from './journal-targets.js';

const CORRUPT = ['corrupt', 'failed_precondition'] as const;
/** As the golden tail has it. */
const ID = { inodeId: 2 ** 40 + 5, index: 7, generation: 3 };
const LARGE = Buffer.alloc(CHUNK_BYTES + 10, 'block ');
/** As much as is read of WORKER. */
const IDENTITY_BYTES_MAX = 4096;
const OPERATIONS = Object.values(dataOperations);

/** The bytes of a block with what follows them. */
const fileOf = (bytes: Buffer): Buffer => Buffer.concat([bytes, encodeTail(ID, bytes.length, checksumsOf(bytes))]);

export const blockTargets: readonly Target[] = [
  {
    name: 'block-file',
    refusals: CORRUPT,
    seeds: () => [1, 150, 900].map((length) => fileOf(LARGE.subarray(0, length))),
    run: readSmall,
  },
  {
    name: 'block-file-sealed-anew',
    refusals: CORRUPT,
    seeds: () => [1, 150].map((length) => fileOf(LARGE.subarray(0, length))),
    run(input) {
      const tail = input.subarray(lengthOf(input.length));
      if (tail.length < blockFileBytes(0)) return undefined;
      sealTail(tail);
      return readSmall(input);
    },
  },
  {
    name: 'block-tail',
    refusals: CORRUPT,
    seeds: () => [goldenBytes('block-file-1.hex')],
    run: readLarge,
  },
  {
    name: 'block-tail-sealed-anew',
    refusals: CORRUPT,
    seeds: () => [goldenBytes('block-file-1.hex')],
    run(input) {
      const bytes = blockFileBytes(LARGE.length) - LARGE.length;
      if (input.length < bytes) return undefined;
      sealTail(input.subarray(0, bytes));
      return readLarge(input);
    },
  },
  {
    name: 'worker-identity',
    refusals: CORRUPT,
    words: ['version=', 'id=', 'crc=', '\n'],
    seeds: () => [goldenFile('worker-1.txt')],
    run(input) {
      const text = input.subarray(0, IDENTITY_BYTES_MAX);
      assertSameBytes(encodeIdentity(decodeIdentity(text, 'WORKER')), text, 'whose a directory is');
    },
  },
  {
    name: 'worker-identity-sealed-anew',
    refusals: CORRUPT,
    words: ['version=', 'id=', 'crc=', '\n'],
    seeds: () => [goldenFile('worker-1.txt')],
    run(input) {
      const text = input.subarray(0, IDENTITY_BYTES_MAX);
      sealLines(text);
      const id = decodeIdentity(text, 'WORKER');
      assert(/^[0-9a-f]{32}$/.test(id) && text.includes(`\nid=${id}\n`), 'a name that does not stand there');
    },
  },
  {
    name: 'data-request',
    refusals: ['invalid_argument', 'not_found', 'already_exists', 'corrupt', 'resource_exhausted'],
    words: ['localhost:1'],
    seeds: dataRequestSeeds,
    run: serve,
  },
];

/** @returns how long the block is whose file is so long, if it is no longer than a chunk. */
function lengthOf(fileBytes: number): number {
  return Math.min(CHUNK_BYTES, Math.max(0, fileBytes - blockFileBytes(1) + 1));
}

function sealTail(tail: Buffer): void {
  tail.writeUInt32LE(crc32(tail.subarray(0, tail.length - 4)), tail.length - 4);
}

async function readSmall(input: Buffer): Promise<void> {
  const read = await readAll(new HeldFiles(), input, 0, lengthOf(input.length));
  assertSameBytes(fileOf(read), input, "a block's file");
}

async function readLarge(tail: Buffer): Promise<void> {
  const files = new HeldFiles();
  await (await files.open('/block', { create: 'always' })).writeAll(LARGE, 0);
  assert(LARGE.equals(await readAll(files, tail, LARGE.length, LARGE.length)), 'other bytes were read');
  assertSameBytes(
    encodeTail(ID, LARGE.length, checksumsOf(LARGE)),
    tail.subarray(0, blockFileBytes(LARGE.length) - LARGE.length),
    'a tail',
  );
}

/** @returns the block, after `bytes` were written into its file. */
async function readAll(files: HeldFiles, bytes: Buffer, position: number, length: number): Promise<Buffer> {
  await (await files.open('/block', { create: 'always' })).writeAll(bytes, position);
  await using file = await BlockFile.open(files, '/block', ID, length);
  const parts: Uint8Array[] = [];
  for await (const piece of file.pieces(0, length)) parts.push(piece.bytes);
  return Buffer.concat(parts);
}

/** One request of a client that writes a block, its first one. */
async function serve(input: Buffer): Promise<void> {
  const clock = systemClock;
  const connect = () => Promise.reject(new UnderstudyError('unavailable', 'nobody is there'));
  const connections = new WorkerConnections({ clock, connect, connectTimeoutMs: 100 });
  const deps = { clock, log: silentLog, store: STORE, connections, address: () => 'self:1', proof: 'proof' };
  const service = new DataService(DATA_SERVICE_DEFAULTS, deps);
  const { signal } = new AbortController();
  const ask = async ({ method, response }: (typeof OPERATIONS)[number], body: Uint8Array) => {
    let replies = 0;
    await service.serve({
      ...{ method, body, peer: 'client:1', deadlineMs: Infinity, signal, connectionLost: signal, fail: () => undefined },
      reply(answer) {
        replies += 1;
        if (answer !== undefined) response.decode(answer);
      },
      async item(head, tail = new Uint8Array(0)) {
        checkPiece(pieceIn(dataOperations.readBlock.response.decode(Buffer.concat([head, tail]))));
      },
    } satisfies ServerCall);
    assert.equal(replies, 1, 'a call is to be answered once');
  };
  try {
    const { openBlock } = dataOperations;
    await ask(openBlock, openBlock.request.encode({ block: { inodeId: 1 }, bytesMax: CHUNK_BYTES }).finish());
    await ask(OPERATIONS[(input[0] ?? 0) % OPERATIONS.length] as (typeof OPERATIONS)[number], input.subarray(1));
    assert.deepEqual([service.reads, service.queuedBytes], [0, 0], 'what has ended is counted still');
  } finally {
    await Promise.all([service.close(), connections.close()]);
  }
  assert.equal(service.writings, 0, 'a block is being written when the service has closed');
}

/** Holds one block, which is all that is looked at of its name, and keeps nothing. */
const STORE = {
  find: ({ inodeId }) => (inodeId === 1 ? stored(10) : undefined),
  create: async (_id, { bytesMax }) => writer(bytesMax),
  async open(id) {
    if (id.inodeId !== 1) throw new UnderstudyError('not_found', `not here: block=${blockName(id)}`);
    return {
      ...{ block: stored(10), path: '/block' },
      async *pieces(offset: number, length: number) {
        assert(Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && length <= 10, `offset=${offset} length=${length}`);
        if (length > 0) yield pieceOf(0, Buffer.alloc(10));
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
} as Partial<BlockStore> as BlockStore;

const stored = (bytes: number) => ({ id: { inodeId: 1, index: 0, generation: 0 }, bytes, tier: 0, evictable: false });

/** Takes what stands in the seam's contract. */
function writer(bytesMax: number): BlockWriter {
  assert(Number.isSafeInteger(bytesMax) && bytesMax > 0, `room for what is no length: bytesMax=${bytesMax}`);
  let written = 0;
  return {
    async write(piece: Piece) {
      const { offset, bytes, crcs } = piece;
      assert(offset === written && offset % CHUNK_BYTES === 0 && bytes.length > 0, 'not the piece that is next');
      assert.equal(crcs.length, chunksOf(bytes.length), 'not a checksum for each chunk');
      checkPiece(piece);
      if (offset + bytes.length > bytesMax) throw new UnderstudyError('resource_exhausted', 'more than room was kept for');
      written += bytes.length;
    },
    async seal(length) {
      if (length !== written) throw new UnderstudyError('invalid_argument', 'not the length that was written');
      return stored(length);
    },
    noteLent: () => undefined,
    drop: async () => undefined,
  };
}
