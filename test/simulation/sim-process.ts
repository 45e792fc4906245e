/**
 * One process of the world, from its start to its end; a restart is another one.
 *
 * Whatever reaches the code of a process from outside (timers, bytes, storage that answers, elections) passes its gate. A paused process
 * gets it all later, in order; a killed one gets nothing ever again, so its code stands still for good at the await where it was.
 */
import type { Clock, Timer } from '../../src/base/clock.js';
import type { Log } from '../../src/base/log.js';
import type { HostClock } from './host-clock.js';
import type { SeededRandom } from './seeded-random.js';
import type { NoteLevel, NoteValues, VirtualTime } from './virtual-time.js';

export class SimProcess {
  readonly name: string;
  readonly host: string;
  readonly random: SeededRandom;
  /** Time as this process sees it. */
  readonly clock: Clock;
  /** Becomes notes of the world. */
  readonly log: Log;
  readonly #time: VirtualTime;
  readonly #waiting: (() => void)[] = [];
  readonly #atEnd: (() => void)[] = [];
  readonly #timers = new Set<GatedTimer>();
  #state: 'running' | 'paused' | 'dead' = 'running';
  /** Whose code ran last, of all processes. */
  static #last: SimProcess | undefined;

  constructor(name: string, time: VirtualTime, random: SeededRandom, hostClock: HostClock) {
    this.name = name;
    this.host = name.slice(0, name.indexOf('#'));
    this.random = random;
    this.#time = time;
    const at = (level: NoteLevel) => (values: NoteValues, message: string) => time.note({ by: name, level, message, values });
    this.log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    const bornMs = hostClock.monotonicMs();
    this.clock = {
      wallMs: () => hostClock.wallMs(),
      monotonicMs: () => hostClock.monotonicMs() - bornMs,
      setTimer: (delayMs, fn) => this.#setTimer(hostClock.realDelayMs(delayMs) + random.float() * 0.05, fn),
      defer: (fn) => {
        this.#setTimer(0, fn);
      },
    };
  }

  /** How many are set and have not fired. */
  get timers(): number {
    return this.#timers.size;
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  get paused(): boolean {
    return this.#state === 'paused';
  }

  /** Runs `fn` as something that reaches this process from outside: now, when it goes on, or never. */
  deliver(fn: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#state === 'paused' || this.#waiting.length > 0) this.#waiting.push(fn);
    else {
      SimProcess.#last = this;
      fn();
    }
  }

  static get last(): SimProcess | undefined {
    return SimProcess.#last;
  }

  /** Called where its code reaches for something outside: code that does so while it is paused, or dead, has come past the gate. */
  reaches(what: string): void {
    if (this.#state !== 'running')
      this.#time.note({ by: this.name, level: 'violation', message: `ran while it was ${this.#state}: ${what}` });
  }

  /** @returns what settles as `promise` does, through the gate. */
  gate<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.deliver(() => resolve(value)),
        (error: unknown) => this.deliver(() => reject(error)),
      );
    });
  }

  /** Items of `items`, each through the gate. Leaving the loop early ends the source. */
  async *gateAll<T>(items: AsyncIterable<T>): AsyncIterable<T> {
    const source = items[Symbol.asyncIterator]();
    let over = false;
    try {
      for (;;) {
        const next = await this.gate(source.next());
        if (next.done) {
          over = true;
          return;
        }
        yield next.value;
      }
    } catch (error) {
      over = true;
      throw error;
    } finally {
      if (!over) await this.gate(Promise.resolve(source.return?.()));
    }
  }

  /** A signal that is aborted as `signal` is, through the gate. */
  gateSignal(signal: AbortSignal): AbortSignal {
    const controller = new AbortController();
    const pass = () => this.deliver(() => controller.abort(signal.reason));
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', pass, { once: true });
    return controller.signal;
  }

  /** Calls `fn` when this process ends: to let go what the operating system would. */
  atEnd(fn: () => void): void {
    if (this.alive) this.#atEnd.push(fn);
    else fn();
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#catchUp();
  }

  kill(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#waiting.length = 0;
    for (const fn of this.#atEnd.splice(0)) fn();
  }

  #setTimer(delayMs: number, fn: () => void): Timer {
    this.reaches('a timer');
    const timer = new GatedTimer(this, fn, this.#timers);
    timer.outside = this.#time.setTimer(delayMs, timer.fire);
    return timer;
  }

  /** What waited gets its turn, one event each. */
  #catchUp(): void {
    if (this.#state !== 'running' || this.#waiting.length === 0) return;
    this.#time.defer(() => {
      if (this.#state !== 'running') return;
      SimProcess.#last = this;
      this.#waiting.shift()?.();
      this.#catchUp();
    });
  }
}

/** A timer behind the gate of its process: cancelled for good, even where it has fired and waits at the gate. */
class GatedTimer implements Timer {
  outside: Timer | undefined;
  readonly fire: () => void;
  #fn: (() => void) | undefined;
  readonly #among: Set<GatedTimer>;

  /** @param among those that are set. */
  constructor(process: SimProcess, fn: () => void, among: Set<GatedTimer>) {
    this.#fn = fn;
    this.#among = among;
    among.add(this);
    const pass = () => {
      among.delete(this);
      this.#fn?.();
    };
    this.fire = () => process.deliver(pass);
  }

  cancel(): void {
    this.#fn = undefined;
    this.#among.delete(this);
    this.outside?.cancel();
  }
}
