/** Time and scheduling, injected everywhere: real in production, virtual in simulations. */
export interface Clock {
  /** Unix time in milliseconds. May jump in either direction. */
  wallMs(): number;
  /** Milliseconds since some fixed moment, with fractions; never goes back. */
  monotonicMs(): number;
  /** Calls `fn` once, after at least `delayMs`. */
  setTimer(delayMs: number, fn: () => void): Timer;
  /** Calls `fn` after the events at hand have been handled (setImmediate): what a tick brings is gathered until then. */
  defer(fn: () => void): void;
}

export interface Timer {
  /** Idempotent; harmless after the timer has fired. */
  cancel(): void;
}
