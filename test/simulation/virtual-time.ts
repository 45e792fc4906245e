/**
 * Virtual time: a queue of events in the order (time, order of asking), run one by one.
 *
 * Between two events everything that the first one set off is run to its end: the production code waits by promises alone, so one turn of
 * the real event loop (`setImmediate`) drains it. Real time passes meanwhile, but what happens is a function of the queue alone.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../src/base/clock.js';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly label: string;
  /** Undefined once it was cancelled. */
  fn: (() => void) | undefined;
}

/** `fault`, `operation` and `violation` are the world's own; the others are what its processes log. */
export type NoteLevel = 'debug' | 'info' | 'warn' | 'error' | 'fault' | 'operation' | 'violation';

export type NoteValues = Readonly<Record<string, unknown>>;

/** Something that happened, for whoever listens. */
export interface Note {
  /** A process, or a part of the world. */
  readonly by: string;
  readonly level?: NoteLevel;
  readonly message: string;
  readonly values?: NoteValues;
}

/** Unix time at which every world begins. */
const WORLD_BEGINS_MS = 1_750_000_000_000;

export class VirtualTime implements Clock {
  readonly #queue: Event[] = [];
  readonly #trace = createHash('sha256');
  #nowMs = 0;
  #order = 0;
  #steps = 0;

  readonly #heard: (note: Note, atMs: number) => void;

  /** @param heard is told what is noted by the world and its processes. It is no part of the trace. */
  constructor(heard: (note: Note, atMs: number) => void = () => {}) {
    this.#heard = heard;
  }

  /** Events that have run: a clock without two equal readings at different events. */
  get steps(): number {
    return this.#steps;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return WORLD_BEGINS_MS + Math.floor(this.#nowMs);
  }

  setTimer(delayMs: number, fn: () => void, label = 'timer'): Timer {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, label, fn };
    this.#push(event);
    return {
      cancel: () => {
        event.fn = undefined;
      },
    };
  }

  defer(fn: () => void): void {
    this.setTimer(0, fn, 'defer');
  }

  note(note: Note): void {
    this.#heard(note, this.#nowMs);
  }

  /** @returns the hash of all that happened so far. */
  traceHash(): string {
    return this.#trace.copy().digest('hex');
  }

  /** Runs the next event and all that it sets off. @returns whether there was one before `untilMs`. */
  async step(untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (let event = this.#queue[0]; event !== undefined && event.atMs <= untilMs; event = this.#queue[0]) {
      this.#pop();
      if (event.fn === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      this.#steps++;
      this.#trace.update(`${this.#steps} ${this.#nowMs} ${event.label}\n`);
      event.fn();
      await settled();
      return true;
    }
    return false;
  }

  #push(event: Event): void {
    const queue = this.#queue;
    let at = queue.length;
    for (; at > 0; ) {
      const above = (at - 1) >> 1;
      const parent = queue[above] as Event;
      if (!before(event, parent)) break;
      queue[at] = parent;
      at = above;
    }
    queue[at] = event;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop() as Event;
    if (queue.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && before(queue[child + 1] as Event, queue[child] as Event)) child++;
      if (!before(queue[child] as Event, last)) break;
      queue[at] = queue[child] as Event;
      at = child;
    }
    queue[at] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Resolves when all promises that can settle by themselves have. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
