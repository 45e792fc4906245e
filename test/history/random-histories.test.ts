/**
 * Histories by chance: what a plain model answered at moments between calls and returns has to hold; and with one answer changed, the checker has to
 * say what trying all orders says.
 */
import { expect, test } from 'vitest';
import { SeededRandom } from '../simulation/seeded-random.js';
import type { HistoryEvent, Mutation, Operation, ReturnEvent, Seen, Value } from './events.js';
import { HistoryCheck } from './history-check.js';
import { OpTable } from './operations.js';
import { act, isExplained, type PlainState } from './plain-model.js';

const HISTORIES = Number(process.env.HISTORIES ?? 500);
const PATHS = ['/d', '/d/a', '/d/b', '/d/t', '/d/t/a', '/e', '/e/a'];

type Answer = Omit<ReturnEvent, 'event' | 'id' | 'at'>;
type Stage = { readonly id: number; readonly operation: Operation; answer: Answer | null };

/** Processes call, take effect and return in turns that are drawn; some of them never hear what became of it. */
class Generator {
  readonly events: HistoryEvent[] = [{ event: 'run', format: 1, clock: 'none' }];
  readonly #random: SeededRandom;
  readonly #named: boolean;
  /** Share of calls of which nobody hears what became of them. */
  readonly #unheard: number;
  readonly #open = new Map<string, Stage>();
  /** Of unknown outcome, which may still take effect. */
  readonly #late: Stage[] = [];
  #state: PlainState = new Map();
  #nextId = 2;
  #sn = 0;
  #calls = 0;

  /** @param named answers tell entries. */
  constructor(random: SeededRandom, named: boolean) {
    this.#random = random;
    this.#named = named;
    this.#unheard = random.pick([0.12, 0.12, 0.4]);
  }

  make(operations: number, processes: number): readonly HistoryEvent[] {
    while (this.#calls < operations || this.#open.size > 0) this.#step(`c${this.#random.below(processes)}.0`, operations);
    return this.events;
  }

  #step(process: string, operations: number): void {
    const random = this.#random;
    if (this.#late.length > 0 && random.chance(0.2)) this.#takeEffect(this.#late.splice(random.below(this.#late.length), 1)[0] as Stage);
    const stage = this.#open.get(process);
    if (stage === undefined) {
      if (this.#calls >= operations) return;
      const next: Stage = { id: ++this.#calls, operation: drawn(random), answer: null };
      this.#open.set(process, next);
      this.events.push({ event: 'call', id: next.id, process, at: this.events.length, operation: next.operation });
    } else if (random.chance(this.#unheard)) {
      if (stage.answer === null && random.chance(0.5)) this.#late.push(stage);
      this.#answer(process, stage, { outcome: 'unknown', error: 'deadline_exceeded' });
    } else if (stage.answer === null) this.#takeEffect(stage);
    else this.#answer(process, stage, stage.answer);
  }

  #answer(process: string, { id }: Stage, answer: Answer): void {
    this.#open.delete(process);
    this.events.push({ event: 'return', id, at: this.events.length, ...answer });
  }

  #takeEffect(stage: Stage): void {
    const answer = act(this.#state, stage.operation, this.#nextId);
    this.#nextId += 10;
    if ('errnos' in answer) {
      const errno = this.#random.pick(answer.errnos);
      stage.answer = { outcome: 'failed', error: 'x', errno, ...(this.#named ? { sn: this.#sn } : {}) };
      return;
    }
    if (answer.state !== this.#state) this.#sn += 1;
    this.#state = answer.state;
    const value = this.#named ? withSn(answer.value, this.#sn) : answer.value;
    stage.answer = { outcome: 'ok', value, ...(this.#named ? { sn: this.#sn } : {}) };
  }
}

function withSn(value: Value, sn: number): Value {
  return value.pages === undefined ? value : { pages: value.pages.map((page) => ({ ...page, sn })) };
}

function drawn(random: SeededRandom): Operation {
  const path = random.pick(PATHS);
  const kind = random.below(13);
  if (kind < 9) return kind === 8 ? { kind: 'batch', steps: [changeOf(random), changeOf(random)] } : changeOf(random);
  return { kind: random.pick(['getStatus', 'getStatus', 'list', 'getXattr', 'countTree'] as const), path };
}

function changeOf(random: SeededRandom): Mutation {
  const path = random.pick(PATHS);
  const overwrite = random.chance(0.5);
  switch (random.below(8)) {
    case 0:
    case 1:
      return { kind: 'createDirectory', path, mode: 0o755, ...(random.chance(0.3) ? { allowExists: true } : {}) };
    case 2:
    case 3:
      return { kind: 'createFile', path, mode: 0o644, completeLength: 5, overwrite };
    case 4:
      return { kind: 'remove', path, recursive: random.chance(0.5) };
    case 5:
      return { kind: 'setMode', path, mode: 0o700 + random.below(8) };
    case 6:
      return { kind: 'setXattr', path, value: `x${random.below(3)}` };
    default:
      return { kind: 'rename', from: path, to: random.pick(PATHS), overwrite };
  }
}

/** @returns the history with one answer another one. */
function spoilt(events: readonly HistoryEvent[], random: SeededRandom): readonly HistoryEvent[] {
  const answers = events.flatMap((event, place) => (event.event === 'return' && event.outcome !== 'unknown' ? [place] : []));
  if (answers.length === 0) return events;
  const at = random.pick(answers);
  return events.with(at, { ...(events[at] as ReturnEvent), ...otherAnswer(events[at] as ReturnEvent, random) });
}

function otherAnswer({ outcome, value = {} }: ReturnEvent, random: SeededRandom): Partial<ReturnEvent> {
  if (outcome === 'failed') return { errno: random.pick(['ENOENT', 'EEXIST', 'ENOTDIR', 'ENOTEMPTY', 'ENODATA']) };
  const { seen, pages, xattr, files, id } = value;
  const other = <T extends Seen>(one: T): T =>
    random.chance(0.5) ? { ...one, id: 2 + random.below(60) } : { ...one, mode: 0o700 + random.below(8) };
  if (random.chance(0.3)) return { outcome: 'failed', error: 'x', errno: random.pick(['ENOENT', 'EEXIST']), value: {} };
  if (seen !== undefined) return { value: { seen: other(seen) } };
  if (xattr !== undefined) return { value: { xattr: `x${random.below(3)}` } };
  if (files !== undefined) return { value: { ...value, files: random.below(4) } };
  if (id !== undefined) return { value: { id: 2 + random.below(60) } };
  const [page] = pages ?? [];
  if (page === undefined) return { outcome: 'failed', error: 'x', errno: 'ENOENT', value: {} };
  return { value: { pages: [{ ...page, entries: random.chance(0.5) ? page.entries.slice(1) : page.entries.map(other) }] } };
}

function verdict(events: readonly HistoryEvent[]): readonly string[] {
  const check = new HistoryCheck();
  for (const event of events) check.take(event);
  const { violations, undecided } = check.end();
  expect(undecided).toEqual([]);
  return violations;
}

function allOrders(events: readonly HistoryEvent[]): boolean {
  const table = new OpTable();
  for (const [at, event] of events.entries()) table.take(event, at);
  return isExplained(
    table.end(),
    new Map(events.flatMap((event) => (event.event === 'call' ? [[event.id, event.operation] as const] : []))),
  );
}

test(`${HISTORIES} histories by chance: those that happened hold; those with one answer changed, as trying all orders says`, () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  const sums = { broken: 0, equivalent: 0 };
  for (let at = 0; at < HISTORIES; at++) {
    const random = new SeededRandom(seed + at, 'history');
    const tell = (told: readonly HistoryEvent[]) => [`seed=${seed + at}`, ...told.map((event) => JSON.stringify(event))].join('\n');
    const events = new Generator(random, at % 2 === 0).make(5 + random.below(5), 2 + random.below(3));
    expect(verdict(events), tell(events)).toEqual([]);
    const other = spoilt(events, random);
    const isFine = allOrders(other);
    sums[isFine ? 'equivalent' : 'broken'] += 1;
    if (!isFine) expect(verdict(other), `one answer is wrong: ${tell(other)}`).not.toEqual([]);
    else if (at % 2 === 1) expect(verdict(other), `one answer is another one that may be: ${tell(other)}`).toEqual([]);
  }
  process.stdout.write(`histories from seed=${seed}: ${JSON.stringify(sums)}\n`);
  expect(sums.broken).toBeGreaterThan(HISTORIES / 3);
  expect(sums.equivalent).toBeGreaterThan(10);
});
