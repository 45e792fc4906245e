/** How the marks of an epoch are written: one after the other, each durable before the other page is touched. */
import { expect, test, vi } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { sequence } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { type Deferred, deferred } from '../../src/base/wait.js';
import { NOTHING_RETAINED } from '../../src/journal/checkpoints.js';
import { type DirectoryContext, withDefaults } from '../../src/journal/directory-layout.js';
import type { Ledger } from '../../src/journal/ledger.js';
import { MarkWriter } from '../../src/journal/mark-writer.js';
import type { Mark, Place } from '../../src/journal/page-format.js';
import { errorOf } from '../contract/journal-contract.js';

/** Timers that fire when the test says so. */
const timers: (() => void)[] = [];
const clock: Clock = {
  ...systemClock,
  setTimer(_, fn) {
    timers.push(fn);
    return { cancel: () => void (timers.includes(fn) && timers.splice(timers.indexOf(fn), 1)) };
  },
};
function fire(): void {
  for (const fn of timers.splice(0)) fn();
}

const context: DirectoryContext = {
  settings: withDefaults({ folder: '/nowhere', markDelayMs: 0 }, false),
  deps: { files: systemFiles, clock, random: systemRandom, log: silentLog },
  direct: false,
  incarnation: new Uint8Array(16),
};
const placeAt = (sn: number): Place => ({ epoch: 1, segment: 0, offset: 0, point: { sn: sequence(sn), hash: new Uint8Array(32) } });

/** A ledger whose writes become durable when the test says so. */
function heldLedger(): { readonly ledger: Ledger; readonly writes: { readonly mark: Mark; readonly durable: Deferred<void> }[] } {
  const writes: { mark: Mark; durable: Deferred<void> }[] = [];
  const writeMark = (mark: Mark): Promise<void> => {
    const durable = deferred<void>();
    writes.push({ mark, durable });
    return durable.promise;
  };
  return { ledger: { writeMark } as unknown as Ledger, writes };
}

test('marks: commits go on while one is written, the other page is touched only when that one is durable', async () => {
  const { ledger, writes } = heldLedger();
  const marks = new MarkWriter(context, ledger, NOTHING_RETAINED, () => undefined);
  marks.committed(placeAt(1));
  fire();
  for (let sn = 2; sn < 6; sn++) {
    marks.committed(placeAt(sn));
    fire();
  }
  const closed = marks.close();
  expect(writes).toHaveLength(1);
  writes[0]?.durable.resolve();
  await vi.waitFor(() => expect(writes).toHaveLength(2));
  expect(writes.map(({ mark }) => mark.counter % 2)).toEqual([1, 0]);
  expect(writes[1]?.mark.committed.point.sn).toBe(5);
  writes[1]?.durable.resolve();
  await closed;
});

test('marks: one that fails while the writer closes, is not written again', async () => {
  const { ledger, writes } = heldLedger();
  const failed = deferred<never>();
  const marks = new MarkWriter(context, ledger, NOTHING_RETAINED, (error) => failed.reject(error));
  marks.committed(placeAt(1));
  fire();
  marks.committed(placeAt(2));
  const closed = marks.close();
  writes[0]?.durable.reject(new Error('failed'));
  await closed;
  expect((await errorOf(failed.promise)).message).toBe('failed');
  expect(writes).toHaveLength(1);
});
