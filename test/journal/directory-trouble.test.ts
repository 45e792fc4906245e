/** A directory journal among failing storage, hiccups, other journals at its path, and its own closing. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { isError, UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { SystemFile, systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { deferred, sleep } from '../../src/base/wait.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import type { DirectoryJournalDeps, DirectoryJournalSettings } from '../../src/journal/directory-layout.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { GENESIS, type JournalWriter } from '../../src/journal/journal.js';
import { Ledger } from '../../src/journal/ledger.js';
import { bytesOf, claim, errorOf, readTo, textOf } from '../contract/journal-contract.js';

const deps: DirectoryJournalDeps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const force = { entry: () => ({ bytes: bytesOf('format'), timeMs: 1 }) };
/** Checks of the path follow each other at once. */
const checkingClock: Clock = {
  wallMs: () => systemClock.wallMs(),
  monotonicMs: () => systemClock.monotonicMs(),
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs === 1000 ? 1 : delayMs, callback),
  defer: (callback) => systemClock.defer(callback),
};
let folder: string;
let settings: DirectoryJournalSettings;
const journals: DirectoryJournal[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-trouble-'));
  settings = { folder, segmentBytes: 64 << 10, batchBytesMax: 8 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
  await formatDirectoryJournal(settings, deps);
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const journal of journals.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function openJournal(
  some: Partial<DirectoryJournalDeps> = {},
  other: Partial<DirectoryJournalSettings> = {},
): Promise<DirectoryJournal> {
  const journal = await DirectoryJournal.open({ ...settings, ...other }, { ...deps, ...some });
  journals.push(journal);
  return journal;
}

const segment = (epoch: number, index = 0): string => path.join(folder, 'log', `${epoch}-${index}.seg`);
const failure = (errno: string): UnderstudyError =>
  new UnderstudyError('unavailable', `failed: errno=${errno}`, { cause: Object.assign(new Error(errno), { code: errno }) });

/** Fails the next call of `method` on the file at `file`. */
function failOnce(method: 'sync' | 'dataSync' | 'writeAll' | 'readExactly', file: string, error: Error): { readonly failed: boolean } {
  const state = { failed: false };
  const original = SystemFile.prototype[method] as (...args: unknown[]) => Promise<void>;
  vi.spyOn(SystemFile.prototype, method).mockImplementation(function (this: SystemFile, ...args: unknown[]) {
    if (this.path !== file || state.failed) return original.apply(this, args);
    state.failed = true;
    return Promise.reject(error);
  });
  return state;
}

/** Appends until the segment has no room for another entry of `bytes`. */
async function fill(writer: JournalWriter, bytes: number, index = 0): Promise<void> {
  const room = (64 << 10) - 4096 - 72 - 200 * (index + 1);
  for (let used = 0; used + bytes + 108 <= room; used += bytes + 108) await writer.append([Buffer.alloc(bytes)], 1);
}

test('reader: hiccups with good looks between them, any number, are outlived', async () => {
  const journal = await openJournal();
  await claim(journal);
  const original = Ledger.prototype.read;
  let next: Error | undefined;
  vi.spyOn(Ledger.prototype, 'read').mockImplementation(function (this: Ledger, epoch) {
    const error = next;
    next = undefined;
    return error === undefined ? original.call(this, epoch) : Promise.reject(error);
  });
  const abort = new AbortController();
  let hiccups = 0;
  const onIdle = (): void => {
    if (hiccups === 30) return abort.abort();
    next = new UnderstudyError(hiccups % 3 === 2 ? 'corrupt' : 'unavailable', 'once');
    hiccups += 1;
  };
  for await (const _ of journal.read({ from: GENESIS, signal: abort.signal, onIdle }));
  expect(hiccups).toBe(30);
});

test('reader: five looks in a row that fail, then one that looks damaged, are not damage; six of one kind count', async () => {
  const journal = await openJournal();
  const { writer } = await claim(journal);
  const errors: Error[] = [];
  const original = Ledger.prototype.read;
  vi.spyOn(Ledger.prototype, 'read').mockImplementation(function (this: Ledger, epoch) {
    const error = errors.pop();
    return error === undefined ? original.call(this, epoch) : Promise.reject(error);
  });
  const [corrupt, unavailable] = [new UnderstudyError('corrupt', 'stale'), new UnderstudyError('unavailable', 'hiccup')];
  errors.push(corrupt, ...Array.from({ length: 5 }, () => unavailable));
  expect(await readTo(journal, writer.end)).toHaveLength(1);
  errors.push(...Array.from({ length: 6 }, () => corrupt));
  expect(await errorOf(readTo(journal, writer.end))).toBe(corrupt);
});

test('claim: by a handle of the journal that was there before, is failed_precondition and touches nothing', async () => {
  const old = await openJournal();
  await formatDirectoryJournal(settings, deps, { force });
  const error = await errorOf(claim(old));
  expect(isError(error, 'failed_precondition'), error.message).toBe(true);
  expect(await readdir(path.join(folder, 'claims'))).toEqual([]);
  expect(await readdir(path.join(folder, 'log'))).toEqual([]);
});

for (const step of ['read', 'copied'] as const) {
  test(`claim: the journal is formatted anew after "${step}", is failed_precondition, and the new one is sound`, async () => {
    const old = await openJournal({
      pause: async (at) => {
        if (at === step) await formatDirectoryJournal(settings, deps, { force });
      },
    });
    const error = await errorOf(claim(old));
    expect(isError(error, 'failed_precondition'), error.message).toBe(true);
    const { writer, delivered } = await claim(await openJournal());
    expect(textOf(delivered)).toEqual(['claim 1']);
    await writer.append([bytesOf('x')], 1);
    expect(textOf(await readTo(await openJournal(), writer.end))).toEqual(['claim 1', 'x']);
  });
}

test('claim: a segment under its name, is never emptied', async () => {
  await writeFile(segment(1), 'of another journal');
  expect(isError(await errorOf(claim(await openJournal())), 'outcome_unknown')).toBe(true);
  expect((await claim(await openJournal())).writer.epoch).toBe(2);
});

test('claim: one stale look at a slot or a segment on the way to the base, is repeated', async () => {
  const { writer } = await claim(await openJournal());
  await writer.append([bytesOf('x')], 1);
  await journals[0]?.close();
  const dying = await openJournal({ pause: (at) => (at === 'slotted' ? Promise.reject(new Error('died')) : undefined) });
  await errorOf(claim(dying));
  const original = Ledger.prototype.read;
  let stale = 0;
  const journal = await openJournal({
    pause: async (at) => {
      if (at !== 'read') return;
      failOnce('readExactly', segment(1), failure('ESTALE'));
      vi.spyOn(Ledger.prototype, 'read').mockImplementation(async function (this: Ledger, epoch) {
        const pages = await original.call(this, epoch);
        return epoch === 1 && stale++ === 0 ? { ...pages, slot: undefined } : pages;
      });
    },
  });
  expect(textOf((await claim(journal)).delivered)).toEqual(['claim 1', 'x', 'claim 3']);
  expect(stale).toBeGreaterThan(0);
});

test('claim: a descriptor that has become stale, is left for a new one', async () => {
  const { writer } = await claim(await openJournal());
  await writer.append([bytesOf('x')], 1);
  await journals[0]?.close();
  const { readExactly } = SystemFile.prototype;
  let stale: SystemFile | undefined;
  const pause = async (at: string): Promise<void> => {
    if (at !== 'read') return;
    vi.spyOn(SystemFile.prototype, 'readExactly').mockImplementation(function (this: SystemFile, buffer, position) {
      if (this.path === segment(1) && position > 0) stale ??= this;
      return this === stale ? Promise.reject(failure('ESTALE')) : readExactly.call(this, buffer, position);
    });
  };
  expect(textOf((await claim(await openJournal({ pause }))).delivered)).toEqual(['claim 1', 'x', 'claim 2']);
  expect(stale).toBeDefined();
});

test('claim: reads the tail from the disk and not from a cache, where the file system lets it', async () => {
  const { writer } = await claim(await openJournal());
  await writer.append([bytesOf('x')], 1);
  const opened: boolean[] = [];
  const { open } = SystemFile;
  let refused = false;
  vi.spyOn(SystemFile, 'open').mockImplementation((file, options = {}) => {
    if (file === segment(1) || file === segment(2)) opened.push(options.direct === true);
    const isRefused = refused && options.direct === true;
    return isRefused ? Promise.reject(new UnderstudyError('failed_precondition', 'no O_DIRECT')) : open.call(SystemFile, file, options);
  });
  const pause = async (at: string): Promise<void> => {
    if (at === 'fenced') opened.length = 0;
    if (at === 'read') expect(opened.length > 0 && opened.every((direct) => direct !== refused)).toBe(true);
  };
  const second = await claim(await openJournal({ pause }));
  await second.writer.append([bytesOf('y')], 1);
  refused = true;
  const third = await claim(await openJournal({ pause }), writer.end);
  expect(textOf(third.delivered)).toEqual(['claim 2', 'y', 'claim 3']);
});

test('claim: what killed claimants left of their probes, is removed; other files stay', async () => {
  for (const name of ['.probe-0123456789abcdef', '.probe-ffffffffffffffff', '.probe-mine'])
    await writeFile(path.join(folder, 'log', name), '');
  await claim(await openJournal());
  expect((await readdir(path.join(folder, 'log'))).sort()).toEqual(['.probe-mine', '1-0.seg']);
});

test('close: with a look in flight and another gathered, both are answered before a descriptor closes', async () => {
  const journal = await openJournal({}, { isShared: true });
  const { writer } = await claim(journal);
  const inFlight = new Map<SystemFile, number>();
  const closedUnder: string[] = [];
  const { readSome, close } = SystemFile.prototype;
  vi.spyOn(SystemFile.prototype, 'readSome').mockImplementation(async function (this: SystemFile, buffer, position) {
    inFlight.set(this, (inFlight.get(this) ?? 0) + 1);
    try {
      await sleep(systemClock, 20); // as a storage far away
      return await readSome.call(this, buffer, position);
    } finally {
      inFlight.set(this, (inFlight.get(this) ?? 0) - 1);
    }
  });
  vi.spyOn(SystemFile.prototype, 'close').mockImplementation(function (this: SystemFile) {
    if ((inFlight.get(this) ?? 0) > 0) closedUnder.push(this.path);
    return close.call(this);
  });
  const looks = [writer.confirm(), writer.confirm()];
  const answered = Promise.allSettled(looks);
  await writer.close();
  expect((await answered).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  expect(closedUnder).toEqual([]);
});

test('rotation: while the path of the old segment is being checked, closes it only after that', async () => {
  const checked = deferred<void>();
  const { isStillAtPath, close } = SystemFile.prototype;
  let checking = false;
  vi.spyOn(SystemFile.prototype, 'isStillAtPath').mockImplementation(async function (this: SystemFile) {
    if (this.path !== segment(1)) return isStillAtPath.call(this);
    checking = true;
    await checked.promise;
    checking = false;
    return isStillAtPath.call(this);
  });
  const journal = await openJournal({ clock: checkingClock });
  const { writer } = await claim(journal);
  await vi.waitFor(() => expect(checking).toBe(true));
  const closed: boolean[] = [];
  vi.spyOn(SystemFile.prototype, 'close').mockImplementation(function (this: SystemFile) {
    if (this.path === segment(1)) closed.push(checking);
    return close.call(this);
  });
  await fill(writer, 7000);
  await writer.append([Buffer.alloc(7000)], 1);
  expect(closed).toEqual([]);
  checked.resolve();
  await vi.waitFor(() => expect(closed).toEqual([false]));
});

test('close: of a writer, lets go of it and of its memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const journal = await openJournal();
  const kept = await (async () => {
    const { writer } = await claim(journal);
    await writer.close();
    return new WeakRef(writer);
  })();
  await vi.waitFor(() => {
    collect();
    expect(kept.deref() === undefined).toBe(true);
  });
});

test('next segment: a sync of it or of its folder fails, ends the writer with outcome_unknown', async () => {
  for (const [epoch, file] of [
    [1, segment(1, 1)],
    [2, path.join(folder, 'log')],
  ] as const) {
    const { writer } = await claim(await openJournal());
    expect(writer.epoch).toBe(epoch);
    const state = failOnce('sync', file, failure('EIO'));
    const error = await errorOf(fill(writer, 7000).then(() => writer.append([Buffer.alloc(7000)], 1)));
    expect(isError(error, 'outcome_unknown'), error.message).toBe(true);
    expect(state.failed).toBe(true);
    expect(isError(writer.dead.reason, 'outcome_unknown')).toBe(true);
    vi.restoreAllMocks();
  }
});

test('next segment: no room for it, is tried again and the writer lives on', async () => {
  const { writer } = await claim(await openJournal());
  const state = failOnce('writeAll', segment(1, 1), failure('ENOSPC'));
  await fill(writer, 7000);
  expect(state.failed).toBe(true);
  expect(await readdir(path.join(folder, 'log'))).toEqual(['1-0.seg']);
  vi.restoreAllMocks();
  failOnce('writeAll', segment(1, 1), failure('EDQUOT'));
  expect(isError(await errorOf(writer.append([Buffer.alloc(7000)], 1)), 'unavailable')).toBe(true);
  const end = await writer.append([Buffer.alloc(7000)], 1);
  expect(await readTo(await openJournal(), end)).toHaveLength(end.sn);
});

test('append: the writer dies while it waits for the next segment, nothing is written', async () => {
  const journal = await openJournal();
  const { writer } = await claim(journal);
  const made = deferred<void>();
  const { sync } = SystemFile.prototype;
  vi.spyOn(SystemFile.prototype, 'sync').mockImplementation(async function (this: SystemFile) {
    if (this.path === segment(1, 1)) await made.promise;
    return sync.call(this);
  });
  await fill(writer, 7000);
  const end = writer.end;
  const late = errorOf(writer.append([Buffer.alloc(7000)], 1));
  const closed = writer.close();
  made.resolve();
  expect(isError(await late, 'cancelled')).toBe(true);
  await closed;
  expect((await readFile(segment(1))).includes('UJT\x01'), 'a trailer').toBe(false);
  const next = await claim(await openJournal(), end);
  expect(textOf(next.delivered)).toEqual(['claim 2']);
});

test('append: the check of the path kills the writer meanwhile, is not acknowledged', async () => {
  const [reached, gate] = [deferred<void>(), deferred<void>()];
  let armed = false;
  const pause = (step: string): Promise<void> | undefined => {
    if (!armed || step !== 'durable') return undefined;
    reached.resolve();
    return gate.promise;
  };
  const { writer } = await claim(await openJournal({ pause, clock: checkingClock }));
  armed = true;
  const late = errorOf(writer.append([bytesOf('x')], 1));
  await reached.promise;
  await rm(path.join(folder, 'FORMAT'));
  await vi.waitFor(() => expect(writer.dead.aborted).toBe(true));
  gate.resolve();
  expect(isError(await late, 'outcome_unknown')).toBe(true);
});

test('append: below the reserve of free space, goes through where it may use the reserve', async () => {
  const { writer } = await claim(await openJournal({}, { freeBytesReserve: Number.MAX_SAFE_INTEGER }));
  expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'unavailable')).toBe(true);
  expect((await writer.append([bytesOf('remove')], 1, { mayUseReserve: true })).sn).toBe(2);
});

test('marks: the first one torn beside an empty one, counts as none', async () => {
  const journal = await openJournal();
  const { writer } = await claim(journal);
  await writer.append([bytesOf('x')], 1);
  await journal.close();
  const ledger = await SystemFile.open(path.join(folder, 'LEDGER'), { write: true });
  await ledger.writeAll(Buffer.alloc(4096), 5 * 4096);
  await ledger.writeAll(Buffer.alloc(4096), 6 * 4096);
  await ledger.writeAll(Buffer.alloc(500, 7), 6 * 4096);
  await ledger.close();
  const next = await claim(await openJournal());
  expect(textOf(next.delivered)).toEqual(['claim 1', 'x', 'claim 2']);
  expect(textOf(await readTo(await openJournal(), next.writer.end))).toEqual(['claim 1', 'x', 'claim 2']);
});
