/**
 * Checks a history as it comes, in bounded memory: what is `done` is checked and forgotten.
 *
 * It is cut into parts by the first names of its paths: what lies below different names in the root has nothing to do with each other, unless an
 * operation spans both; then they are one part.
 */
import { checkPart } from './check-part.js';
import type { CallEvent, HistoryEvent, ReturnEvent, ToldEvent, WatchEvent } from './events.js';
import type { Feed } from './feeds.js';
import { Inodes } from './inodes.js';
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
  /** Names in the root; what lies below them is checked together. */
  readonly roots: Set<string>;
  /** Of these: nothing is called there any more. */
  readonly done: Set<string>;
}

interface Watched {
  readonly watch: WatchEvent;
  /** It was told that there is nothing more up to here. */
  throughSn: number;
}

const STATES_MAX = 100_000;
/** Errors that a watch may end with: nobody answers for now, or what it would begin with was collected. */
const PASSING_OF_WATCHES: ReadonlySet<string> = new Set(['unavailable', 'resource_exhausted', 'out_of_range']);
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
  readonly #watches = new Map<number, Watched>();
  /** Names in the root whose parts were checked and forgotten. */
  readonly #checked = new Set<string>();
  /** Of all inodes: what grows with the history, beside the names in the root. */
  readonly #inodes = new Inodes();
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
    else if (event.event === 'watch') this.#watches.set(event.id, { watch: event, throughSn: event.fromSn - 1 });
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
    const roots = pathsOf(event.operation).map(rootOf);
    const [first = '/', ...others] = roots;
    let part = this.#part(first);
    for (const other of others) part = this.#joined(part, this.#part(other));
    // Whoever looks at the root looks at all.
    if (roots.includes('/')) for (const other of new Set(this.#parts.values())) part = this.#joined(part, other);
    for (const root of roots) {
      part.roots.add(root);
      if (this.#checked.has(root)) this.#violations.push(`history: id=${event.id} was called at ${root}, which was said to be done`);
    }
    this.#partOf.set(event.id, first);
    part.events.push({ at: this.#events, event });
    part.open += 1;
    this.#sums.operations += 1;
  }

  #returned(event: ReturnEvent): void {
    const watched = this.#watches.get(event.id);
    if (watched !== undefined) this.#watchEnded(watched.watch, event);
    const root = this.#partOf.get(event.id);
    if (root === undefined) return;
    this.#partOf.delete(event.id);
    const part = this.#part(root);
    part.events.push({ at: this.#events, event });
    part.open -= 1;
  }

  #watchEnded({ id, process, path }: WatchEvent, { outcome, error = '', message = '' }: ReturnEvent): void {
    this.#watches.delete(id);
    if (outcome !== 'failed' || PASSING_OF_WATCHES.has(error)) return;
    this.#violations.push(`watch: ${process}, who watches ${path}, was told ${error}: ${message}`);
  }

  #told({ id, changes, throughSn }: ToldEvent): void {
    const watched = this.#watches.get(id);
    if (watched === undefined) return;
    const { path, process, fromSn } = watched.watch;
    const late = changes.find(({ sn }) => sn <= watched.throughSn);
    if (late !== undefined) {
      this.#violations.push(`watch: ${process}, who watches ${path}, was told sn=${late.sn} behind all up to sn=${watched.throughSn}`);
    }
    watched.throughSn = Math.max(watched.throughSn, throughSn);
    // What is not called, or was checked already, is nobody's.
    for (const part of path === '/' ? new Set(this.#parts.values()) : this.#known(rootOf(path))) {
      const feed = part.feeds.get(id) ?? { id, process, path, fromSn, throughSn: watched.throughSn, changes: [] };
      feed.throughSn = watched.throughSn;
      for (const change of changes) if (this.#parts.get(rootOf(change.path)) === part) feed.changes.push(change);
      part.feeds.set(id, feed);
    }
  }

  #done(path: string): void {
    for (const part of this.#known(rootOf(path))) part.done.add(rootOf(path));
    const done = [...new Set(this.#parts.values())].filter(({ roots, done: all, open }) => all.size === roots.size && open === 0);
    for (const part of done.slice(0, -PARTS_KEPT)) this.#check(part);
  }

  #part(root: string): Part {
    const [known] = this.#known(root);
    if (known !== undefined) return known;
    const part: Part = { events: [], feeds: new Map(), open: 0, roots: new Set([root]), done: new Set() };
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
    for (const root of other.roots) one.roots.add(root);
    for (const root of other.done) one.done.add(root);
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
      this.#inodes,
    );
    this.#violations.push(...violations);
    this.#undecided.push(...undecided);
    this.#sums.states += states;
    this.#sums.lost += lost;
    this.#sums.duplicated += duplicated;
    this.#sums.parts += 1;
    for (const [root, known] of this.#parts) if (known === part) this.#parts.delete(root);
    for (const root of part.done) this.#checked.add(root);
  }
}

function rootOf(path: string): string {
  const end = path.indexOf('/', 1);
  return end < 0 ? path : path.slice(0, end);
}
