import { beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { deferred } from '../../src/base/wait.js';
import type { Retention } from '../../src/journal/checkpoints.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import { type Batch, type ChainPoint, endOf, GENESIS, type JournalWriter } from '../../src/journal/journal.js';
import type { StepHook } from '../../src/journal/journal-step.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import { parseObject, type SlotObject } from '../../src/journal/object-format.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { type ObjectJournalDeps, slotOf } from '../../src/journal/object-layout.js';
import {
  bytesOf,
  chunksOf,
  claim,
  errorOf,
  type JournalWorld,
  journalContract,
  OBJECT_TRAITS,
  textOf,
} from '../contract/journal-contract.js';
import { retentionContract } from '../contract/retention-contract.js';
import { VirtualTime } from '../simulation/virtual-time.js';

const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
const settings = { batchBytesMax: 32 << 10, pollIntervalMs: 1, giveUpMs: 2_000 };

async function makeWorld(): Promise<JournalWorld> {
  const objects = new MemoryObjects({ clock: systemClock });
  await formatObjectJournal(settings, { ...surroundings, store: objects.open() });
  return {
    open: (pause) => ObjectJournal.open(settings, { ...surroundings, store: objects.open(), ...(pause === undefined ? {} : { pause }) }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

journalContract('object journal in memory', makeWorld, OBJECT_TRAITS);
retentionContract('object journal in memory', makeWorld, OBJECT_TRAITS);

// A claim that lost its slot may land there once the slot has been collected. What stands between two objects of one writer is deleted as its
// batches: were that claim one of its objects, other masters' claims would be among them.
test('claim: sent for a second slot, is another writer than the first', async () => {
  const objects = new MemoryObjects({ clock: systemClock });
  await formatObjectJournal(settings, { ...surroundings, store: objects.open() });
  await using leading = await ObjectJournal.open(settings, { ...surroundings, store: objects.open() });
  const claim = { from: GENESIS, entry: () => ({ bytes: Buffer.from('claim'), timeMs: 1 }), deliver: () => undefined };
  const leader = await leading.claim(claim);

  const sent: SlotObject[] = [];
  const store = objects.open();
  const create = store.create.bind(store);
  store.create = (key, bytes, signal) => {
    if (key.includes('/log/')) sent.push(parseObject(Buffer.from(bytes), key));
    return create(key, bytes, signal);
  };
  let isFirst = true;
  const pause = async (step: string): Promise<void> => {
    if (step !== 'read' || !isFirst) return;
    isFirst = false;
    await leader.append([Buffer.from('the leader is faster')], 2);
  };
  await using standing = await ObjectJournal.open(settings, { ...surroundings, store, pause });
  await (await standing.claim(claim)).close();

  expect(sent.map(({ slot }) => slot)).toEqual([2, 3]);
  expect(new Set(sent.map(({ stored }) => Buffer.from(stored.writerId).toString('hex'))).size).toBe(2);
});

let objects: MemoryObjects;
beforeEach(async () => {
  objects = new MemoryObjects({ clock: systemClock });
  await formatObjectJournal(settings, deps());
});

const deps = (): ObjectJournalDeps => ({ ...surroundings, store: objects.open() });
const open = (pause?: StepHook): Promise<ObjectJournal> =>
  ObjectJournal.open(settings, { ...deps(), ...(pause === undefined ? {} : { pause }) });
const slots = (): number[] =>
  [...objects.objects.keys()]
    .filter((key) => key.includes('/log/'))
    .map(slotOf)
    .sort((a, b) => a - b);
const keyOfSlot = (slot: number): string => [...objects.objects.keys()].find((key) => key.includes('/log/') && slotOf(key) === slot) ?? '';

/** Appends `count` batches of one entry. */
async function appendMany(writer: JournalWriter, count: number, name: string): Promise<void> {
  for (let i = 1; i <= count; i++) await writer.append([bytesOf(`${name}${i}`)], 1);
}

/** Keeps a checkpoint as of the writer's end, and makes that the boundary. */
async function collectTo(journal: ObjectJournal, writer: JournalWriter): Promise<Retention> {
  const point = { sn: writer.end.sn, hash: Uint8Array.from(writer.end.hash) };
  const { bytes: _, ...checkpoint } = await journal.checkpoints.write(point.sn, chunksOf([bytesOf('state')]));
  const retention = { checkpoints: [checkpoint], boundary: { epoch: writer.epoch, point } };
  await writer.append([bytesOf('retention')], 1);
  await writer.retain(retention);
  return retention;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await errorOf(work);
  return isError(error) ? error.code : `none: ${error.message}`;
}

async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}

const readFrom = async (journal: ObjectJournal, from: ChainPoint, batches: Batch[] = []): Promise<Batch[]> => {
  const done = new AbortController();
  for await (const batch of journal.read({ from, signal: done.signal, onIdle: () => done.abort() })) batches.push(batch);
  return batches;
};

describe('object journal: claims', () => {
  test('20 at once, again and again: at most one can append each time, and the log is one chain', async () => {
    for (let round = 0; round < 5; round++) {
      const claims = await Promise.allSettled(Array.from({ length: 20 }, async () => claim(await open())));
      const writers = claims.flatMap((one) => (one.status === 'fulfilled' ? [one.value.writer] : []));
      expect(writers.length).toBeGreaterThan(0);
      for (const one of claims) if (one.status === 'rejected') expect(isError(one.reason, 'fenced'), String(one.reason)).toBe(true);
      const appends = await Promise.allSettled(writers.map((writer) => writer.append([bytesOf(`${round} by ${writer.epoch}`)], 1)));
      expect(appends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
    const log = textOf(await readFrom(await open(), GENESIS));
    expect(log.filter((text) => text.includes('by'))).toHaveLength(5);
  });

  test('an intent of a claimant that died: a busy leader is held up for two seconds at most, a few times, and the intent is gone', async () => {
    const time = new VirtualTime();
    const bucket = new MemoryObjects({ clock: time, latencyMs: 2 });
    const there = { ...surroundings, clock: time };
    const run = async <T>(work: Promise<T>): Promise<T> => {
      let isDone = false;
      const done = () => {
        isDone = true;
      };
      work.then(done, done);
      await time.run(Number.POSITIVE_INFINITY, () => !isDone);
      return work;
    };
    const { incarnationId } = await run(formatObjectJournal(settings, { ...there, store: bucket.open() }));
    const journal = await run(ObjectJournal.open(settings, { ...there, store: bucket.open() }));
    const { writer } = await run(claim(journal));
    const intent = `${incarnationId}/intent/${'1'.padStart(20, '0')}-0123456789abcdef`;
    bucket.objects.set(intent, Buffer.alloc(0));
    let longestMs = 0;
    let heldUntilMs = 0;
    while (time.monotonicMs() < 30_000) {
      const fromMs = time.monotonicMs();
      await run(writer.append([bytesOf('x')], 1));
      const tookMs = time.monotonicMs() - fromMs;
      if (tookMs > 100) heldUntilMs = time.monotonicMs();
      longestMs = Math.max(longestMs, tookMs);
    }
    expect(bucket.objects.has(intent)).toBe(false);
    expect(longestMs).toBeGreaterThan(1_900);
    expect(longestMs).toBeLessThan(2_500);
    expect(heldUntilMs).toBeLessThan(8_000);
    await run(journal.close());
  });

  test('lands in a slot that was collected meanwhile: gives up, and no reader believes it', async () => {
    const a = await open();
    const { writer } = await claim(a);
    const behind = { ...writer.end };
    const standby = await open();
    expect(textOf(await readFrom(standby, GENESIS))).toEqual(['claim 1']); // knows where that stands
    const held = deferred<void>();
    const sent = deferred<void>();
    objects.intercept = ({ operation, key, name }) => {
      if (name !== 'late' || operation !== 'create' || !key.includes('/log/')) return undefined;
      sent.resolve();
      return held.promise.then(() => undefined);
    };
    const late = await ObjectJournal.open(settings, { ...surroundings, store: objects.open('late') });
    const claiming = claim(late, behind);
    claiming.catch(() => undefined);
    await sent.promise;
    await appendMany(writer, 5, 'x');
    await collectTo(a, writer);
    expect(slots()).toEqual([1, 7]);
    held.resolve();
    expect(await codeOf(claiming)).toBe('out_of_range');
    expect(slots()).toEqual([1, 2, 7]);
    const believed: Batch[] = [];
    expect(await codeOf(readFrom(standby, behind, believed))).toBe('out_of_range');
    expect(await codeOf(readFrom(await open(), behind, believed))).toBe('out_of_range');
    expect(believed).toEqual([]);
    expect(await codeOf(claim(await open(), behind))).toBe('out_of_range');
    await writer.append([bytesOf('y')], 1);
  });

  test('of a fenced writer, after its successor was collected: its slot is still taken', async () => {
    const a = await open();
    const old = await claim(a);
    const b = await open();
    const next = await claim(b);
    await appendMany(next.writer, 4, 'x');
    await collectTo(b, next.writer);
    expect(slots()).toEqual([1, 2, 7]);
    expect(await codeOf(old.writer.append([bytesOf('ghost')], 1))).toBe('fenced');
  });

  test('where an object of the log is missing, and later ones stand: corrupt, and nothing is written there', async () => {
    const { writer } = await claim(await open());
    await appendMany(writer, 5, 'x');
    objects.objects.delete(keyOfSlot(4));
    expect(await codeOf(claim(await open()))).toBe('corrupt');
    expect(await codeOf(readFrom(await open(), GENESIS))).toBe('corrupt');
    expect(slots()).toEqual([1, 2, 3, 5, 6]);
  });

  test('where an object of the log is damaged: corrupt, which names it', async () => {
    const { writer } = await claim(await open());
    await appendMany(writer, 3, 'x');
    const sound = objects.objects.get(keyOfSlot(3))!;
    for (const at of [0, 20, 40, 60, sound.length - 1]) {
      const damaged = Buffer.from(sound);
      damaged[at]! ^= 4;
      objects.objects.set(keyOfSlot(3), damaged);
      const error = await errorOf(readFrom(await open(), GENESIS));
      expect(isError(error, 'corrupt')).toBe(true);
      expect(error.message).toContain(keyOfSlot(3));
      expect(await codeOf(claim(await open()))).toBe('corrupt');
    }
    objects.objects.set(keyOfSlot(3), objects.objects.get(keyOfSlot(2))!);
    expect(await codeOf(readFrom(await open(), GENESIS))).toBe('corrupt');
  });
});

test('object journal: a damaged object behind which a master has applied everything, stops neither its reads nor its claim', async () => {
  const { writer } = await claim(await open());
  await appendMany(writer, 40, 'x');
  const points = (await readFrom(await open(), GENESIS)).map(endOf);
  // Where a search for the 41st of 41 slots looks first, and next to it.
  for (const slot of [21, 22]) objects.objects.get(keyOfSlot(slot))![60]! ^= 1;
  for (const sn of [23, 30, 40]) {
    expect(textOf(await readFrom(await open(), points[sn - 1]!))).toHaveLength(41 - sn);
  }
  expect(await codeOf(readFrom(await open(), GENESIS))).toBe('corrupt');
  for (const sn of [19, 20, 21]) expect(await codeOf(readFrom(await open(), points[sn - 1]!))).toBe('corrupt');
  expect(await codeOf(readFrom(await open(), { sn: points[29]!.sn, hash: new Uint8Array(32) }))).toMatch(/corrupt|diverged/);
  expect((await claim(await open(), points[40]!)).writer.epoch).toBe(2);
});

describe('object journal: the last object cannot be read, the ones before it can', () => {
  const readIdle = async (journal: ObjectJournal): Promise<{ idle: number; error: Error }> => {
    let idle = 0;
    const done = new AbortController();
    const onIdle = () => {
      idle += 1;
      done.abort();
    };
    return { error: await errorOf(drain(journal.read({ from: GENESIS, signal: done.signal, onIdle }))), idle };
  };

  test('damaged: corrupt, and never taken for the end of the log', async () => {
    const { writer } = await claim(await open());
    await appendMany(writer, 2, 'x');
    objects.objects.get(keyOfSlot(3))![60]! ^= 1;
    const { idle, error } = await readIdle(await open());
    expect([idle, isError(error, 'corrupt')]).toEqual([0, true]);
  });

  test('not answered: unavailable, and never taken for the end of the log', async () => {
    const { writer } = await claim(await open());
    await appendMany(writer, 2, 'x');
    const last = keyOfSlot(3);
    objects.intercept = ({ operation, key }) => (operation === 'get' && key === last ? { kind: 'lost' } : undefined);
    const { idle, error } = await readIdle(await open());
    expect([idle, isError(error, 'unavailable')]).toEqual([0, true]);
  });
});

describe('object journal: collection', () => {
  test('deletes batches and old checkpoints, keeps claims, and what follows is read from the boundary on', async () => {
    let end: ChainPoint = GENESIS;
    const retained: Retention[] = [];
    for (let epoch = 1; epoch <= 4; epoch++) {
      const journal = await open();
      const { writer } = await claim(journal, end);
      await appendMany(writer, 10, `e${epoch}-`);
      if (epoch % 2 === 0) retained.push(await collectTo(journal, writer));
      end = writer.end;
    }
    // Claims of epochs 1 to 4, and what stands at and behind the last boundary.
    expect(slots()).toEqual([1, 12, 24, 35, 46]);
    const reader = await open();
    const newest = retained[1]!;
    expect(await reader.checkpoints.published()).toEqual(newest);
    expect(textOf(await readFrom(reader, newest.boundary!.point))).toEqual(['retention']);
    expect(await codeOf(readFrom(await open(), GENESIS))).toBe('out_of_range');
    expect(await codeOf(drain(reader.checkpoints.read(retained[0]!.checkpoints[0]!)))).toBe('not_found');
    const next = await claim(await open(), newest.boundary!.point);
    expect(next.writer.epoch).toBe(5);
  });

  test('a confirm of a writer whose batch landed unknown to it, was built upon and collected: fails', async () => {
    const a = await open();
    const { writer } = await claim(a);
    objects.intercept = ({ key, operation }) => (operation === 'create' && key.includes('/log/') ? { kind: 'answer lost' } : undefined);
    const looks = objects.intercept;
    objects.intercept = (request) => (request.operation === 'get' && request.key.includes('/log/') ? { kind: 'lost' } : looks(request));
    expect(await codeOf(writer.append([bytesOf('landed')], 1))).toBe('outcome_unknown');
    objects.intercept = undefined;
    expect(await codeOf(writer.confirm())).toBe('outcome_unknown');
    const b = await open();
    const next = await claim(b);
    expect(textOf(next.delivered)).toEqual(['claim 1', 'landed', 'claim 2']);
    expect(await codeOf(writer.confirm())).toBe('fenced');
    await appendMany(next.writer, 3, 'x');
    await collectTo(b, next.writer);
    expect(slots()).toEqual([1, 3, 7]);
    expect(await codeOf(writer.confirm())).toBe('fenced');
  });

  test('interrupted anywhere, the next one finishes it', async () => {
    const a = await open();
    const { writer } = await claim(a);
    await appendMany(writer, 30, 'x');
    let deletions = 0;
    objects.intercept = ({ operation, key }) =>
      operation === 'delete' && key.includes('/log/') && ++deletions > 7 ? { kind: 'refused' } : undefined;
    const point = { sn: writer.end.sn, hash: Uint8Array.from(writer.end.hash) };
    expect(await codeOf(collectTo(a, writer))).toBe('unavailable');
    objects.intercept = undefined;
    expect(slots().length).toBeGreaterThan(2);
    const b = await open();
    const next = await claim(b, point);
    await collectTo(b, next.writer);
    expect(slots()).toEqual([1, 33, 34]);
  });
});

test('read: stopped at the end for long, and all behind it collected meanwhile: out_of_range, and not idle before', async () => {
  const journal = await open();
  const { writer } = await claim(journal);
  let sleptMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + sleptMs };
  await using sleeper = await ObjectJournal.open(settings, { ...surroundings, clock, store: objects.open('sleeper') });
  const idle = deferred<void>();
  let idles = 0;
  const reading = errorOf(
    drain(sleeper.read({ from: GENESIS, signal: AbortSignal.timeout(5_000), onIdle: () => ++idles === 2 && idle.resolve() })),
  );
  await idle.promise;
  // Its next look comes when all this has been done.
  const held = deferred<void>();
  objects.intercept = ({ operation, key, name }) =>
    name === 'sleeper' && operation === 'get' && key.includes('/log/') ? held.promise.then(() => undefined) : undefined;
  await appendMany(writer, 3, 'x');
  await collectTo(journal, writer);
  sleptMs = 3_600_000;
  const before = idles;
  held.resolve();
  expect(isError(await reading, 'out_of_range')).toBe(true);
  expect(idles).toBe(before);
});

describe('object journal: format', () => {
  test('a store that ignores conditions, or keeps versions, is refused by format and claim', async () => {
    for (const [unfit, message] of [
      [{ honoursConditions: false }, /ignores "If-None-Match/],
      [{ isVersioned: true }, /keeps old versions/],
    ] as const) {
      const bucket = new MemoryObjects({ clock: systemClock, ...unfit });
      const error = await errorOf(formatObjectJournal(settings, { ...surroundings, store: bucket.open() }));
      expect(isError(error, 'failed_precondition')).toBe(true);
      expect(error.message).toMatch(message);
      bucket.objects.set('FORMAT', objects.objects.get('FORMAT')!);
      const journal = await ObjectJournal.open(settings, { ...surroundings, store: bucket.open() });
      expect(await codeOf(claim(journal))).toBe('failed_precondition');
      expect([...bucket.objects.keys()].filter((key) => key.includes('/log/'))).toEqual([]);
    }
  });

  test('where there is a journal, or the rest of one, is refused; by force its leader is fenced and its claims stay', async () => {
    const { writer } = await claim(await open());
    await appendMany(writer, 3, 'x');
    expect(await codeOf(formatObjectJournal(settings, deps()))).toBe('already_exists');
    const format = objects.objects.get('FORMAT')!;
    objects.objects.delete('FORMAT');
    expect(await codeOf(formatObjectJournal(settings, deps()))).toBe('already_exists');
    objects.objects.set('FORMAT', format);
    const before = await open();
    await formatObjectJournal(settings, deps(), { force: { entry: () => ({ bytes: bytesOf('format'), timeMs: 1 }) } });
    expect(await codeOf(writer.append([bytesOf('late')], 1))).toBe('fenced');
    expect(slots()).toEqual([1, 5]);
    expect((await errorOf(claim(before))).message).toMatch(/formatted anew/);
    const anew = await open();
    expect(anew.incarnationId).not.toBe(before.incarnationId);
    expect(textOf((await claim(anew)).delivered)).toEqual(['claim 1']);
  });

  test('a leader whose FORMAT is another now, or gone, dies', async () => {
    const { writer } = await claim(await open());
    objects.objects.delete('FORMAT');
    await expect.poll(() => writer.dead.aborted, { timeout: 3_000 }).toBe(true);
    expect(isError(writer.dead.reason, 'unavailable')).toBe(true);
  });

  test('of another cluster, of a later version, or none: open says so', async () => {
    expect(await codeOf(ObjectJournal.open({ ...settings, clusterId: 'other' }, deps()))).toBe('failed_precondition');
    objects.objects.delete('FORMAT');
    expect((await errorOf(open())).message).toMatch(/format it first: location=memory/);
  });
});
