/** The journal on a real S3 server behind a network that loses, delays, repeats and refuses. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { type Batch, type ChainPoint, endOf, GENESIS, type Journal } from '../../src/journal/journal.js';
import {
  bytesOf,
  claim,
  errorOf,
  type JournalWorld,
  journalContract,
  OBJECT_TRAITS,
  readTo,
  textOf,
} from '../contract/journal-contract.js';
import { type S3Server, startS3 } from '../servers/s3.js';
import { type Fault, type ProxiedRequest, S3FaultProxy } from '../servers/s3-fault-proxy.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { newPrefix, objectWorld, SMALL } from './object-worlds.js';

const BUCKET = 'faults';
const REQUEST_TIMEOUT_MS = 1_000;

let server: S3Server;
let proxy: S3FaultProxy;

beforeAll(async () => {
  server = await startS3({ make: 'versitygw' });
  await server.createBucket(BUCKET);
  proxy = await S3FaultProxy.start(server.endpoint);
}, 60_000);
afterAll(async () => {
  await proxy.close();
  await server.close();
});

function makeWorld(): Promise<JournalWorld> {
  return objectWorld(
    { endpoint: proxy.endpoint, bucket: BUCKET, prefix: newPrefix(), requestTimeoutMs: REQUEST_TIMEOUT_MS },
    { ...SMALL, giveUpMs: 2 * REQUEST_TIMEOUT_MS },
  );
}

const isSlotPut = ({ method, path }: ProxiedRequest): boolean => method === 'PUT' && path.includes('/log/');

/** Every request meets one of these now and then; none of them lets an operation fail for good. */
const MISHAPS: readonly Fault[] = [
  { kind: 'lose request' },
  { kind: 'lose answer' },
  { kind: 'repeat' },
  { kind: 'twice late', lateMs: 30 },
  { kind: 'late', lateMs: 15 },
  { kind: 'status', status: 409 },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 503 },
];

describe('with mishaps all the time', () => {
  journalContract(
    'object journal on versitygw, one request in sixteen meets a mishap',
    async () => {
      const world = await makeWorld();
      const random = new SeededRandom(7);
      proxy.fault = () => (random.float() < 1 / 16 ? MISHAPS[Math.floor(random.float() * MISHAPS.length)] : undefined);
      return {
        open: async (pause) => insist(() => world.open(pause)),
        async [Symbol.asyncDispose]() {
          proxy.fault = undefined;
          await world[Symbol.asyncDispose]();
        },
      };
    },
    OBJECT_TRAITS,
  );
});

/** Opening asks a few times, and then gives up: the suite wants it open. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}

describe('one mishap', () => {
  let world: JournalWorld;
  const journals: Journal[] = [];
  const open = async (): Promise<Journal> => {
    const journal = await world.open();
    journals.push(journal);
    return journal;
  };
  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(async () => {
    proxy.fault = undefined;
    for (const journal of journals.splice(0)) await journal.close();
    await world[Symbol.asyncDispose]();
  });

  /** The next PUT into the log meets `fault`, once. */
  function once(fault: Fault): void {
    proxy.fault = (request) => {
      if (!isSlotPut(request)) return undefined;
      proxy.fault = undefined;
      return fault;
    };
  }

  async function logOf(to: ChainPoint, from = GENESIS): Promise<string[]> {
    return textOf(await readTo(await open(), to, from));
  }

  const survived: [string, Fault][] = [
    ['its request is lost', { kind: 'lose request' }],
    ['its answer is lost after it succeeded', { kind: 'lose answer' }],
    ['it is sent twice on the way, and told 412', { kind: 'repeat' }],
    ['it is told 409', { kind: 'status', status: 409 }],
    ['it is told 412 although nothing stands there', { kind: 'status', status: 412 }],
    ['it is told 429', { kind: 'status', status: 429 }],
    ['it is told 500', { kind: 'status', status: 500 }],
    ['it is told 503', { kind: 'status', status: 503 }],
    ['its connection breaks, and it arrives later', { kind: 'late', lateMs: 20 }],
    ['it arrives again later', { kind: 'twice late', lateMs: 20 }],
  ];
  test.each(survived)('append: %s, is committed once', async (_, fault) => {
    const { writer } = await claim(await open());
    once(fault);
    await writer.append([bytesOf('x')], 1);
    await writer.append([bytesOf('y')], 1);
    await writer.confirm();
    expect(await logOf(writer.end)).toEqual(['claim 1', 'x', 'y']);
  });

  test.each(survived)('claim: %s, is made once', async (_, fault) => {
    const before = await claim(await open());
    once(fault);
    const { writer } = await claim(await open(), before.writer.end);
    await writer.append([bytesOf('x')], 1);
    expect(await logOf(writer.end)).toEqual(['claim 1', 'claim 2', 'x']);
    expect(isError(await errorOf(before.writer.append([bytesOf('old')], 1)), 'fenced')).toBe(true);
  });

  test('append: never told anything, its outcome is unknown and the writer dead; it arrives after all, and confirms fail until a claim has applied it', async () => {
    const { writer } = await claim(await open());
    let deliver = false;
    proxy.fault = (request) => {
      if (!isSlotPut(request)) return undefined;
      const isFirst = !deliver;
      deliver = true;
      return isFirst ? { kind: 'late', lateMs: 4_000 } : { kind: 'lose request' };
    };
    expect(isError(await errorOf(writer.append([bytesOf('late')], 1)), 'outcome_unknown')).toBe(true);
    expect(writer.dead.aborted).toBe(true);
    await writer.confirm();
    proxy.fault = undefined;
    await expect.poll(async () => isError(await errorOfOrNone(writer.confirm()), 'outcome_unknown'), { timeout: 8_000 }).toBe(true);
    const next = await claim(await open());
    expect(textOf(next.delivered)).toEqual(['claim 1', 'late', 'claim 2']);
    expect(isError(await errorOf(writer.confirm()), 'fenced')).toBe(true);
    await next.writer.confirm();
  });

  test('append: fenced, and its request arrives again after its successor has written, changes nothing', async () => {
    const { writer } = await claim(await open());
    proxy.fault = (request) => (isSlotPut(request) ? { kind: 'late', lateMs: 300 } : undefined);
    const late = writer.append([bytesOf('old')], 1);
    late.catch(() => undefined);
    await expect.poll(() => proxy.requests.filter(isSlotPut).length).toBeGreaterThan(0);
    proxy.fault = undefined;
    const next = await claim(await open());
    await next.writer.append([bytesOf('new')], 1);
    await late.catch(() => undefined);
    await expect.poll(() => proxy.isQuiet).toBe(true);
    const log = await logOf(next.writer.end);
    expect(log.slice(-2)).toEqual(['claim 2', 'new']);
    expect(isError(await errorOf(writer.append([bytesOf('ghost')], 1)), 'fenced')).toBe(true);
  });

  test('append: refused for want of rights, nothing happened and the writer lives on', async () => {
    const { writer } = await claim(await open());
    once({ kind: 'status', status: 403 });
    expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'unavailable')).toBe(true);
    await writer.append([bytesOf('y')], 1);
    expect(await logOf(writer.end)).toEqual(['claim 1', 'y']);
  });

  test('read: refused for want of rights, says unavailable, for rights come back', async () => {
    const { writer } = await claim(await open());
    const reader = await open();
    proxy.fault = ({ method }) => (method === 'GET' ? { kind: 'status', status: 403 } : undefined);
    expect(isError(await errorOf(readTo(reader, writer.end)), 'unavailable')).toBe(true);
    proxy.fault = undefined;
    expect(textOf(await readTo(reader, writer.end))).toEqual(['claim 1']);
  });

  test('confirm: while appends fly, sends no request of its own', async () => {
    const { writer } = await claim(await open());
    proxy.requests.length = 0;
    let flying = writer.append([bytesOf('0')], 1);
    const confirms: Promise<void>[] = [];
    for (let i = 1; i <= 20; i++) {
      confirms.push(writer.confirm());
      await flying;
      flying = writer.append([bytesOf(String(i))], 1);
    }
    await flying;
    await Promise.all(confirms);
    expect(proxy.requests.filter(({ method, path }) => method === 'GET' && path.includes('/log/'))).toHaveLength(0);
    await Promise.all([writer.confirm(), writer.confirm(), writer.confirm()]);
    expect(proxy.requests.filter(({ method, path }) => method === 'GET' && path.includes('/log/')).length).toBeLessThanOrEqual(2);
  });

  test('claim: against a leader that never rests, wins by an intent', async () => {
    const { writer } = await claim(await open());
    let appended = 0;
    const busy = (async () => {
      for (; ; appended++) await writer.append([bytesOf(`b${appended}`)], 1);
    })();
    busy.catch(() => undefined);
    await expect.poll(() => appended).toBeGreaterThan(20);
    proxy.putDelayMs = 0;
    const next = await claim(await open());
    expect(next.writer.epoch).toBe(2);
    expect(isError(await errorOf(busy), 'fenced')).toBe(true);
    const acknowledged = textOf(next.delivered).filter((text) => text.startsWith('b'));
    expect(acknowledged.length).toBeGreaterThanOrEqual(appended);
  });

  test('read: answers that are cut or lost, yields every batch once and in order', async () => {
    const { writer } = await claim(await open());
    for (let i = 0; i < 60; i++) await writer.append([bytesOf(`x${i}`)], 1);
    const random = new SeededRandom(3);
    proxy.fault = ({ method }) => (method === 'GET' && random.float() < 0.2 ? { kind: 'lose answer' } : undefined);
    const batches: Batch[] = await readTo(await open(), writer.end);
    expect(textOf(batches)).toEqual(['claim 1', ...Array.from({ length: 60 }, (_, i) => `x${i}`)]);
    expect(endOf(batches.at(-1)!).sn).toBe(writer.end.sn);
  });
});

async function errorOfOrNone(promise: Promise<unknown>): Promise<Error | undefined> {
  return promise.then(
    () => undefined,
    (error: Error) => error,
  );
}
