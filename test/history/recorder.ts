/**
 * Records a history, event by event, in the order in which they happen. Where they go is the sink's matter: into memory, into a file, to a
 * checker that runs along, or to several of them.
 */
import { isError } from '../../src/base/errors.js';
import type { Consistency, HistoryEvent, Operation, ReturnEvent, RunEvent, ToldChange, Value } from './events.js';

export interface HistorySink {
  take(event: HistoryEvent): void;
  /** Resolves when there is room for more; where it is absent, there always is. */
  room?(): Promise<void>;
}

/** An operation that was called. */
export interface RecordedCall {
  done(value: Value, more?: { readonly sn?: number; readonly master?: string }): void;
  /** @returns what that means: `ReturnEvent.outcome`. */
  failed(error: unknown): 'failed' | 'unknown';
}

/** A watch that was begun. */
export interface RecordedWatch {
  told(changes: readonly ToldChange[], throughSn: number): void;
  /** @param error absent: its reader left it. */
  ended(error?: unknown): void;
}

export interface HistoryClock {
  monotonicMs(): number;
}

export class Recorder {
  readonly #sink: HistorySink;
  readonly #clock: HistoryClock;
  #lastId = 0;

  constructor(sink: HistorySink, clock: HistoryClock, run: Omit<RunEvent, 'event' | 'format'>) {
    this.#sink = sink;
    this.#clock = clock;
    sink.take({ event: 'run', format: 1, ...run });
  }

  call(process: string, operation: Operation, consistency?: Consistency): RecordedCall {
    const id = ++this.#lastId;
    this.#sink.take({ event: 'call', id, process, at: this.#at(), operation, ...(consistency === undefined ? {} : { consistency }) });
    return {
      done: (value, more = {}) => this.#sink.take({ event: 'return', id, at: this.#at(), outcome: 'ok', value, ...more }),
      failed: (error) => {
        const failure = failureOf(error);
        this.#sink.take({ event: 'return', id, at: this.#at(), ...failure });
        return failure.outcome;
      },
    };
  }

  watch(process: string, path: string, fromSn: number): RecordedWatch {
    const id = ++this.#lastId;
    this.#sink.take({ event: 'watch', id, process, at: this.#at(), path, fromSn });
    return {
      told: (changes, throughSn) => this.#sink.take({ event: 'told', id, at: this.#at(), changes, throughSn }),
      ended: (error) => {
        const failure = error === undefined ? ({ outcome: 'ok' } as const) : failureOf(error);
        this.#sink.take({ event: 'return', id, at: this.#at(), ...failure });
      },
    };
  }

  /** Who makes events without end awaits this now and then. */
  async room(): Promise<void> {
    await this.#sink.room?.();
  }

  done(path: string): void {
    this.#sink.take({ event: 'done', path, at: this.#at() });
  }

  note(text: string): void {
    this.#sink.take({ event: 'note', at: this.#at(), text });
  }

  /** To the microsecond. */
  #at(): number {
    return Math.round(this.#clock.monotonicMs() * 1_000) / 1_000;
  }
}

/** Codes of errors that leave open what happened, or what will. All others promise that nothing did: see `Client.mutate`. */
const UNKNOWN: readonly string[] = ['deadline_exceeded', 'cancelled', 'session_expired', 'outcome_unknown'];

type Failure = Pick<ReturnEvent, 'error' | 'errno' | 'message' | 'sn'> & { readonly outcome: 'failed' | 'unknown' };

function failureOf(error: unknown): Failure {
  if (!isError(error)) throw error;
  const { code, errno, message, sn } = error;
  const outcome = UNKNOWN.includes(code) ? 'unknown' : 'failed';
  return { outcome, error: code, message, ...(errno === undefined ? {} : { errno }), ...(sn === undefined ? {} : { sn }) };
}
