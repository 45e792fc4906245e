/** A client that lies in its history: of what a simulated world's clients were told one answer is altered, and the checker has to say so. */
import { beforeAll, expect, test } from 'vitest';
import { SeededRandom } from '../simulation/seeded-random.js';
import { World } from '../simulation/world.js';
import { PLAIN } from '../simulation/world-settings.js';
import type { CallEvent, HistoryEvent, ReturnEvent } from './events.js';
import { HistoryCheck } from './history-check.js';
import { MemorySink } from './sinks.js';

interface Answered {
  readonly place: number;
  readonly call: CallEvent;
  readonly calledAt: number;
  readonly answer: ReturnEvent;
}

type Lie = (one: Answered, all: readonly Answered[]) => Partial<ReturnEvent> | undefined;

const LIES_EACH = 3;
const LIMIT_MS = 120_000;
const SEED = 11;

const LIES: Readonly<Record<string, Lie>> = {
  'the inode of another creation': (one, all) => {
    if (!isMade(one)) return undefined;
    const other = all.find((another) => another !== one && isMade(another));
    return other?.answer.value && { value: other.answer.value };
  },
  'an inode that nobody else is told, of a file that is seen later': (one, all) => {
    const { operation } = one.call;
    if (!isMade(one) || operation.kind !== 'createFile') return undefined;
    const { id } = one.answer.value ?? {};
    const isSeen = all.some(({ place, answer }) => place > one.place && answer.value?.seen?.id === id);
    return isSeen ? { value: { id: 1_000_000 } } : undefined;
  },
  'an entry that was acknowledged to somebody else before the call': (one, all) => {
    if (!isMade(one)) return undefined;
    const before = all.findLast(({ place, answer }) => place < one.calledAt && answer.outcome === 'ok' && (answer.sn ?? 0) > 1);
    return before?.answer.sn === undefined ? undefined : { sn: before.answer.sn - 1 };
  },
  'what was there before': (one, all) => {
    const { operation } = one.call;
    const { seen } = one.answer.value ?? {};
    if (seen === undefined || operation.kind !== 'getStatus') return undefined;
    const older = all.find(({ place, call, answer: { value } }) => {
      const isSame = call.operation.kind === 'getStatus' && call.operation.path === operation.path;
      return place < one.calledAt && isSame && value?.seen !== undefined && value.seen.id !== seen.id;
    });
    return older?.answer.value && { value: older.answer.value };
  },
  'a creation that was refused, as done': ({ call: { operation }, answer }) => {
    const isRefused = operation.kind === 'createFile' && operation.overwrite !== true && answer.errno === 'EEXIST';
    return isRefused ? { outcome: 'ok', value: { id: 1_000_000 } } : undefined;
  },
};

let events: readonly HistoryEvent[] = [];
let answered: readonly Answered[] = [];

beforeAll(async () => {
  const sink = new MemorySink();
  const { violations } = await World.run(SEED, { ...PLAIN, lifeMs: 1_500, clients: 2, workersPerClient: 4 }, { along: sink });
  expect(violations).toEqual([]);
  events = sink.events;
  answered = answersIn(events);
}, LIMIT_MS);

test.each(Object.entries(LIES))('%s: told', { timeout: LIMIT_MS }, (name, lie) => {
  const random = new SeededRandom(SEED, name);
  const lies = answered.flatMap((one) => {
    const altered = lie(one, answered);
    return altered === undefined ? [] : [{ place: one.place, event: { ...one.answer, ...altered } }];
  });
  expect(lies.length).toBeGreaterThan(0);
  for (let round = 0; round < LIES_EACH; round++) {
    const { place, event } = random.pick(lies);
    const check = new HistoryCheck();
    for (const each of events.with(place, event)) check.take(each);
    const { violations, undecided } = check.end();
    expect(violations, `id=${event.id} was told ${JSON.stringify(event)}`).not.toEqual([]);
    expect(undecided).toEqual([]);
  }
});

function isMade({ call: { operation }, answer }: Answered): boolean {
  return operation.kind === 'createFile' && answer.outcome === 'ok';
}

function answersIn(all: readonly HistoryEvent[]): Answered[] {
  const called = new Map<number, { readonly call: CallEvent; readonly at: number }>();
  return all.flatMap((event, place) => {
    if (event.event === 'call') called.set(event.id, { call: event, at: place });
    const asked = event.event === 'return' ? called.get(event.id) : undefined;
    return event.event === 'return' && asked !== undefined ? [{ place, call: asked.call, calledAt: asked.at, answer: event }] : [];
  });
}
