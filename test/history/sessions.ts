/**
 * What reads of standbys promise by numbers alone: none is older than the entry that it asked for, and one of a session none older than
 * anything that its client was told before it asked. That an answer is the state as of its entry is the search's matter (search.ts).
 */
import type { HistoryEvent, ReturnEvent } from './events.js';

interface Asked {
  readonly client: string;
  readonly what: string;
  /** No answer may be older. */
  readonly floor: number;
}

export class Sessions {
  readonly violations: string[] = [];
  /** The newest entry that each client was told of. */
  readonly #told = new Map<string, number>();
  readonly #asked = new Map<number, Asked>();

  take(event: HistoryEvent): void {
    if (event.event === 'call') {
      const { id, process, operation, consistency } = event;
      const client = process.slice(0, Math.max(0, process.lastIndexOf('.')));
      const what = `${process} ${operation.kind} ${'path' in operation ? operation.path : ''} id=${id}`;
      this.#asked.set(id, { client, what, floor: this.#floor(client, consistency) });
    } else if (event.event === 'return') this.#answered(event);
  }

  #floor(client: string, consistency: unknown): number {
    if (consistency === 'session') return this.#told.get(client) ?? 0;
    if (typeof consistency === 'object' && consistency !== null && 'atLeastSn' in consistency) return Number(consistency.atLeastSn);
    return 0;
  }

  #answered({ id, sn, value }: ReturnEvent): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined) return;
    const { client, what, floor } = asked;
    let last = floor;
    for (const each of [...(value?.pages ?? []).map((page) => page.sn), ...(sn === undefined ? [] : [sn])]) {
      if (each < last) this.violations.push(`history: ${what} was answered as of sn=${each}, and sn=${last} was asked for, or told before`);
      last = Math.max(last, each);
    }
    if (last > floor || sn !== undefined) this.#told.set(client, Math.max(this.#told.get(client) ?? 0, last));
  }
}
