import { describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { GENESIS } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { type MemoryFault, MemoryJournalStore } from '../../src/journal/memory-journal-store.js';
import {
  bytesOf,
  chunksOf,
  claim,
  contentOf,
  errorOf,
  type JournalWorld,
  journalContract,
  readTo,
  textOf,
} from '../contract/journal-contract.js';
import { retentionContract } from '../contract/retention-contract.js';

const deps = { clock: systemClock, random: systemRandom };

async function makeWorld(): Promise<JournalWorld> {
  const store = new MemoryJournalStore({ batchBytesMax: 32 << 10, pollIntervalMs: 1 }, deps);
  return {
    open: async (pause) => MemoryJournal.open(store, pause === undefined ? {} : { pause }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
journalContract('memory journal', makeWorld);
retentionContract('memory journal', makeWorld);

describe('memory journal store', () => {
  async function appendWith(fault: MemoryFault): Promise<{ store: MemoryJournalStore; error: Error }> {
    const store = new MemoryJournalStore({}, deps);
    const { writer } = await claim(MemoryJournal.open(store));
    store.intercept = ({ kind }) => (kind === 'write' ? fault : undefined);
    const error = await errorOf(writer.append([bytesOf('x')], 1));
    store.intercept = undefined;
    return { store, error };
  }

  test('a write that fails: its outcome is unknown, and a successor does not adopt it', async () => {
    const { store, error } = await appendWith('fail');
    expect(isError(error, 'outcome_unknown')).toBe(true);
    expect(textOf((await claim(MemoryJournal.open(store))).delivered)).toEqual(['claim 1', 'claim 2']);
  });

  test('a write that lands although it failed: its outcome is unknown, and a successor adopts it', async () => {
    const { store, error } = await appendWith('land');
    expect(isError(error, 'outcome_unknown')).toBe(true);
    expect(textOf((await claim(MemoryJournal.open(store))).delivered)).toEqual(['claim 1', 'x', 'claim 2']);
  });

  test('a write that is seen but never synced: a successor that adopts it keeps it through a power cut', async () => {
    const { store } = await appendWith('unsynced');
    await claim(MemoryJournal.open(store));
    store.powerCut();
    expect(textOf((await claim(MemoryJournal.open(store))).delivered)).toEqual(['claim 1', 'x', 'claim 2', 'claim 3']);
  });

  test('a write that is seen but never synced: a power cut loses it', async () => {
    const { store } = await appendWith('unsynced');
    store.powerCut();
    expect(textOf((await claim(MemoryJournal.open(store))).delivered)).toEqual(['claim 1', 'claim 2']);
  });

  test('power cut: handles from before are dead, what was acknowledged is there', async () => {
    const store = new MemoryJournalStore({}, deps);
    const before = MemoryJournal.open(store);
    const { writer } = await claim(before);
    await writer.append([bytesOf('kept')], 1);
    store.powerCut();
    expect(isError(await errorOf(writer.append([bytesOf('y')], 1)), 'outcome_unknown')).toBe(true);
    expect(isError(await errorOf(claim(before)), 'unavailable')).toBe(true);
    const after = await claim(MemoryJournal.open(store));
    expect(textOf(after.delivered)).toEqual(['claim 1', 'kept', 'claim 2']);
  });

  test('power cut: at any moment of retain, an empty master can begin; an unfinished checkpoint is gone', async () => {
    for (let cutAt = 1; cutAt <= 12; cutAt++) {
      const store = new MemoryJournalStore({ pollIntervalMs: 1 }, deps);
      const a = MemoryJournal.open(store);
      const { writer } = await claim(a);
      const retain = async (): Promise<void> => {
        const point = writer.end;
        const { bytes: _, ...checkpoint } = await a.checkpoints.write(point.sn, chunksOf([bytesOf(`${point.sn}`)]));
        await writer.append([bytesOf('retention')], 1);
        await writer.retain({ checkpoints: [checkpoint], boundary: { epoch: writer.epoch, point } });
      };
      await retain();
      let steps = 0;
      store.intercept = () => {
        if (++steps === cutAt) store.powerCut();
        return undefined;
      };
      const isCut = await retain().then(
        () => false,
        () => true,
      );
      store.intercept = undefined;
      if (!isCut) store.powerCut();
      const b = MemoryJournal.open(store);
      const { checkpoints, boundary } = await b.checkpoints.published();
      for (const checkpoint of checkpoints) expect((await contentOf(b, checkpoint)).toString()).toBe(`${checkpoint.sn}`);
      expect([...store.checkpoints.values()].filter(({ isWhole }) => !isWhole)).toEqual([]);
      const { writer: next, delivered } = await claim(b, boundary?.point);
      await readTo(b, next.end, boundary?.point);
      expect(boundary?.point.sn).toBeGreaterThan(0);
      expect(delivered.length).toBeGreaterThan(0);
    }
  });

  test('kill: in the middle of a write, nothing is acknowledged and it may land late', async () => {
    const store = new MemoryJournalStore({ latencyMs: { write: [10, 10] } }, deps);
    const journal = MemoryJournal.open(store);
    const { writer } = await claim(journal);
    const late = writer.append([bytesOf('late')], 1);
    await new Promise(setImmediate); // the write has begun
    journal.kill();
    expect(isError(await errorOf(late), 'outcome_unknown')).toBe(true);
    const next = await claim(MemoryJournal.open(store));
    expect(textOf(next.delivered)).toEqual(['claim 1', 'late', 'claim 2']);
  });

  test('one seed and a virtual clock: the same run twice, to the byte', async () => {
    const run = async (): Promise<string> => {
      const world = virtualWorld(7);
      const latencyMs = { write: [1, 20], fence: [1, 30], read: [0, 5], check: [0, 3], mark: [1, 9], slot: [0, 4] } as const;
      const store = new MemoryJournalStore({ latencyMs }, world);
      const leader = async (name: string): Promise<string[]> => {
        const journal = MemoryJournal.open(store, { name });
        const seen: string[] = [];
        try {
          const { writer } = await claim(journal);
          for (let i = 0; i < 10; i++) {
            const end = await writer.append([bytesOf(`${name}${i}`)], world.clock.monotonicMs());
            seen.push(Buffer.from(end.hash).toString('hex'));
          }
        } catch (error) {
          seen.push(String(error));
        }
        return seen;
      };
      const leaders = Promise.all(['a', 'b', 'c'].map(leader));
      const seen = await world.drive(leaders);
      return JSON.stringify([seen, textOf(store.committed()), world.clock.monotonicMs()]);
    };
    const first = await run();
    expect(first).toContain('a later epoch exists');
    expect(await run()).toBe(first);
  });

  test('out of space: appends are refused and the writer lives on, claims go through', async () => {
    const store = new MemoryJournalStore({}, deps);
    const { writer } = await claim(MemoryJournal.open(store));
    store.isOutOfSpace = true;
    expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'unavailable')).toBe(true);
    await writer.append([bytesOf('remove')], 1, { mayUseReserve: true });
    const journal = MemoryJournal.open(store);
    const next = await claim(journal);
    store.isOutOfSpace = false;
    await next.writer.append([bytesOf('y')], 1);
    expect(textOf(await readTo(journal, next.writer.end, GENESIS))).toEqual(['claim 1', 'remove', 'claim 2', 'y']);
  });
});

/** A clock that moves when nothing else is left to do, and chance from a seed (mulberry32). */
function virtualWorld(seed: number) {
  let now = 0;
  let state = seed;
  let timers: { at: number; fn: () => void }[] = [];
  const float = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    clock: {
      wallMs: () => now,
      monotonicMs: () => now,
      setTimer(delayMs: number, fn: () => void) {
        const timer = { at: now + delayMs, fn };
        timers.push(timer);
        const cancel = (): void => {
          timers = timers.filter((one) => one !== timer);
        };
        return { cancel };
      },
      defer: (fn: () => void) => void queueMicrotask(fn),
    },
    random: { float, bytes: (count: number) => Uint8Array.from({ length: count }, () => Math.floor(float() * 256)) },
    async drive<T>(work: Promise<T>): Promise<T> {
      let isDone = false;
      void work.finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await new Promise(setImmediate);
        const next = timers.reduce((a, b) => (b.at < a.at ? b : a), { at: Number.POSITIVE_INFINITY, fn: () => undefined });
        timers = timers.filter((one) => one !== next);
        now = Math.max(now, Math.min(next.at, Number.MAX_SAFE_INTEGER));
        next.fn();
      }
      return work;
    },
  };
}
