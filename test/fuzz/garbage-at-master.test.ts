/**
 * A running leader with an observer, and strangers who send what nobody meant: of every method requests that are well formed and absurd, mutated ones,
 * pure garbage, bodies that are empty or as large as a frame may be, frames that break off, in any order.
 *
 * Each call ends in bounded time with an answer or a refusal that says what was wrong with it. All the while a good client is served, the leader
 * stays the leader, on the replica that it has, the observer follows, and both come to the same digest.
 */
import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ErrorCode, isError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { Leadership } from '../../src/master/leadership.js';
import type { Master } from '../../src/master/master.js';
import type { Replica } from '../../src/master/replica.js';
import { operations } from '../../src/metadata/operations.js';
import { bareFrame, KIND } from '../../src/rpc/frame.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { MemoryCluster } from '../master/memory-cluster.js';
import { RawClient } from '../master/raw-client.js';
import { encoded, HELLO, request } from '../rpc/raw-peer.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { mutate } from './mutate.js';
import { type OperationName, RandomRequests } from './random-request.js';
import { requestSeeds } from './request-seeds.js';

const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 32));
const BATCHES = Number(process.env.FUZZ_BATCHES ?? 40);
const CALLS_PER_BATCH = 50;
/** Streams that do not end by themselves are left then. */
const STREAM_MS = 150;
const CALL_MS = 8_000;
const ITEMS_MAX = 3;
/** Of an otherwise healthy master: these say that something here, or stored here, is wrong. */
const UNFITTING: ReadonlySet<ErrorCode> = new Set(['internal', 'unknown', 'corrupt', 'data_loss', 'diverged', 'fenced', 'outcome_unknown']);
const NAMES = Object.keys(operations) as OperationName[];
const STREAMS: ReadonlySet<OperationName> = new Set([
  'followJournal',
  'watch',
  'loadMetadata',
  'checkConsistency',
  'makeCheckpoint',
  'listStatus',
]);

console.log(`garbage with seed ${SEED}`);

let cluster: MemoryCluster;
let leader: Master;
let observer: Master;
let leadership: Leadership | null;
let replicas: (Replica | null)[];
let goodCalls = 0;

beforeEach(async () => {
  cluster = new MemoryCluster();
  const clientsMax = 100_000;
  leader = (await cluster.start('m1', undefined, { clientsMax })).master;
  await expect.poll(() => leader.leads, { timeout: 8_000 }).toBe(true);
  observer = (await cluster.start('m2', undefined, { clientsMax, isObserver: true })).master;
  await expect.poll(() => observer.replica?.isVerified, { timeout: 8_000 }).toBe(true);
  ({ leadership } = leader);
  replicas = [leader.replica, observer.replica];
});
afterEach(() => cluster.close());

async function stranger(address = 'm1:19998'): Promise<RpcConnection> {
  const deps = { network: cluster.network.host('stranger'), clock: systemClock, log: silentLog };
  return connectRpc(RPC_CLIENT_DEFAULTS, deps, address, AbortSignal.timeout(5_000));
}

/** @returns how the call ended: `answered`, a code, or what is wrong with the end. */
async function outcomeOf(connection: RpcConnection, name: OperationName, body: Uint8Array): Promise<string> {
  const { method } = operations[name];
  const isStream = STREAMS.has(name);
  try {
    if (!isStream) await connection.call(method, body, { timeoutMs: CALL_MS });
    let items = 0;
    if (isStream) for await (const _ of connection.stream(method, body, { timeoutMs: STREAM_MS })) if (++items === ITEMS_MAX) break;
    return 'answered';
  } catch (error) {
    if (!isError(error)) return `threw ${String(error)}`;
    const isLate = error.code === 'deadline_exceeded' && !isStream;
    return isLate || UNFITTING.has(error.code) ? `unfitting: ${error.code}: ${error.message}` : error.code;
  }
}

/** What a good client sees, and what became of the masters. */
async function stillServes(what: string): Promise<void> {
  goodCalls += 1;
  // Registered anew: strangers may close anybody's session, limit anybody's tree, and freeze it.
  await using operator = await stranger();
  const { method, request } = operations.unfreeze;
  await operator.call(method, request.encode({ user: 'o' }).finish(), { timeoutMs: 8_000 });
  const good = await RawClient.register(cluster, 'm1');
  await good.mutate('setQuota', { path: '/', namesMax: 0, bytesMax: { low: 0 } });
  const path = `/good-${goodCalls}`;
  await good.mutate('createFile', { path, overwrite: true });
  await good.locations(path);
  expect([leader.leadership === leadership, leader.role.name, leader.trouble], what).toEqual([true, 'leading', '']);
  expect(
    [leader.replica, observer.replica].map((replica, at) => replica === replicas[at]),
    what,
  ).toEqual([true, true]);
}

async function digestsAgree(): Promise<void> {
  await expect.poll(() => observer.replica?.end.sn, { timeout: 8_000 }).toBe(leader.replica?.end.sn);
  expect(observer.replica?.end.hash).toEqual(leader.replica?.end.hash);
  expect(await digest(observer)).toEqual(await digest(leader));
}

async function digest({ replica }: Master): Promise<unknown> {
  return replica?.writeBehind.digest();
}

test('requests that make little sense, mutated ones and garbage: each is answered or refused for what it is, and nothing else suffers', {
  timeout: 120_000,
}, async () => {
  const random = new SeededRandom(SEED);
  const requests = new RandomRequests(random);
  const pool = requestSeeds().map((seed) => seed.subarray(1));
  let clientId = 0;
  const connections = [await stranger(), await stranger('m2:19998')] as const;
  const outcomes: Record<string, number> = {};
  let callId = 0;

  const bodyFor = (name: OperationName): Buffer => {
    const kind = random.float();
    if (kind < 0.05) return Buffer.from(random.bytes(random.below(200)));
    if (kind < 0.07) return Buffer.alloc(0);
    if (kind < 0.072) return Buffer.alloc(8 << 20, random.below(256));
    const isCaller = random.chance(0.9);
    if (isCaller && operations[name].kind === 'mutation') callId += 1;
    const caller = { clientId, callId, attempt: 1 + random.below(2), lowestUnanswered: callId, user: 'o' };
    // One that waits as long as its caller would have to be left, as streams are.
    const freshness = random.chance(0.3) ? { stale: true } : { atLeastSn: random.below(9), waitMs: 1 };
    const body = requests.of(name, (field) => (field === 'caller' && isCaller ? caller : field === 'freshness' ? freshness : undefined));
    return random.chance(0.3) ? mutate(body, random, pool) : body;
  };

  for (let batch = 0; batch < BATCHES; batch++) {
    ({ clientId } = await RawClient.register(cluster, 'm1'));
    const calls = Array.from({ length: CALLS_PER_BATCH }, async () => {
      const name = random.pick(NAMES);
      const body = bodyFor(name);
      const outcome = await outcomeOf(connections[random.chance(0.8) ? 0 : 1], name, body);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const what = `seed=${SEED} batch=${batch} method=${name} body=${body.toString('hex').slice(0, 600)}`;
      expect(outcome, what).not.toMatch(/^(unfitting|threw)/);
    });
    await Promise.all(calls);
    await stillServes(`seed=${SEED} batch=${batch}`);
  }
  await digestsAgree();
  console.log(`garbage: ${JSON.stringify(outcomes)}`);
  // All of it refused would say little of what plans and entries make of it.
  expect(outcomes.answered).toBeGreaterThan(BATCHES);
});

test('mutations of nobody who is registered: all refused, and nothing is changed by it', { timeout: 60_000 }, async () => {
  const random = new SeededRandom(SEED, 'nobody');
  const requests = new RandomRequests(random);
  const connection = await stranger();
  const mutations = NAMES.filter((name) => operations[name].kind === 'mutation');
  const before = [leader.replica?.end, await digest(leader)];
  for (let round = 0; round < 400; round++) {
    const name = random.pick(mutations);
    const body = requests.of(name, (field) => (field === 'clientId' ? 77_777 + random.below(2 ** 41) : undefined));
    const outcome = await outcomeOf(connection, name, body);
    expect(['invalid_argument', 'session_expired'], `seed=${SEED} method=${name} body=${body.toString('hex')}`).toContain(outcome);
  }
  expect([leader.replica?.end, await digest(leader)]).toEqual(before);
});

test('frames that break off, of no kind, out of turn: cost their own connection, and nothing else', { timeout: 60_000 }, async () => {
  const random = new SeededRandom(SEED, 'frames');
  const requests = new RandomRequests(random);
  const network = cluster.network.host('stranger');
  for (let round = 0; round < 300; round++) {
    const frames = Array.from({ length: 1 + random.below(4) }, (_, at) => {
      const name = random.pick(NAMES.filter((each) => operations[each].kind !== 'mutation'));
      const body = Uint8Array.from(requests.of(name, () => undefined));
      return Buffer.from(request(random.chance(0.9) ? at + 1 : 1, operations[name].method, body));
    });
    const bytes = Buffer.concat([random.chance(0.9) ? HELLO : Buffer.alloc(0), ...frames]);
    const mutated = random.chance(0.7) ? mutate(bytes, random, [bytes, Buffer.from(encoded(bareFrame(KIND.end, 1)))]) : bytes;
    const stream = await network.connect('m1:19998', AbortSignal.timeout(5_000));
    stream.listen({ data: () => undefined, lent: () => undefined, drained: () => undefined, closed: () => undefined });
    for (let at = 0; at < mutated.length; ) {
      const size = 1 + random.below(mutated.length);
      stream.write(Uint8Array.from(mutated.subarray(at, at + size)));
      at += size;
    }
    if (random.chance(0.5)) stream.end();
    else stream.destroy();
    if (round % 50 === 49) await stillServes(`seed=${SEED} round=${round}`);
  }
  await expect.poll(() => leader.connections, { timeout: 8_000 }).toBeLessThan(20);
  await digestsAgree();
});
