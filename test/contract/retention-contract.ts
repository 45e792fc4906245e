/** What every implementation of the journal seam keeps while it is collected, run by each one's test file over a store of its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { type Sequence, sequence } from '../../src/base/ids.js';
import type { CheckpointRef, Retention } from '../../src/journal/checkpoints.js';
import { type Batch, type ChainPoint, endOf, GENESIS, type Journal, type JournalWriter } from '../../src/journal/journal.js';
import type { JournalStep, StepHook } from '../../src/journal/journal-step.js';
import {
  bytesOf,
  checkChain,
  chunksOf,
  claim,
  contentOf,
  DIRECTORY_TRAITS,
  errorOf,
  type JournalTraits,
  type JournalWorld,
  pointOf,
  readTo,
  stallAt,
  textOf,
} from './journal-contract.js';

/** Two of them do not fit into one segment of a directory journal in its contract. */
const BATCH_BYTES = 15_000;

async function appendSome(writer: JournalWriter, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await writer.append([Buffer.alloc(BATCH_BYTES, `${writer.epoch}.${i} `)], 1);
}

async function checkpointAt(journal: Journal, { sn }: { readonly sn: Sequence }): Promise<CheckpointRef> {
  const { bytes: _, ...checkpoint } = await journal.checkpoints.write(sn, chunksOf([Buffer.from(`state at ${sn}`)]));
  return checkpoint;
}

/** Makes a checkpoint at the writer's end and journals it. @returns what its leader is to retain. */
async function publish(journal: Journal, writer: JournalWriter, older: readonly CheckpointRef[] = []): Promise<Retention> {
  const point = pointOf(writer);
  const checkpoints = [await checkpointAt(journal, point), ...older];
  await writer.append([bytesOf(`retention ${point.sn}`)], 1);
  return { checkpoints, boundary: { epoch: writer.epoch, point } };
}

/** An empty master: begins at what is published and applies all up to `to`. */
async function startFromPublished(journal: Journal, to: ChainPoint): Promise<Retention> {
  const published = await journal.checkpoints.published();
  for (const checkpoint of published.checkpoints) {
    expect((await contentOf(journal, checkpoint)).toString()).toBe(`state at ${checkpoint.sn}`);
  }
  const from = published.boundary?.point ?? GENESIS;
  checkChain(await readTo(journal, to, from), from);
  return published;
}

export function retentionContract(name: string, make: () => Promise<JournalWorld>, traits: JournalTraits = DIRECTORY_TRAITS): void {
  describe(`${name}: the contract of retention`, () => {
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

    /** A journal with three epochs, collected up to the middle of the third. */
    async function collected(): Promise<{ writer: JournalWriter; retention: Retention; boundary: ChainPoint; first: Batch[] }> {
      const journal = await open();
      const { writer: one } = await claim(journal);
      await appendSome(one, 5);
      const first = await readTo(journal, one.end);
      const { writer: two } = await claim(await open(), one.end);
      await appendSome(two, 5);
      const { writer } = await claim(await open(), two.end);
      await appendSome(writer, 5);
      const retention = await publish(journal, writer);
      await appendSome(writer, 5);
      await writer.retain(retention);
      return { writer, retention, boundary: retention.boundary?.point ?? GENESIS, first };
    }

    test('collected: a reader and a claimant from behind the boundary get out_of_range, and the leader leads on', async () => {
      const { writer, boundary, first } = await collected();
      const behind = [GENESIS, endOf(first[2]!), { sn: sequence(boundary.sn - 1), hash: new Uint8Array(32).fill(3) }];
      for (const from of behind) {
        expect(isError(await errorOf(readTo(await open(), writer.end, from)), 'out_of_range')).toBe(true);
        expect(isError(await errorOf(claim(await open(), from)), 'out_of_range')).toBe(true);
      }
      const wrong = { sn: boundary.sn, hash: new Uint8Array(32).fill(3) };
      expect(isError(await errorOf(readTo(await open(), writer.end, wrong)), 'diverged')).toBe(true);
      await writer.confirm();
      await appendSome(writer, 1);
    });

    test('collected: it is read from the boundary, claimed again and again, and followed', async () => {
      const { writer, retention, boundary } = await collected();
      const abort = new AbortController();
      const followed: Batch[] = [];
      const follower = (async () => {
        for await (const batch of (await open()).read({ from: boundary, signal: abort.signal })) followed.push(batch);
      })();
      let last = writer;
      for (let i = 0; i < 3; i++) {
        const { writer: next, delivered } = await claim(await open(), boundary);
        checkChain(delivered, boundary);
        await appendSome(next, 4);
        await next.retain(retention);
        last = next;
      }
      const read = await readTo(await open(), last.end, boundary);
      checkChain(read, boundary);
      expect(textOf(read).filter((text) => text.startsWith('claim'))).toEqual(['claim 4', 'claim 5', 'claim 6']);
      await expect.poll(() => followed.length, { timeout: 5000 }).toBe(read.length);
      abort.abort();
      await follower;
      expect(followed.map((batch) => batch.firstSn)).toEqual(read.map((batch) => batch.firstSn));
      expect(await startFromPublished(await open(), last.end)).toEqual(retention);
    });

    test('collected up to its very end, and by an epoch that has written nothing but its claim: goes on', async () => {
      const [a, b] = [await open(), await open()];
      const { writer: one } = await claim(a);
      await appendSome(one, 5);
      const retention = await publish(a, one);
      const { writer: two } = await claim(b, one.end);
      await two.retain(retention);
      const atEnd: Retention = { checkpoints: [await checkpointAt(b, two.end)], boundary: { epoch: two.epoch, point: pointOf(two) } };
      await two.retain(atEnd);
      const { writer: three, delivered } = await claim(a, two.end);
      expect(textOf(delivered)).toEqual(['claim 3']);
      await appendSome(three, 5);
      expect(await startFromPublished(b, three.end)).toEqual(atEnd);
    });

    test('collected: checkpoints below the boundary are gone, finished or not; those at or above it are kept', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      const old = await checkpointAt(journal, writer.end);
      await appendSome(writer, 2);
      const unlisted = await checkpointAt(journal, writer.end);
      const kept = await publish(journal, writer);
      await appendSome(writer, 2);
      const retention = await publish(journal, writer, kept.checkpoints);
      const later = await checkpointAt(journal, writer.end);
      await writer.retain({ ...retention, boundary: kept.boundary });
      expect(isError(await errorOf(contentOf(journal, old)), 'not_found')).toBe(true);
      for (const checkpoint of [...retention.checkpoints, unlisted, later]) await contentOf(journal, checkpoint);
      const newest = { ...retention, checkpoints: retention.checkpoints.slice(0, 1) };
      await writer.retain(newest);
      for (const checkpoint of [unlisted, ...kept.checkpoints]) {
        expect(isError(await errorOf(contentOf(journal, checkpoint)), 'not_found')).toBe(true);
      }
      expect(await startFromPublished(journal, writer.end)).toEqual(newest);
    });

    test('retained before, and with a lower boundary now: nothing goes back', async () => {
      const { writer, retention } = await collected();
      const newer = await publish(await open(), writer);
      await writer.retain(newer);
      await writer.retain(retention);
      expect(await startFromPublished(await open(), writer.end)).toEqual(newer);
    });

    test('a slow reader that collection passes in the middle of a run: yields no ghost, skips nothing, then says out_of_range', async () => {
      const journal = await open();
      const { writer } = await claim(journal);
      await appendSome(writer, 12);
      const truth = await readTo(journal, writer.end);
      const slow: { reading: AsyncIterator<Batch>; read: Batch[] }[] = [];
      for (const held of [1, 4, 9]) {
        const reading = (await open()).read({ from: GENESIS, signal: AbortSignal.timeout(5000) })[Symbol.asyncIterator]();
        const read: Batch[] = [];
        for (let i = 0; i < held; i++) read.push((await reading.next()).value);
        slow.push({ reading, read });
      }
      const { writer: next } = await claim(await open(), writer.end);
      await appendSome(next, 4);
      const retention = await publish(journal, next);
      await appendSome(next, 4);
      await next.retain(retention);
      for (const { reading, read } of slow) {
        const error = await errorOf(
          (async () => {
            for (;;) read.push((await reading.next()).value);
          })(),
        );
        expect(isError(error, 'out_of_range'), error.message).toBe(true);
        checkChain(read);
        const known = truth.slice(0, read.length);
        expect(read.slice(0, truth.length).map((batch) => batch.hash)).toEqual(known.map((batch) => batch.hash));
      }
    });

    for (const step of traits.steps) {
      test(`a claimant that stalls after "${step}" while what it reads and wrote is collected, is fenced when it wakes`, async () => {
        const { writer: one } = await claim(await open());
        await appendSome(one, 4);
        const stall = stallAt(step);
        const stalled = claim(await open(stall.pause), endOf((await readTo(await open(), one.end))[2]!));
        stalled.catch(() => undefined);
        await stall.reached;
        const b = await open();
        const { writer: three } = await claim(b);
        await appendSome(three, 4);
        const retention = await publish(b, three);
        await three.retain(retention);
        const { writer: four } = await claim(await open(), three.end);
        await appendSome(four, 1);
        await four.retain(retention);
        stall.release();
        const error = await errorOf(stalled);
        // A claim that stands where the log has been collected cannot tell whether it ever led.
        const isBehind = traits.fence === 'slot' && isError(error, 'out_of_range');
        expect(isBehind || isError(error, 'fenced'), error.message).toBe(true);
        await appendSome(four, 1);
        expect(await startFromPublished(await open(), four.end)).toEqual(retention);
      });
    }

    test('a leader superseded before its retention was known, deletes nothing that its successor names', async () => {
      const [a, b] = [await open(), await open()];
      const { writer: one } = await claim(a);
      const first = await publish(a, one);
      await appendSome(one, 3);
      await one.retain(first);
      const second = await publish(a, one);
      const { writer: two } = await claim(b, one.end);
      expect(isError(await errorOf(one.retain(second)), 'fenced')).toBe(true);
      await readTo(b, two.end, second.boundary?.point); // its first mark is there
      expect(await startFromPublished(b, two.end)).toEqual(first);
      await two.retain(second);
      expect(await startFromPublished(b, two.end)).toEqual(second);
    });

    const deaths: readonly (readonly [JournalStep, number])[] = [['known', 1], ...[1, 2, 3, 4].map((n) => ['collecting', n] as const)];
    for (const [step, at] of deaths) {
      test(`a leader that dies in retain, at "${step}" ${at}: nothing to repair, the next one goes on with it`, async () => {
        let hits = 0;
        let dies = false;
        const a = await open((now) => (dies && now === step && ++hits >= at ? Promise.reject(new Error('died')) : undefined));
        const { writer: one } = await claim(a);
        await appendSome(one, 3);
        const first = await publish(a, one);
        await appendSome(one, 3);
        await one.retain(first);
        await appendSome(one, 8);
        const second = await publish(a, one);
        dies = true;
        const dying = one.retain(second).catch((error: Error) => error.message);
        if ((await dying) !== undefined) expect(hits).toBeGreaterThanOrEqual(at);
        expect(await startFromPublished(await open(), one.end)).toEqual(second);
        const { writer: two } = await claim(await open(), one.end);
        expect(await startFromPublished(await open(), two.end)).toEqual(second);
        await two.retain(second);
        await appendSome(two, 2);
        expect(await startFromPublished(await open(), two.end)).toEqual(second);
        expect(isError(await errorOf(readTo(await open(), two.end)), 'out_of_range')).toBe(true);
      });
    }

    test('retain: at every batch, by one leader after the other, a standby that keeps up never falls behind', async () => {
      const journal = await open();
      const abort = new AbortController();
      const read: Batch[] = [];
      const follower = (async () => {
        for await (const batch of journal.read({ from: GENESIS, signal: abort.signal })) read.push(batch);
      })();
      let from = GENESIS;
      for (let epoch = 1; epoch <= 3; epoch++) {
        const { writer } = await claim(await open(), from);
        for (let i = 0; i < 4; i++) {
          await appendSome(writer, 1);
          const { end } = writer;
          await expect.poll(() => read.at(-1)?.firstSn, { timeout: 5000, interval: 2 }).toBe(end.sn);
          await writer.retain(await publish(journal, writer));
        }
        from = writer.end;
      }
      await expect.poll(() => endOf(read.at(-1)!).sn, { timeout: 5000, interval: 2 }).toBe(from.sn);
      abort.abort();
      await follower;
      checkChain(read);
    });
  });
}
