/**
 * A running worker's data service, and strangers who send what nobody meant: of every method requests that are well formed and absurd, mutated ones
 * and pure garbage, in any order.
 *
 * Each call ends in bounded time with an answer or a refusal that says what was wrong with it. Meanwhile a good client writes blocks and reads
 * them; when the strangers are gone, nothing of theirs is being read, written or kept in memory.
 */
import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ErrorCode, isError, UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { BlockId } from '../../src/blocks/block-id.js';
import { CHUNK_BYTES } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import { dataOperations } from '../../src/blocks/data-operations.js';
import { checkPiece, pieceIn, pieceOf } from '../../src/blocks/pieces.js';
import type { Network } from '../../src/rpc/network.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';
import { TestWorker } from '../client/data/data-cluster.js';
import { memoryFolder, type OwnFolder, ownFolder } from '../servers/own-folder.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { blockId, contentsOf } from '../worker/blocks.js';
import { mutate } from './mutate.js';
import { RandomRequests } from './random-request.js';
import { dataRequestSeeds } from './request-seeds.js';

const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 32));
const BATCHES = Number(process.env.FUZZ_BATCHES ?? 20);
const CALLS_PER_BATCH = 60;
const CALL_MS = 8_000;
/** Of an otherwise healthy worker: these say that something here is wrong. */
const UNFITTING: ReadonlySet<ErrorCode> = new Set(['internal', 'unknown', 'data_loss', 'diverged', 'fenced', 'outcome_unknown']);
const { readBlock, openBlock, writeBlock, sealBlock, findBlock } = dataOperations;
const OPERATIONS = Object.values(dataOperations);
const OPTIONS = { timeoutMs: CALL_MS };
/** Hardly any stranger names such a block. */
const GOOD_INODES = 1_000;

type DataOperation = (typeof OPERATIONS)[number];

console.log(`garbage with seed ${SEED}`);

let folder: OwnFolder;
let worker: TestWorker;
let good: RpcConnection;
const goodBlocks: BlockId[] = [];

beforeEach(async () => {
  folder = ownFolder('garbage', memoryFolder());
  worker = await TestWorker.open(folder.path, { network: onlyHere });
  good = await connect();
});
afterEach(async () => {
  await good.close();
  await worker.close();
  folder.remove();
});

/** Requests may name any address to pass blocks on to. */
const onlyHere: Network = {
  ...tcpNetwork,
  connect: (address, signal) =>
    address.startsWith('127.0.0.1:')
      ? tcpNetwork.connect(address, signal)
      : Promise.reject(new UnderstudyError('unavailable', `not of this host: address=${address}`)),
};

const connect = (): Promise<RpcConnection> =>
  connectRpc(RPC_CLIENT_DEFAULTS, { network: tcpNetwork, clock: systemClock, log: silentLog }, worker.address, AbortSignal.timeout(5_000));

/** @returns how the call ended: `answered`, a code, or what is wrong with the end. */
async function outcomeOf(connection: RpcConnection, { method, response }: DataOperation, body: Uint8Array): Promise<string> {
  try {
    if (method === readBlock.method) {
      for await (const item of connection.stream(method, body, OPTIONS)) checkPiece(pieceIn(readBlock.response.decode(item)));
    } else response.decode(await connection.call(method, body, OPTIONS));
    return 'answered';
  } catch (error) {
    if (!isError(error)) return `threw ${String(error)}`;
    return error.code === 'deadline_exceeded' || UNFITTING.has(error.code) ? `unfitting: ${error.code}: ${error.message}` : error.code;
  }
}

/** Writes one block more, and reads all that it wrote. */
async function stillServes(): Promise<void> {
  const block = blockId(GOOD_INODES + goodBlocks.length);
  const bytes = contentsOf(block, CHUNK_BYTES + 100);
  const opened = await good.call(openBlock.method, openBlock.request.encode({ block, bytesMax: bytes.length }).finish(), OPTIONS);
  const { writing } = openBlock.response.decode(opened);
  await good.call(
    writeBlock.method,
    writeBlock.request.encode({ writing, piece: { offset: 0, bytes, crcs: checksumsOf(bytes) } }).finish(),
    OPTIONS,
  );
  await good.call(sealBlock.method, sealBlock.request.encode({ writing, length: bytes.length }).finish(), OPTIONS);
  goodBlocks.push(block);
  for (const each of goodBlocks) expect((await readGood(each)).equals(contentsOf(each, bytes.length))).toBe(true);
  const found = await good.call(findBlock.method, findBlock.request.encode({ block }).finish(), OPTIONS);
  expect(findBlock.response.decode(found).length).toBe(bytes.length);
}

async function readGood(block: BlockId): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const request = readBlock.request.encode({ block, offset: 0, length: 2 * CHUNK_BYTES }).finish();
  for await (const item of good.stream(readBlock.method, request, OPTIONS)) parts.push(pieceIn(readBlock.response.decode(item)).bytes);
  return Buffer.concat(parts);
}

test('requests that make little sense, mutated ones and garbage: each is answered or refused for what it is, and nothing else suffers', {
  timeout: 120_000,
}, async () => {
  const random = new SeededRandom(SEED);
  const requests = new RandomRequests(random);
  const pool = dataRequestSeeds().map((seed) => seed.subarray(1));
  const outcomes: Record<string, number> = {};

  const piece = () => {
    const bytes = Buffer.from(random.bytes(random.pick([0, 1, 100])));
    return { ...pieceOf(random.pick([0, 0, 0, 1, CHUNK_BYTES]), bytes), ...(random.chance(0.2) ? { crcs: [1] } : {}) };
  };
  const likely: Readonly<Record<string, () => unknown>> = {
    inodeId: () => random.below(9),
    index: () => random.below(2),
    generation: () => random.below(2),
    bytesMax: () => random.pick([0, 1, 100, 2 * CHUNK_BYTES, 2 ** 40, 2 ** 53 - 1]),
    writing: () => random.below(BATCHES * CALLS_PER_BATCH),
    piece,
    whole: () => (random.chance(0.5) ? piece() : undefined),
    copyTo: () => (random.chance(0.2) ? [random.pick(['127.0.0.1:1', worker.address, '', 'x'])] : []),
  };
  const bodyFor = ({ request }: DataOperation): Buffer => {
    const kind = random.float();
    if (kind < 0.05) return Buffer.from(random.bytes(random.below(200)));
    if (kind < 0.07) return Buffer.alloc(0);
    if (kind < 0.075) return Buffer.alloc(8 << 20, random.below(256));
    const body = requests.ofMessage((request as unknown as { name: string }).name, (field) => likely[field]?.());
    return random.chance(0.3) ? mutate(body, random, pool) : body;
  };

  for (let batch = 0; batch < BATCHES; batch++) {
    const connections = [await connect(), await connect()] as const;
    const calls = Array.from({ length: CALLS_PER_BATCH }, async () => {
      const operation = random.pick(OPERATIONS);
      const body = bodyFor(operation);
      const outcome = await outcomeOf(random.pick(connections), operation, body);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const what = `seed=${SEED} batch=${batch} method=${operation.method} body=${body.toString('hex').slice(0, 600)}`;
      expect(outcome, what).not.toMatch(/^(unfitting|threw)/);
    });
    await Promise.all([...calls, stillServes()]);
    await Promise.all(connections.map((connection) => connection.close()));
  }
  const left = () => [worker.service.writings, worker.service.reads, worker.service.queuedBytes];
  await expect.poll(left, { timeout: 8_000 }).toEqual([0, 0, 0]);
  console.log(`garbage: ${JSON.stringify(outcomes)}`);
  expect(outcomes.answered).toBeGreaterThan(BATCHES);
});
