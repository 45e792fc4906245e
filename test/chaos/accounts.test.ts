import { expect, test } from 'vitest';
import type { FileSystem } from '../../src/cli/understudy.js';
import { availability, gapsByKind } from './availability.js';
import type { Fault } from './fault.js';
import type { DoneStep } from './nemesis.js';
import { settle } from './probe-account.js';
import { drawSteps } from './schedule.js';

const fault = (name: string): Fault => ({ name, lastsMs: [0, 0], begin: async () => () => {} });

function step(beganAt: number, endedAt: number, ...names: string[]): DoneStep {
  return { beganAt, endedAt, faults: names.map((name) => ({ fault: fault(name), beganAt, healedAt: endedAt })) };
}

test('the plan is a function of the seed, and never does one thing twice at once', () => {
  const plan = (seed: number, ...names: string[]) => {
    const steps = drawSteps(seed, names.map(fault));
    return Array.from({ length: 200 }, () => steps.next().value.faults.map((each) => `${each.fault.name} ${each.lastsMs}`));
  };
  expect(plan(7, 'a', 'b')).toEqual(plan(7, 'a', 'b'));
  expect(plan(7, 'a', 'b')).not.toEqual(plan(8, 'a', 'b'));
  expect(plan(7, 'a').filter(({ length }) => length !== 1)).toEqual([]);
  const both = plan(7, 'a', 'b').filter(({ length }) => length === 2);
  expect(both.length).toBeGreaterThan(0);
  expect(both.filter(([one, other]) => one?.[0] === other?.[0])).toEqual([]);
});

test('availability: the share of slots with an acknowledgement, however many each has; none outside counts', () => {
  expect(availability([5, 100, 101, 109, 115, 139, 140], 100, 140)).toBe(3 / 4);
  expect(availability([], 100, 140)).toBe(0);
});

test('gaps: the longest between acknowledgements counts for the step it began in, or just before, from the beginning of that', () => {
  const acknowledged = [10, 20, 90, 300, 310, 320, 900, 905];
  const steps = [step(100, 310, 'one'), step(310, 1_000, 'other')];
  const found = gapsByKind(acknowledged, steps).map(({ name, count, maxMs }) => [name, count, maxMs]);
  expect(found).toEqual([
    ['other', 1, 580],
    ['one', 1, 200],
  ]);
});

test('gaps: a step of two faults is neither of them, one whose fault did not work is none', () => {
  const failed = { ...step(500, 600), faults: [{ fault: fault('x'), beganAt: 500, healedAt: 600, trouble: 'broken' }] };
  const found = gapsByKind([0, 100, 200, 700], [step(50, 400, 'a', 'b'), failed]);
  expect(found.map(({ name }) => name)).toEqual(['two at once']);
});

test('the probe: what was acknowledged is to be there as that file; what was refused is not, and for a passing reason', async () => {
  const listed = ['/probe/0/0 3', '/probe/0/1 9', '/probe/0/4 5', '/probe/0/7 8'].map((line) => line.split(' '));
  const fs = {
    async *list() {
      for (const [path, id] of listed) yield { path, id: Number(id), directory: false };
    },
  } as unknown as FileSystem;
  const line = (number: number, more: object) => ({ path: `/probe/0/${number}`, at: 0, answeredAt: 1, ...more });
  const account = await settle(
    [
      line(0, { id: 3 }),
      line(1, { id: 4 }),
      line(2, { id: 6 }),
      line(3, { code: 'unavailable', error: 'x', unknown: false }),
      line(4, { code: 'unavailable', error: 'x', unknown: false }),
      line(5, { code: 'deadline_exceeded', error: 'x', unknown: true }),
      line(6, { code: 'internal', error: 'x', unknown: false }),
    ],
    fs,
  );
  expect(account).toMatchObject({ acknowledged: 3, refused: 3, unknown: 1 });
  expect(account.lost).toEqual(['/probe/0/1 id=4 found=9', '/probe/0/2 id=6 found=undefined']);
  expect(account.duplicated).toEqual(['/probe/0/4: x', '/probe/0/7: nobody made it']);
  expect(account.unexpected).toEqual(['/probe/0/6: x']);
});
