/** What every implementation of the journal seam keeps, run by each one's test file over a store of its own. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { type Sequence, sequence } from '../../src/base/ids.js';
import { deferred } from '../../src/base/wait.js';
import type { CheckpointRef } from '../../src/journal/checkpoints.js';
import { type Batch, type ChainPoint, endOf, GENESIS, type Journal, type JournalWriter } from '../../src/journal/journal.js';
import type { JournalStep, StepHook } from '../../src/journal/journal-step.js';

/** One empty store, which several handles share as several masters would. `batchBytesMax` is 32 KiB. */
export interface JournalWorld extends AsyncDisposable {
  open(pause?: StepHook): Promise<Journal>;
}

/** What differs from storage to storage. */
export interface JournalTraits {
  /** Where a claimant can be held up. */
  readonly steps: readonly JournalStep[];
  /**
   * What supersedes a writer: a page that it reads after each write, so that what is durable may yet be its successor's to decide; or the
   * object in its next slot, so that what stands is committed.
   */
  readonly fence: 'page' | 'slot';
  /** An append fails here before anything was written or fenced. */
  readonly failingStep: JournalStep;
}

export const DIRECTORY_TRAITS: JournalTraits = {
  steps: ['taken', 'fenced', 'read', 'copied', 'slotted', 'durable'],
  fence: 'page',
  failingStep: 'durable',
};
export const OBJECT_TRAITS: JournalTraits = { steps: ['read', 'durable'], fence: 'slot', failingStep: 'sealed' };

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

/** @returns the entries of the batches as text. */
export function textOf(batches: readonly Batch[]): string[] {
  return batches.flatMap((batch) => batch.entries.map((entry) => Buffer.from(entry).toString()));
}

/** Claims with the entry `claim <epoch>`. */
export async function claim(journal: Journal, from: ChainPoint = GENESIS): Promise<{ writer: JournalWriter; delivered: Batch[] }> {
  const delivered: Batch[] = [];
  const writer = await journal.claim({
    from,
    entry: (epoch) => ({ bytes: bytesOf(`claim ${epoch}`), timeMs: 1000 + epoch }),
    deliver: (batch) => void delivered.push(batch),
  });
  return { writer, delivered };
}

/** @returns all committed batches behind `from`, once the reader has found no more. */
async function readAll(journal: Journal, from: ChainPoint = GENESIS): Promise<Batch[]> {
  const abort = new AbortController();
  const batches: Batch[] = [];
  for await (const batch of journal.read({ from, signal: abort.signal, onIdle: () => abort.abort() })) batches.push(batch);
  return batches;
}

/** @returns the committed batches behind `from` up to `to`, and what follows it at once: the last commit's mark is a few milliseconds late. */
export async function readTo(journal: Journal, to: ChainPoint, from: ChainPoint = GENESIS): Promise<Batch[]> {
  const late = AbortSignal.timeout(5000);
  const done = new AbortController();
  const batches: Batch[] = [];
  let reached = from.sn >= to.sn;
  const onIdle = (): void => {
    if (reached) done.abort();
  };
  for await (const batch of journal.read({ from, signal: AbortSignal.any([late, done.signal]), onIdle })) {
    batches.push(batch);
    reached = endOf(batch).sn >= to.sn;
  }
  expect(reached, `read to ${to.sn} in time`).toBe(true);
  return batches;
}

/** A hook that holds the first caller of `step` up until `release`. */
export function stallAt(step: JournalStep): {
  pause: StepHook;
  reached: Promise<void>;
  release(): void;
  fail(error: Error): void;
  arm(): void;
} {
  const reached = deferred<void>();
  const gate = deferred<void>();
  gate.promise.catch(() => undefined);
  let armed = true;
  const pause: StepHook = (at) => {
    if (at !== step || !armed) return undefined;
    armed = false;
    reached.resolve();
    return gate.promise;
  };
  return {
    pause,
    reached: reached.promise,
    release: () => gate.resolve(),
    fail: (error) => gate.reject(error),
    arm: () => {
      armed = true;
    },
  };
}

/** A promise's error; fails the test where there is none. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('no error was thrown');
}

export async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Where the writer's chain stands, with a hash that compares equal to one that was read. */
export function pointOf({ end }: JournalWriter): ChainPoint {
  return { sn: end.sn, hash: Uint8Array.from(end.hash) };
}

export async function contentOf(journal: Journal, checkpoint: CheckpointRef): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of journal.checkpoints.read(checkpoint)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function checkChain(batches: readonly Batch[], from: ChainPoint = GENESIS): void {
  let at = from;
  for (const batch of batches) {
    expect(batch.firstSn).toBe(at.sn + 1);
    expect(Buffer.compare(batch.previousHash, at.hash)).toBe(0);
    at = endOf(batch);
  }
}

export function journalContract(name: string, make: () => Promise<JournalWorld>, traits: JournalTraits = DIRECTORY_TRAITS): void {
  const { steps, fence, failingStep } = traits;
  describe(`${name}: the journal contract`, () => {
    let world: JournalWorld;
    const journals: Journal[] = [];
    const open = async (pause?: StepHook): Promise<Journal> => {
      const journal = await world.open(pause);
      journals.push(journal);
      return journal;
    };
    beforeEach(async () => {
      world = await make();
    });
    afterEach(async () => {
      for (const journal of journals.splice(0)) await journal.close();
      await world[Symbol.asyncDispose]();
    });

    test('claim: of an empty journal, makes epoch 1 and delivers its own batch', async () => {
      const { writer, delivered } = await claim(await open());
      expect(writer.epoch).toBe(1);
      expect(textOf(delivered)).toEqual(['claim 1']);
      expect(writer.end).toEqual(endOf(delivered[0]!));
      expect(delivered[0]?.timeMs).toBe(1001);
    });

    test('claim: again and again, each delivers what the claimant lacks, in order', async () => {
      const [a, b, c] = [await open(), await open(), await open()];
      const first = await claim(a);
      await first.writer.append([bytesOf('a1'), bytesOf('a2')], 2000);
      const second = await claim(b, first.writer.end);
      expect(textOf(second.delivered)).toEqual(['claim 2']);
      await second.writer.append([bytesOf('b1')], 3000);
      const third = await claim(c, endOf(first.delivered[0]!));
      expect(textOf(third.delivered)).toEqual(['a1', 'a2', 'claim 2', 'b1', 'claim 3']);
      checkChain([...first.delivered, ...third.delivered]);
      expect(third.writer.epoch).toBe(3);
      expect(textOf(await readTo(a, third.writer.end))).toEqual(['claim 1', 'a1', 'a2', 'claim 2', 'b1', 'claim 3']);
    });

    test('claim: by the same handle that holds a writer, supersedes it', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      const next = await claim(journal, writer.end);
      expect(next.writer.epoch).toBe(2);
      expect(isError(await errorOf(writer.append([bytesOf('late')], 1)), 'fenced')).toBe(true);
      expect(writer.dead.aborted).toBe(true);
    });

    test('claim: its time is not before that of what it adopts', async () => {
      const [a, b] = [await open(), await open()];
      const { writer } = await claim(a);
      await writer.append([bytesOf('x')], 99_000);
      let notBefore = 0;
      const delivered: Batch[] = [];
      await b.claim({
        from: GENESIS,
        entry: (_, notBeforeMs) => {
          notBefore = notBeforeMs;
          return { bytes: bytesOf('c'), timeMs: 5 };
        },
        deliver: (batch) => void delivered.push(batch),
      });
      expect(notBefore).toBe(99_000);
      expect(delivered.at(-1)?.timeMs).toBe(99_000);
    });

    test('claim: the receiver throws, the claim is given up with that error', async () => {
      const journal = await open();
      await claim(journal);
      const failing = journal.claim({
        from: GENESIS,
        entry: () => ({ bytes: bytesOf('c'), timeMs: 1 }),
        deliver: () => {
          throw new TypeError('receiver');
        },
      });
      expect((await errorOf(failing)).message).toContain('receiver');
      expect((await claim(journal)).writer.epoch).toBeGreaterThan(1);
    });

    test('claim: two at once, at most one of the two can append', async () => {
      for (let round = 0; round < 10; round++) {
        const [a, b] = [await open(), await open()];
        const claims = await Promise.allSettled([claim(a), claim(b)]);
        const writers = claims.flatMap((one) => (one.status === 'fulfilled' ? [one.value.writer] : []));
        for (const one of claims) if (one.status === 'rejected') expect(isError(one.reason, 'fenced')).toBe(true);
        const appends = await Promise.allSettled(writers.map((writer) => writer.append([bytesOf(`by ${writer.epoch}`)], 1)));
        const appended = writers.filter((_, i) => appends[i]?.status === 'fulfilled');
        expect(appended.length).toBeLessThanOrEqual(1);
        for (const writer of appended) {
          const log = textOf(await readTo(a, writer.end));
          expect(log.filter((text) => text === `by ${writer.epoch}`)).toHaveLength(1);
        }
      }
    });

    for (const step of steps) {
      test(`claim: stalls after "${step}" while another claims, is fenced when it wakes`, async () => {
        const seed = await claim(await open());
        await seed.writer.append([bytesOf('before')], 1);
        const stall = stallAt(step);
        const stalled = claim(await open(stall.pause));
        stalled.catch(() => undefined);
        await stall.reached;
        const b = await claim(await open());
        await b.writer.append([bytesOf('b1')], 1);
        stall.release();
        // Where a claim that stands is one, its writer learns with its first append or confirm that it has been superseded.
        const woken = fence === 'slot' && step === 'durable' ? (await stalled).writer : undefined;
        if (woken === undefined) expect(isError(await errorOf(stalled), 'fenced')).toBe(true);
        else {
          expect(isError(await errorOf(woken.confirm()), 'fenced')).toBe(true);
          expect(isError(await errorOf(woken.append([bytesOf('ghost')], 1)), 'fenced')).toBe(true);
        }
        await b.writer.append([bytesOf('b2')], 1);
        const log = textOf(await readTo(await open(), b.writer.end));
        const stood = step === 'durable' ? ['claim 2'] : [];
        expect(log).toEqual(['claim 1', 'before', ...stood, `claim ${b.writer.epoch}`, 'b1', 'b2']);
      });

      test(`claim: dies after "${step}", the next one takes over`, async () => {
        const seed = await claim(await open());
        await seed.writer.append([bytesOf('before')], 1);
        const stall = stallAt(step);
        const dying = claim(await open(stall.pause));
        stall.fail(new Error('died'));
        await errorOf(dying);
        const next = await claim(await open());
        expect(textOf(next.delivered).filter((text) => !text.startsWith('claim'))).toEqual(['before']);
        await next.writer.append([bytesOf('after')], 1);
        const log = textOf(await readTo(await open(), next.writer.end));
        expect(log.filter((text) => !text.startsWith('claim'))).toEqual(['before', 'after']);
      });
    }

    test('claim: many die one after the other, what was acknowledged stays', async () => {
      const seed = await claim(await open());
      for (let i = 0; i < 5; i++) await seed.writer.append([bytesOf(`x${i}`)], 1);
      for (let i = 0; i < 8; i++) {
        const stall = stallAt(steps[(i * 5) % steps.length]!);
        const dying = claim(await open(stall.pause));
        stall.fail(new Error('died'));
        await errorOf(dying);
      }
      const { delivered, writer } = await claim(await open());
      expect(textOf(delivered).filter((text) => text.startsWith('x'))).toEqual(['x0', 'x1', 'x2', 'x3', 'x4']);
      checkChain(delivered);
      expect(textOf(await readTo(await open(), writer.end))).toEqual(textOf(delivered));
      if (fence === 'page') expect(writer.epoch).toBe(10);
    });

    const whatFollows = fence === 'page' ? 'and the writer is fenced' : 'it is committed, and the next is fenced';
    test(`append: stalls when it is durable, the successor adopts it, ${whatFollows}`, async () => {
      const stall = stallAt('durable');
      const a = await open((step, epoch) => (epoch === 1 && started ? stall.pause(step, epoch) : undefined));
      let started = false;
      const { writer } = await claim(a);
      started = true;
      const late = writer.append([bytesOf('adopted')], 1);
      late.catch(() => undefined);
      await stall.reached;
      const b = await claim(await open());
      expect(textOf(b.delivered)).toEqual(['claim 1', 'adopted', 'claim 2']);
      stall.release();
      if (fence === 'page') {
        expect(isError(await errorOf(late), 'fenced')).toBe(true);
        expect(isError(writer.dead.reason, 'fenced')).toBe(true);
      } else expect((await late).sn).toBe(2);
      expect(isError(await errorOf(writer.append([bytesOf('again')], 1)), 'fenced')).toBe(true);
      expect(isError(writer.dead.reason, 'fenced')).toBe(true);
      expect(textOf(await readTo(a, b.writer.end))).toEqual(['claim 1', 'adopted', 'claim 2']);
    });

    test('append: begun after a later claim, is fenced and never part of the log', async () => {
      const { writer } = await claim(await open());
      const b = await claim(await open());
      expect(isError(await errorOf(writer.append([bytesOf('ghost')], 1)), 'fenced')).toBe(true);
      await b.writer.append([bytesOf('real')], 1);
      const c = await claim(await open());
      expect(textOf(c.delivered)).toEqual(['claim 1', 'claim 2', 'real', 'claim 3']);
      expect(textOf(await readTo(await open(), c.writer.end))).toEqual(['claim 1', 'claim 2', 'real', 'claim 3']);
    });

    test('append: overlapping another, is a defect of the caller', async () => {
      const { writer } = await claim(await open());
      const first = writer.append([bytesOf('1')], 1);
      expect(() => writer.append([bytesOf('2')], 1)).toThrow('one append at a time');
      await first;
    });

    test('append: a batch over the bound, is refused and the writer lives on', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      const big = new Uint8Array(journal.batchBytesMax);
      expect(isError(await errorOf(writer.append([big], 1)), 'resource_exhausted')).toBe(true);
      const fits = new Uint8Array(journal.batchBytesMax - 200).fill(7);
      const end = await writer.append([fits], 1);
      expect(end.sn).toBe(2);
      const batches = await readTo(journal, end);
      expect(batches[1]?.entries[0]).toEqual(Buffer.from(fits));
    });

    test('append: entries of many sizes, come back as they were', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      const written: Buffer[][] = [];
      for (let i = 0; i < 120; i++) {
        const entries = Array.from({ length: 1 + (i % 7) }, (_, k) => Buffer.alloc((i * 37 + k * 411) % 4000, i));
        await writer.append(entries, 5000 + i);
        written.push(entries);
      }
      const batches = (await readTo(await open(), writer.end)).slice(1);
      expect(batches.map((batch) => batch.entries.map((entry) => Buffer.from(entry)))).toEqual(written);
      expect(batches.map((batch) => batch.timeMs)).toEqual(written.map((_, i) => 5000 + i));
      checkChain(batches, { sn: sequence(1), hash: batches[0]!.previousHash });
    });

    test('confirm: holds until a later claim, and after a failed append too', async () => {
      const a = await open();
      const { writer } = await claim(a);
      await writer.confirm();
      const next = writer.append([bytesOf('x')], 1);
      await Promise.all([writer.confirm(), writer.confirm(), next]);
      await claim(await open());
      expect(isError(await errorOf(writer.confirm()), 'fenced')).toBe(true);
      expect(writer.dead.aborted).toBe(true);
      expect(isError(await errorOf(writer.confirm()), 'fenced')).toBe(true);
    });

    test('confirm: of a writer whose append failed, still tells', async () => {
      let fails = false;
      const a = await open((step) => (fails && step === failingStep ? Promise.reject(new Error('failed')) : undefined));
      const { writer } = await claim(a);
      fails = true;
      expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'outcome_unknown')).toBe(true);
      await writer.confirm();
      fails = false;
      expect(isError(await errorOf(writer.append([bytesOf('y')], 1)), 'outcome_unknown')).toBe(true);
      await claim(await open());
      expect(isError(await errorOf(writer.confirm()), 'fenced')).toBe(true);
    });

    // Where what stands in a slot is committed there is no such time.
    const testOfPages = fence === 'page' ? test : undefined;
    testOfPages?.('read: what is durable and not committed, is not yielded', async () => {
      let stall: ReturnType<typeof stallAt> | undefined;
      const a = await open((step, epoch) => stall?.pause(step, epoch));
      const { writer } = await claim(a);
      stall = stallAt('durable');
      const late = writer.append([bytesOf('x')], 1);
      await stall.reached;
      expect(textOf(await readTo(await open(), { sn: sequence(1), hash: new Uint8Array(32) }))).toEqual(['claim 1']);
      stall.release();
      await late;
      expect(textOf(await readTo(a, writer.end))).toEqual(['claim 1', 'x']);
    });

    testOfPages?.('read: an epoch whose claim is durable and not committed, is not followed', async () => {
      const a = await claim(await open());
      await a.writer.append([bytesOf('before')], 1);
      const reader = await open();
      await readTo(reader, a.writer.end);
      const stall = stallAt('durable');
      const stalled = claim(await open(stall.pause));
      stalled.catch(() => undefined);
      await stall.reached;
      expect(textOf(await readTo(reader, a.writer.end))).toEqual(['claim 1', 'before']);
      const c = await claim(await open());
      expect(textOf(await readTo(reader, c.writer.end))).toEqual(['claim 1', 'before', 'claim 2', 'claim 3']);
      stall.release();
      expect(isError(await errorOf(stalled), 'fenced')).toBe(true);
    });

    test('read: a follower over several epochs, gets every committed batch once and in order', async () => {
      const abort = new AbortController();
      const read: Batch[] = [];
      const follower = (async () => {
        for await (const batch of (await open()).read({ from: GENESIS, signal: abort.signal })) read.push(batch);
      })();
      const acknowledged: Sequence[] = [];
      let end = GENESIS;
      for (let epoch = 1; epoch <= 6; epoch++) {
        const { writer } = await claim(await open(), end);
        for (let i = 0; i < 25; i++) acknowledged.push((await writer.append([Buffer.alloc(2000, i)], i)).sn);
        end = writer.end;
      }
      await vi.waitFor(() => expect(read.at(-1)?.hash).toEqual(end.hash), { timeout: 5000 });
      abort.abort();
      await follower;
      checkChain(read);
      const got = new Set(read.map((batch) => endOf(batch).sn));
      expect(acknowledged.filter((sn) => !got.has(sn))).toEqual([]);
      for (const batch of [read[0]!, read[13]!, read[77]!]) {
        checkChain(await readTo(await open(), end, endOf(batch)), endOf(batch));
      }
    });

    test('read: in an empty journal, is idle and then follows', async () => {
      const journal = await open();
      const abort = new AbortController();
      const idle = vi.fn();
      const read: Batch[] = [];
      const follower = (async () => {
        for await (const batch of journal.read({ from: GENESIS, signal: abort.signal, onIdle: idle })) read.push(batch);
      })();
      await vi.waitFor(() => expect(idle).toHaveBeenCalled());
      await claim(journal);
      await vi.waitFor(() => expect(textOf(read)).toEqual(['claim 1']));
      abort.abort();
      await follower;
    });

    test('read, claim: from a position that is not on the chain, say diverged', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      await writer.append([bytesOf('1'), bytesOf('2')], 1);
      await writer.append([bytesOf('3')], 1);
      await readTo(journal, writer.end);
      const wrong = { sn: writer.end.sn, hash: new Uint8Array(32).fill(9) };
      const middle = { sn: sequence(2), hash: writer.end.hash };
      for (const from of [wrong, middle]) {
        expect(isError(await errorOf(readAll(journal, from)), 'diverged')).toBe(true);
        expect(isError(await errorOf(claim(await open(), from)), 'diverged')).toBe(true);
      }
    });

    test('read, claim: from a position beyond the end, say corrupt', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      const beyond = { sn: sequence(writer.end.sn + 5), hash: new Uint8Array(32).fill(9) };
      expect(isError(await errorOf(readAll(journal, beyond)), 'corrupt')).toBe(true);
      expect(isError(await errorOf(claim(await open(), beyond)), 'corrupt')).toBe(true);
    });

    test('checkpoint: is read back byte for byte, by any handle', async () => {
      const [a, b] = [await open(), await open()];
      const chunks = [Buffer.alloc(3_000_001, 'abc'), Buffer.alloc(0), Buffer.from('end')];
      const { bytes, ...ref } = await a.checkpoints.write(sequence(7), chunksOf(chunks));
      expect(bytes).toBe(3_000_004);
      expect(ref).toEqual({ sn: 7, id: expect.stringMatching(/^[0-9a-f]{32}$/) });
      expect(Buffer.compare(await contentOf(b, ref), Buffer.concat(chunks))).toBe(0);
      const { bytes: none, ...empty } = await b.checkpoints.write(sequence(7), chunksOf([]));
      expect(none).toBe(0);
      expect(await contentOf(a, empty)).toHaveLength(0);
    });

    test('checkpoint: that was not finished, leaves its error and nothing to find', async () => {
      const journal = await open();
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(5000, 1);
        throw new TypeError('the source failed');
      };
      expect((await errorOf(journal.checkpoints.write(sequence(1), chunks()))).message).toBe('the source failed');
      expect(await journal.checkpoints.published()).toEqual({ checkpoints: [], boundary: null });
      const unknown = { sn: sequence(1), id: '0f'.repeat(16) };
      expect(isError(await errorOf(contentOf(journal, unknown)), 'not_found')).toBe(true);
    });

    test('retain: is published, and by every later epoch too', async () => {
      const [a, b, c] = [await open(), await open(), await open()];
      const { writer } = await claim(a);
      expect(await b.checkpoints.published()).toEqual({ checkpoints: [], boundary: null });
      const { bytes: _, ...checkpoint } = await b.checkpoints.write(writer.end.sn, chunksOf([Buffer.from('state')]));
      const retention = { checkpoints: [checkpoint], boundary: { epoch: writer.epoch, point: pointOf(writer) } };
      const end = pointOf(writer);
      await writer.append([bytesOf('retention')], 1);
      await writer.retain(retention);
      expect(await b.checkpoints.published()).toEqual(retention);
      for (const journal of [b, c]) {
        const next = await claim(journal, end);
        await readTo(a, next.writer.end, end);
        expect(await a.checkpoints.published()).toEqual(retention);
      }
      expect(isError(await errorOf(writer.retain(retention)), 'fenced')).toBe(true);
      expect((await contentOf(c, checkpoint)).toString()).toBe('state');
    });

    test('retain: past what a checkpoint needs, is refused and the writer lives on', async () => {
      const { writer } = await claim(await open());
      const boundary = { epoch: writer.epoch, point: writer.end };
      expect(isError(await errorOf(writer.retain({ checkpoints: [], boundary })), 'invalid_argument')).toBe(true);
      const older = { sn: sequence(writer.end.sn - 1), id: '0f'.repeat(16) };
      expect(isError(await errorOf(writer.retain({ checkpoints: [older], boundary })), 'invalid_argument')).toBe(true);
      await writer.append([bytesOf('x')], 1);
    });

    test('close: ends readers and the writer, and may be called twice', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      const idle = deferred<void>();
      const reader = (async () => {
        for await (const _ of journal.read({ from: GENESIS, signal: new AbortController().signal, onIdle: idle.resolve }));
      })();
      await idle.promise;
      const last = writer.append([bytesOf('last')], 1);
      await journal.close();
      await reader;
      await last;
      expect(writer.dead.aborted).toBe(true);
      expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'cancelled')).toBe(true);
      expect(isError(await errorOf(writer.confirm()), 'cancelled')).toBe(true);
      expect(isError(await errorOf(claim(journal)), 'cancelled')).toBe(true);
      await journal.close();
      expect(textOf(await readAll(await open()))).toEqual(['claim 1', 'last']);
    });

    test('claim: given up by its signal, says cancelled', async () => {
      const abort = new AbortController();
      const stall = stallAt('read');
      const journal = await open(stall.pause);
      const entry = () => ({ bytes: bytesOf('c'), timeMs: 1 });
      const claiming = journal.claim({ from: GENESIS, entry, deliver: () => undefined, signal: abort.signal });
      await stall.reached;
      abort.abort();
      stall.release();
      expect(isError(await errorOf(claiming), 'cancelled')).toBe(true);
    });
  });
}
