import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallWindow } from '../../src/client/call-window.js';

const forever = new AbortController().signal;

test('call window: any order of entering, leaving and giving up, ids are contiguous, within the window, and in order of asking', async () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('enter', 'leave', 'giveUp'), fc.nat(1000)), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 8 }), steps, async (size, run) => {
      const window = new CallWindow(size, 1000);
      const inside: number[] = [];
      const given: number[] = [];
      const waiting: { giveUp: AbortController; asked: number }[] = [];
      const order: number[] = [];
      let asked = 0;
      for (const [step, pick] of run) {
        if (step === 'enter') {
          const waiter = { giveUp: new AbortController(), asked: asked++ };
          waiting.push(waiter);
          window.enter(waiter.giveUp.signal).then(
            (callId) => {
              waiting.splice(waiting.indexOf(waiter), 1);
              inside.push(callId as number);
              given.push(callId as number);
              order.push(waiter.asked);
            },
            () => waiting.splice(waiting.indexOf(waiter), 1),
          );
        } else if (step === 'leave' && inside.length > 0) {
          window.leave(inside.splice(pick % inside.length, 1)[0] as number);
        } else if (step === 'giveUp' && waiting.length > 0) {
          waiting[pick % waiting.length]?.giveUp.abort();
        }
        await Promise.resolve();
        await Promise.resolve();
        const lowest = inside.length === 0 ? given.length + 1 : Math.min(...inside);
        expect(window.lowestUnanswered).toBe(lowest);
        for (const callId of inside) expect(callId).toBeLessThan(lowest + size);
        if (waiting.length > 0) expect(given.length + 1).toBe(lowest + size);
      }
      expect(given).toEqual(given.map((_, index) => index + 1));
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }),
  );
});

test('call window: ended, who waits is told and nobody enters any more', async () => {
  const window = new CallWindow(1, 10);
  expect(window.tryEnter()).toBe(1);
  const waiting = window.enter(forever);
  window.end();
  expect(await waiting).toBeUndefined();
  expect(await window.enter(forever)).toBeUndefined();
  window.leave(1);
  expect(window.tryEnter()).toBeUndefined();
});

test('call window: somebody waits, a newcomer does not overtake', async () => {
  const window = new CallWindow(1, 10);
  window.tryEnter();
  const waiting = window.enter(forever);
  window.leave(1);
  expect(window.tryEnter()).toBeUndefined();
  expect(await waiting).toBe(2);
});
