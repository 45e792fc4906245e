/**
 * Checks a history as it comes, in bounded memory: parts that are `done` are checked and forgotten.
 *
 * Parts are what lies below different names in the root. An operation that spans two makes them one.
 */
import { checkPart } from './check-part.js';
import type { HistoryEvent, ToldChange, WatchEvent } from './events.js';
import type { Feed } from './feeds.js';
import { OpTable, pathsOf } from './operations.js';
import type { HistorySink } from './recorder.js';
import { Sessions } from './sessions.js';

export interface HistoryVerdict {
  readonly violations: readonly string[];
  readonly undecided: readonly string[];
  readonly operations: number;
  readonly parts: number;
  /** That the searches looked at. */
  readonly states: number;
}

interface Part {
  /** Those of merged parts are one object. */
  readonly table: OpTable;
  readonly feeds: Map<number, Feed>;
  open: number;
  isDone: boolean;
}

const STATES_MAX = 200_000;

export class HistoryCheck implements HistorySink {
  readonly #statesMax: number;
  readonly #sessions = new Sessions();
  readonly #parts = new Map<string, Part>();
  readonly #partOf = new Map<number, string>();
  readonly #watches = new Map<number, { readonly event: WatchEvent; throughSn: number }>();
  readonly #violations: string[] = [];
  readonly #undecided: string[] = [];
  #events = 0;
  #operations = 0;
  #checked = 0;
  #states = 0;

  constructor(statesMax = STATES_MAX) {
    this.#statesMax = statesMax;
  }

  take(event: HistoryEvent): void {
    const at = ++this.#events;
    this.#sessions.take(event);
    switch (event.event) {
      case 'call': {
        this.#operations += 1;
        const root = rootOf(pathsOf(event.operation)[0] ?? '/');
        this.#partOf.set(event.id, root);
        const part = this.#part(root);
        part.open += 1;
        part.table.take(event, at);
        return;
      }
      case 'return': {
        const root = this.#partOf.get(event.id);
        if (root === undefined) return;
        this.#partOf.delete(event.id);
        const part = this.#part(root);
        part.table.take(event, at);
        part.open -= 1;
        return;
      }
      case 'watch':
        this.#watches.set(event.id, { event, throughSn: event.fromSn - 1 });
        return;
      case 'told':
        return this.#told(event.id, event.changes, event.throughSn);
      case 'done': {
        const root = rootOf(event.path);
        const part = this.#parts.get(root);
        if (part !== undefined) part.isDone = true;
        return;
      }
    }
  }

  /** Checks what is left. */
  end(): HistoryVerdict {
    for (const part of this.#parts.values()) this.#check(part);
    this.#parts.clear();
    return {
      violations: [...this.#sessions.violations, ...this.#violations],
      undecided: this.#undecided,
      operations: this.#operations,
      parts: this.#checked,
      states: this.#states,
    };
  }

  #part(root: string): Part {
    const known = this.#parts.get(root);
    if (known !== undefined) return known;
    const part: Part = { table: new OpTable(), feeds: new Map(), open: 0, isDone: false };
    this.#parts.set(root, part);
    return part;
  }

  #told(id: number, changes: readonly ToldChange[], throughSn: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.throughSn = throughSn;
    const { path, process, fromSn } = watch.event;
    for (const [root, part] of this.#parts) {
      if (path !== '/' && rootOf(path) !== root) continue;
      const feed = part.feeds.get(id) ?? { id, process, path, fromSn, throughSn, changes: [] };
      feed.throughSn = throughSn;
      for (const change of changes)
        if ([change.path, change.toPath].some((one) => one !== undefined && rootOf(one) === root)) feed.changes.push(change);
      part.feeds.set(id, feed);
    }
  }

  #check(part: Part): void {
    const { violations, undecided, states } = checkPart(part.table.end(), [...part.feeds.values()], this.#statesMax);
    this.#violations.push(...violations);
    this.#undecided.push(...undecided);
    this.#states += states;
    this.#checked += 1;
  }
}

function rootOf(path: string): string {
  return path.slice(0, path.indexOf('/', 1) < 0 ? path.length : path.indexOf('/', 1));
}
