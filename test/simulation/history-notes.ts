/** The history of a world as notes for its timeline: each operation twice, when it is called and when its client is answered. */
import type { CallEvent, HistoryEvent, ReturnEvent } from '../history/events.js';
import type { HistorySink } from '../history/recorder.js';
import type { Note } from './virtual-time.js';

export class HistoryNotes implements HistorySink {
  readonly #note: (note: Note) => void;
  /** Calls that are not answered. */
  readonly #open = new Map<number, CallEvent>();

  constructor(note: (note: Note) => void) {
    this.#note = note;
  }

  take(event: HistoryEvent): void {
    if (event.event === 'call') {
      this.#open.set(event.id, event);
      const { id, process, operation, consistency } = event;
      const { kind, ...what } = operation;
      this.#note({ by: process, level: 'call', message: kind, values: { call: id, ...what, ...(consistency && { consistency }) } });
    } else if (event.event === 'return') this.#returned(event);
  }

  #returned({ id, outcome, error, message, sn, value }: ReturnEvent): void {
    const call = this.#open.get(id);
    if (call === undefined) return;
    this.#open.delete(id);
    const told = outcome === 'ok' ? value : { error, message };
    this.#note({
      by: call.process,
      level: outcome,
      message: call.operation.kind,
      values: { call: id, ...(sn !== undefined && { sn }), ...told },
    });
  }
}
