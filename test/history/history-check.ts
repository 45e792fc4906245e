/**
 * Checks a history as it comes, in bounded memory: what is `done` is checked and forgotten.
 *
 * It is cut into parts by the first names of its paths: what lies below different names in the root has nothing to do with each other, unless an
 * operation spans both; then they are one part.
 */
import { checkPart } from './check-part.js';
import type { CallEvent, HistoryEvent, ReturnEvent, ToldEvent, WatchEvent } from './events.js';
import type { Feed } from './feeds.js';
import { OpTable, pathsOf } from './operations.js';
import type { HistorySink } from './recorder.js';
import { Sessions } from './sessions.js';

export interface HistoryVerdict {
  /** Each begins with what is broken: `history:` or `watch:`. */
  readonly violations: readonly string[];
  /** Parts for which the search was given up at its bound. */
  readonly undecided: readonly string[];
  /** Changes that were acknowledged and are not there. */
  readonly lost: number;
  /** Changes that were made once more. */
  readonly duplicated: number;
  readonly operations: number;
  readonly parts: number;
  /** That the searches looked at. */
  readonly states: number;
}

interface Part {
  readonly events: { readonly at: number; readonly event: CallEvent | ReturnEvent }[];
  readonly feeds: Map<number, Feed>;
  /** Calls that have not returned. */
  open: number;
  isDone: boolean;
}

const STATES_MAX = 100_000;
/** What is done is checked when so much more is: watchers may still tell of it. */
const PARTS_KEPT = 2;
/** Violations that are told of. */
const TOLD_MAX = 50;

export class HistoryCheck implements HistorySink {
  readonly #statesMax: number;
  readonly #sessions = new Sessions();
  /** Of each name in the root; parts that were joined are one object. */
  readonly #parts = new Map<string, Part>();
  readonly #partOf = new Map<number, string>();
  readonly #watches = new Map<number, WatchEvent>();
  /** Of all inodes: the only thing that grows with the history. */
  readonly #makers = new Map<number, number>();
  readonly #violations: string[] = [];
  readonly #undecided: string[] = [];
  #events = 0;
  #sums = { operations: 0, parts: 0, states: 0, lost: 0, duplicated: 0 };

  /** @param statesMax that are looked at for one part before it is given up. */
  constructor(statesMax = STATES_MAX) {
    this.#statesMax = statesMax;
  }

  take(event: HistoryEvent): void {
    this.#events += 1;
    this.#sessions.take(event);
    if (event.event === 'call') this.#called(event);
    else if (event.event === 'return') this.#returned(event);
    else if (event.event === 'watch') this.#watches.set(event.id, event);
    else if (event.event === 'told') this.#told(event);
    else if (event.event === 'done') this.#done(event.path);
  }

  /** What was found so far. */
  get verdict(): HistoryVerdict {
    const violations = [...this.#sessions.violations, ...this.#violations];
    return { violations: violations.slice(0, TOLD_MAX), undecided: this.#undecided, ...this.#sums };
  }

  /** Checks what is left. @returns the verdict on all of it. */
  end(): HistoryVerdict {
    for (const part of new Set(this.#parts.values())) this.#check(part);
    return this.verdict;
  }

  #called(event: CallEvent): void {
    const [first = '/', ...others] = pathsOf(event.operation).map(rootOf);
    let part = this.#part(first);
    for (const other of others) part = this.#joined(part, this.#part(other));
    // Whoever looks at the root looks at all.
    if (first === '/') for (const other of new Set(this.#parts.values())) part = this.#joined(part, other);
    this.#partOf.set(event.id, first);
    part.events.push({ at: this.#events, event });
    part.open += 1;
    this.#sums.operations += 1;
  }

  #returned(event: ReturnEvent): void {
    this.#watches.delete(event.id);
    const root = this.#partOf.get(event.id);
    if (root === undefined) return;
    this.#partOf.delete(event.id);
    const part = this.#part(root);
    part.events.push({ at: this.#events, event });
    part.open -= 1;
  }

  #told({ id, changes, throughSn }: ToldEvent): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    const { path, process, fromSn } = watch;
    // What is not called, or was checked already, is nobody's.
    for (const part of path === '/' ? new Set(this.#parts.values()) : this.#known(rootOf(path))) {
      const feed = part.feeds.get(id) ?? { id, process, path, fromSn, throughSn, changes: [] };
      feed.throughSn = throughSn;
      for (const change of changes) if (this.#parts.get(rootOf(change.path)) === part) feed.changes.push(change);
      part.feeds.set(id, feed);
    }
  }

  #done(path: string): void {
    for (const part of this.#known(rootOf(path))) part.isDone = true;
    const done = [...new Set(this.#parts.values())].filter(({ isDone, open }) => isDone && open === 0);
    for (const part of done.slice(0, -PARTS_KEPT)) this.#check(part);
  }

  #part(root: string): Part {
    const [known] = this.#known(root);
    if (known !== undefined) return known;
    const part: Part = { events: [], feeds: new Map(), open: 0, isDone: false };
    this.#parts.set(root, part);
    return part;
  }

  #known(root: string): Part[] {
    const known = this.#parts.get(root) ?? this.#parts.get('/');
    return known === undefined ? [] : [known];
  }

  #joined(one: Part, other: Part): Part {
    if (one === other) return one;
    one.events.push(...other.events);
    one.events.sort((a, b) => a.at - b.at);
    one.open += other.open;
    for (const [id, feed] of other.feeds) {
      const known = one.feeds.get(id);
      const changes = [...(known?.changes ?? []), ...feed.changes].sort((a, b) => a.sn - b.sn || a.step - b.step);
      one.feeds.set(id, { ...feed, changes });
    }
    for (const [root, part] of this.#parts) if (part === other) this.#parts.set(root, one);
    return one;
  }

  #check(part: Part): void {
    const table = new OpTable();
    for (const { at, event } of part.events) table.take(event, at);
    const { violations, undecided, states, lost, duplicated } = checkPart(
      table.end(),
      [...part.feeds.values()],
      this.#statesMax,
      this.#makers,
    );
    this.#violations.push(...violations);
    this.#undecided.push(...undecided);
    this.#sums.states += states;
    this.#sums.lost += lost;
    this.#sums.duplicated += duplicated;
    this.#sums.parts += 1;
    for (const [root, known] of this.#parts) if (known === part) this.#parts.delete(root);
  }
}

function rootOf(path: string): string {
  const end = path.indexOf('/', 1);
  return end < 0 ? path : path.slice(0, end);
}
