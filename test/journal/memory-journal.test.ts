import { describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { GENESIS } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { type MemoryFault, MemoryJournalStore } from '../../src/journal/memory-journal-store.js';
import { bytesOf, claim, errorOf, journalContract, readTo, textOf } from '../contract/journal-contract.js';

const deps = { clock: systemClock, random: systemRandom };

journalContract('memory journal', async () => {
  const store = new MemoryJournalStore({ batchBytesMax: 32 << 10, pollIntervalMs: 1 }, deps);
  return {
    open: async (pause) => MemoryJournal.open(store, pause === undefined ? {} : { pause }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

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

  test('out of space: appends are refused and the writer lives on, claims go through', async () => {
    const store = new MemoryJournalStore({}, deps);
    const { writer } = await claim(MemoryJournal.open(store));
    store.isOutOfSpace = true;
    expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'unavailable')).toBe(true);
    const journal = MemoryJournal.open(store);
    const next = await claim(journal);
    store.isOutOfSpace = false;
    await next.writer.append([bytesOf('y')], 1);
    expect(textOf(await readTo(journal, next.writer.end, GENESIS))).toEqual(['claim 1', 'claim 2', 'y']);
  });
});
