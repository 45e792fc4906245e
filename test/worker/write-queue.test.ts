/** Bytes that wait to be written on a worker: a bound for those of clients, one for those that other workers pass on. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WriteQueue } from '../../src/worker/write-queue.js';

const MAX = 100;

/** A client's connection: read from, unless somebody holds it up. */
class Reading {
  holders = 0;
  readonly hold = () => {
    this.holders++;
    return () => void this.holders--;
  };
}

test('clients: who sends beyond the bound is not read from until no more than that waits', () => {
  const queue = new WriteQueue(MAX);
  const [first, second] = [new Reading(), new Reading()];
  const written = queue.take(MAX, first.hold);
  expect(first.holders).toBe(0);
  const writtenToo = queue.take(1, second.hold);
  expect([first.holders, second.holders, queue.bytes]).toEqual([0, 1, MAX + 1]);
  writtenToo();
  expect([second.holders, queue.bytes]).toEqual([0, MAX]);
  written();
  expect(queue.bytes).toBe(0);
});

test('workers: refused beyond the bound, and taken again once there is room; clients do not count', () => {
  const queue = new WriteQueue(MAX);
  queue.take(MAX, undefined);
  const written = queue.takePassedOn(MAX);
  expect(() => queue.takePassedOn(1)).toThrow('too many bytes that are passed on wait to be written: max=100');
  expect(queue.bytes).toBe(2 * MAX);
  written();
  queue.takePassedOn(1);
  expect(queue.bytes).toBe(MAX + 1);
});

test('in any order: nobody is held up while no more than the bound waits, and never more than the bound and one piece of each client waits', () => {
  const sizes = fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 60 }), fc.boolean()), { maxLength: 80 });
  fc.assert(
    fc.property(sizes, (steps) => {
      const queue = new WriteQueue(MAX);
      const readings = Array.from({ length: 5 }, () => new Reading());
      const waiting: (() => void)[] = [];
      for (const [client, bytes, isWritten] of steps) {
        const reading = readings[client];
        if (reading?.holders === 0) waiting.push(queue.take(bytes, reading.hold));
        if (isWritten) waiting.shift()?.();
        if (queue.bytes <= MAX) expect(readings.every(({ holders }) => holders === 0)).toBe(true);
        expect(queue.bytes).toBeLessThanOrEqual(MAX + readings.length * 60);
      }
      for (const written of waiting) written();
      expect([queue.bytes, ...readings.map(({ holders }) => holders)]).toEqual([0, 0, 0, 0, 0, 0]);
    }),
  );
});
