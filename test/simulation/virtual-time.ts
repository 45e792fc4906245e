/**
 * Virtual time: a queue of events in the order (time, order of asking), run one by one.
 *
 * Between two events everything that the first one set off is run to its end: the production code waits by promises alone, and Node settles
 * all promises that can be between two callbacks of `setImmediate`, even where many are due in the same turn of its loop. Real time passes
 * meanwhile, but what happens is a function of the queue alone.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../src/base/clock.js';

/** What a process logs; what is done to the world or found in it; what its clients call and how that ended. */
export type NoteLevel = 'debug' | 'info' | 'warn' | 'error' | 'fault' | 'violation' | 'call' | 'ok' | 'failed' | 'unknown';

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

/** Events that are run in one turn of Node's loop. */
const TURN_EVENTS = 256;
/** Numbers of the trace that are hashed at once. */
const TRACE_CHUNK = 2_048;
/** A heap of fewer is not worth tidying. */
const TIDY_MIN = 64;

class Event implements Timer {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was cancelled, or has run. */
  fn: (() => void) | undefined;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime, atMs: number, order: number, fn: () => void) {
    this.#time = time;
    this.atMs = atMs;
    this.order = order;
    this.fn = fn;
  }

  cancel(): void {
    if (this.fn === undefined) return;
    this.fn = undefined;
    this.#time.cancelled();
  }
}

export class VirtualTime implements Clock {
  #queue: Event[] = [];
  /** Events in the queue that were cancelled. */
  #idle = 0;
  readonly #trace = createHash('sha256');
  readonly #untraced = new Float64Array(TRACE_CHUNK);
  #untracedCount = 0;
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

  setTimer(delayMs: number, fn: () => void): Timer {
    const event = new Event(this, this.#nowMs + Math.max(0, delayMs), this.#order++, fn);
    this.#push(event);
    return event;
  }

  defer(fn: () => void): void {
    this.setTimer(0, fn);
  }

  /** For its events only. */
  cancelled(): void {
    this.#idle++;
    if (this.#queue.length > TIDY_MIN && this.#idle > this.#queue.length / 2) this.#tidy();
  }

  note(note: Note): void {
    this.#heard(note, this.#nowMs);
  }

  /** @returns the hash of the times and numbers of all events so far: two runs of one seed have to agree in it. */
  traceHash(): string {
    return this.#trace.copy().update(this.#untraced.subarray(0, this.#untracedCount)).digest('hex');
  }

  /** Runs the events up to `untilMs`, each with all that it sets off, as long as there are any and `goesOn`, which is asked before each. */
  run(untilMs: number, goesOn: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      let turnsLeft = 0;
      const turn = () => {
        turnsLeft--;
        if (isOver) return;
        try {
          if (goesOn() && this.#step(untilMs)) {
            if (turnsLeft === 0) moreTurns();
            return;
          }
          resolve();
        } catch (error) {
          reject(error);
        }
        isOver = true;
      };
      const moreTurns = () => {
        for (; turnsLeft < TURN_EVENTS; turnsLeft++) setImmediate(turn);
      };
      moreTurns();
    });
  }

  /** @returns whether there was an event. */
  #step(untilMs: number): boolean {
    for (let event = this.#queue[0]; event !== undefined && event.atMs <= untilMs; event = this.#queue[0]) {
      this.#pop();
      const { fn } = event;
      if (fn === undefined) {
        this.#idle--;
        continue;
      }
      event.fn = undefined;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      this.#steps++;
      this.#traceEvent(event);
      fn();
      return true;
    }
    return false;
  }

  #traceEvent({ atMs, order }: Event): void {
    this.#untraced[this.#untracedCount] = atMs;
    this.#untraced[this.#untracedCount + 1] = order;
    this.#untracedCount += 2;
    if (this.#untracedCount < TRACE_CHUNK) return;
    this.#trace.update(this.#untraced);
    this.#untracedCount = 0;
  }

  /** Leaves out what was cancelled. What is left is in order, and so is a heap. */
  #tidy(): void {
    this.#queue = this.#queue.filter(({ fn }) => fn !== undefined).sort((a, b) => (before(a, b) ? -1 : 1));
    this.#idle = 0;
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
