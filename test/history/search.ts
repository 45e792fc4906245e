/**
 * Looks for an order of the operations of a history that explains all of their answers: an order in which each operation takes effect at one
 * moment between its call and its return (Herlihy and Wing), found by Wing and Gong's search with Lowe's memory of where it was before.
 *
 * - What changes nothing is put into the order as soon as its answer is right: sooner is never worse. Only changes are branched over.
 * - The numbers of entries that answers tell say which change to try first. A wrong one costs time, never the truth of the verdict.
 * - A change of unknown outcome may take effect at any moment after its call, or never. It is tried only right before what it conflicts with,
 *   with nothing but others of unknown outcome between them: whatever else comes between could as well have come before it. If nothing follows
 *   that conflicts, it is as good as never made. So those of which nobody sees anything cost nothing. Of those that do not conflict with each
 *   other one order is tried.
 * - Where the power was cut, dozens are of unknown outcome, and a look at all of them has as many explanations to try as they have subsets. So
 *   orders with few of those that no watcher told of come first (limited discrepancy search). Only a search that left out nothing for that says
 *   that there is no order.
 * - With `claims` the numbers are held to what they promise: an answer as of an entry sees all changes up to it and none behind. Then the order is
 *   given but for what is unknown, and reads of standbys have a place in it.
 *
 * The verdict `violation` means that there is no such order; `undecided`, that the search was given up at its bound.
 */
import { Conflicts } from './conflicts.js';
import { isRead } from './events.js';
import { NamespaceSpec } from './namespace-spec.js';
import { isLook, isWeak, type Op } from './operations.js';
import { mix } from './tree.js';
import { WantedPaths } from './wanted.js';

export interface SearchSettings {
  readonly claims: boolean;
  /** States to look at. */
  readonly statesMax: number;
  /** Of operations of unknown outcome, by index: the entry that they seem to have made. */
  readonly hints: ReadonlyMap<number, number>;
}

/** Where a search came farthest: what was in the order, and what could not follow. */
export interface Stuck {
  readonly order: readonly Op[];
  readonly blocked: readonly { readonly op: Op; readonly expected: string }[];
}

export interface SearchResult {
  readonly verdict: 'explained' | 'violation' | 'undecided';
  readonly states: number;
  readonly stuck: Stuck | null;
}

interface Order {
  readonly all: readonly number[];
  readonly placeOf: ReadonlyMap<number, number>;
  /** All before this place is done. */
  from: number;
}

interface Frame {
  /** To go back to, before what led here. */
  readonly treeMark: number;
  readonly orderMark: number;
  /** Of unknown outcome, and just made: what follows has to conflict with each of them. */
  obliging: readonly number[];
  /** Of these the one that nothing follows yet; -1: there is none. */
  latest: number;
  choices: number[];
  next: number;
  stage: 'new' | 'likely' | 'all';
}

const BLOCKED_SHOWN = 12;
/** Of unknown outcome, and told of by no watcher: how many an order may hold, search by search. */
const UNTOLD_MAX = [0, 1, 2, 3, Number.POSITIVE_INFINITY];
/** Share of the states that each search but the last may look at. */
const SHARE = 0.1;

export function search(ops: readonly Op[], settings: SearchSettings): SearchResult {
  let states = 0;
  let result: SearchResult = { verdict: 'undecided', states, stuck: null };
  for (const untoldMax of UNTOLD_MAX) {
    const left = settings.statesMax - states;
    const statesMax = untoldMax === Number.POSITIVE_INFINITY ? left : Math.min(left, Math.floor(settings.statesMax * SHARE));
    result = new Search(ops, { ...settings, statesMax }, untoldMax).run();
    states += result.states;
    if (result.verdict !== 'undecided') break;
  }
  return { ...result, states };
}

class Search {
  readonly #ops: readonly Op[];
  readonly #settings: SearchSettings;
  readonly #spec: NamespaceSpec;
  readonly #conflicts: Conflicts;
  readonly #wanted: WantedPaths;
  /** Those that have to be in the order, by their calls, and by their returns. */
  readonly #byCall: Order;
  readonly #byReturn: Order;
  readonly #unknown: readonly number[];
  /** With `claims`: those that tell an entry, by that entry, changes first. */
  readonly #bySn: Order;
  readonly #isDone: Uint8Array;
  readonly #order: number[] = [];
  readonly #seen = new Set<string>();
  readonly #doneHash = { low: 0, high: 0 };
  /** Some of those that tell the lowest entry are done. */
  #isBegun = false;
  readonly #untoldMax: number;
  #untold = 0;
  /** An order that holds more of them was passed over. */
  #isCut = false;
  #required = 0;
  #requiredDone = 0;
  #states = 0;
  #best = -1;
  #stuck: Stuck | null = null;

  constructor(ops: readonly Op[], settings: SearchSettings, untoldMax: number) {
    this.#settings = settings;
    this.#untoldMax = untoldMax;
    this.#ops = ops.filter((op) => isChecked(op, settings.claims));
    const made = new Set(this.#ops.flatMap(idsMade));
    this.#spec = new NamespaceSpec(made);
    this.#wanted = new WantedPaths(this.#ops, made);
    this.#conflicts = new Conflicts(this.#ops);
    const all = this.#ops.map((_, at) => at);
    const required = all.filter((at) => this.#op(at).outcome !== 'unknown');
    this.#required = required.length;
    this.#byCall = orderOf(required.toSorted((a, b) => this.#op(a).calledAt - this.#op(b).calledAt));
    this.#byReturn = orderOf(required.toSorted((a, b) => this.#op(a).returnedAt - this.#op(b).returnedAt));
    const claiming = settings.claims ? required.filter((at) => this.#op(at).sn > 0) : [];
    this.#bySn = orderOf(claiming.sort((a, b) => this.#compareClaims(a, b)));
    this.#unknown = all.filter((at) => this.#op(at).outcome === 'unknown');
    this.#isDone = new Uint8Array(this.#ops.length);
  }

  run(): SearchResult {
    const frames: Frame[] = [this.#frame([], -1)];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      if (frame.stage === 'new') {
        const told = this.#takeWhatFits(frame);
        if (this.#requiredDone === this.#required) return { verdict: 'explained', states: this.#states, stuck: null };
        if (!this.#isNew(frame)) {
          this.#leave(frames);
          continue;
        }
        frame.stage = 'likely';
        frame.choices = [...told, ...this.#likely()];
      }
      const choice = frame.choices[frame.next];
      if (choice === undefined) {
        if (frame.stage === 'likely') this.#addUnlikely(frame);
        else this.#leave(frames);
        continue;
      }
      frame.next += 1;
      const isTried = frame.stage === 'all' && this.#isUnknown(choice);
      if (!this.#mayFollow(frame, choice, isTried)) continue;
      if (++this.#states > this.#settings.statesMax) {
        this.#noteStuck();
        return { verdict: 'undecided', states: this.#states, stuck: this.#stuck };
      }
      const obliging = this.#stillObliging(frame, choice);
      const next = isTried ? this.#frame([...obliging, choice], choice) : this.#frame(obliging, -1);
      const effect = this.#spec.take(this.#op(choice));
      if (effect === 'impossible' || (effect === 'none' && this.#isUnknown(choice))) continue;
      // What changes nothing never has to wait.
      if (effect === 'none') frame.choices.length = frame.next;
      this.#put(choice);
      if (this.#isUnknown(choice) && this.#isInVain(choice)) this.#back(next);
      else frames.push(next);
    }
    return { verdict: this.#isCut ? 'undecided' : 'violation', states: this.#states, stuck: this.#stuck };
  }

  #op(at: number): Op {
    return this.#ops[at] as Op;
  }

  #isUnknown(at: number): boolean {
    return this.#op(at).outcome === 'unknown';
  }

  #isUntold(at: number): boolean {
    return this.#isUnknown(at) && this.#hint(at) === undefined;
  }

  #frame(obliging: readonly number[], latest: number): Frame {
    return { treeMark: this.#spec.tree.mark(), orderMark: this.#order.length, obliging, latest, choices: [], next: 0, stage: 'new' };
  }

  #mayFollow(frame: Frame, choice: number, isTried: boolean): boolean {
    if (!this.#isUnknown(choice)) return this.#stillObliging(frame, choice).length === 0;
    if (!isTried) return true;
    return frame.latest < choice || this.#conflicts.between(this.#op(frame.latest), this.#op(choice));
  }

  /** @returns those that nothing that conflicts with them follows, not even `at`. */
  #stillObliging({ obliging }: Frame, at: number): number[] {
    return obliging.filter((one) => !this.#conflicts.between(this.#op(one), this.#op(at)));
  }

  #leave(frames: Frame[]): void {
    const frame = frames.pop() as Frame;
    if (frame.stage === 'all') this.#noteStuck();
    this.#back(frame);
  }

  #back({ orderMark, treeMark }: Frame): void {
    while (this.#order.length > orderMark) this.#takeOut();
    this.#spec.tree.backTo(treeMark);
  }

  /** @returns whether a change of unknown outcome, which was just put in the order, leads nowhere, or not in this search. */
  #isInVain(at: number): boolean {
    if (this.#wanted.isOtherForGood(this.#op(at), this.#spec.tree, this.#isDone)) return true;
    if (!this.#isUntold(at) || this.#untold <= this.#untoldMax) return false;
    this.#isCut = true;
    return true;
  }

  #put(at: number): void {
    this.#isDone[at] = 1;
    this.#order.push(at);
    this.#countDone(at, 1);
  }

  #takeOut(): void {
    const at = this.#order.pop() as number;
    this.#isDone[at] = 0;
    for (const order of [this.#byCall, this.#byReturn, this.#bySn]) {
      order.from = Math.min(order.from, order.placeOf.get(at) ?? order.from);
    }
    this.#countDone(at, -1);
  }

  #countDone(at: number, sign: number): void {
    if (!this.#isUnknown(at)) this.#requiredDone += sign;
    else if (this.#isUntold(at)) this.#untold += sign;
    this.#doneHash.low = (this.#doneHash.low + sign * mix(at, 1)) | 0;
    this.#doneHash.high = (this.#doneHash.high + sign * mix(at, 2)) | 0;
  }

  /** Puts all in the order that is right now and changes nothing. @returns those that are right if what they tell is taken as told. */
  #takeWhatFits(frame: Frame): number[] {
    for (;;) {
      const told: number[] = [];
      let isMore = false;
      for (const at of this.#due()) {
        const op = this.#op(at);
        if (!isLook(op) && op.outcome !== 'refused') continue;
        const mark = this.#spec.tree.mark();
        const effect = this.#spec.take(op);
        if (effect === 'none') {
          this.#put(at);
          isMore = true;
          frame.obliging = this.#stillObliging(frame, at);
          frame.latest = -1;
        } else if (effect === 'told') {
          this.#spec.tree.backTo(mark);
          told.push(at);
        }
      }
      if (!isMore) return told;
    }
  }

  /** @returns those that may be next: no other one had returned before they were called. */
  #due(): number[] {
    const firstReturn = this.#firstReturn();
    const mayBeNext = (at: number) => this.#op(at).calledAt < firstReturn || isWeak(this.#op(at));
    const due: number[] = [];
    if (this.#settings.claims) {
      const next = this.#nextClaims().filter(mayBeNext);
      const changes = next.filter((at) => isChange(this.#op(at)));
      // Of one entry the change that made it comes first; where none of them can have made it, it is somebody else's.
      due.push(...(this.#isBegun || changes.length === 0 ? next : changes));
      for (const at of this.#within(firstReturn)) if (this.#op(at).sn === 0) due.push(at);
    } else due.push(...this.#within(firstReturn));
    return due;
  }

  #firstReturn(): number {
    const first = this.#firstNotDone(this.#byReturn);
    return first === undefined ? Number.POSITIVE_INFINITY : this.#op(first).returnedAt;
  }

  *#within(firstReturn: number): Iterable<number> {
    this.#firstNotDone(this.#byCall);
    const { all, from } = this.#byCall;
    for (let place = from; place < all.length; place++) {
      const at = all[place] as number;
      if (this.#op(at).calledAt >= firstReturn) return;
      if (this.#isDone[at] === 0) yield at;
    }
  }

  /** @returns those that tell the lowest entry. */
  #nextClaims(): number[] {
    const { all } = this.#bySn;
    const first = this.#firstNotDone(this.#bySn);
    if (first === undefined) return [];
    const { sn } = this.#op(first);
    let [begin, end] = [this.#bySn.from, this.#bySn.from];
    while (begin > 0 && this.#op(all[begin - 1] as number).sn === sn) begin--;
    while (end < all.length && this.#op(all[end] as number).sn === sn) end++;
    const next = all.slice(begin, end).filter((at) => this.#isDone[at] === 0);
    this.#isBegun = next.length < end - begin;
    return next;
  }

  #firstNotDone(order: Order): number | undefined {
    while (order.from < order.all.length && this.#isDone[order.all[order.from] as number] === 1) order.from++;
    return order.all[order.from];
  }

  /** @returns changes that were acknowledged, and of the others those that seem to have come before; the earliest first. */
  #likely(): number[] {
    const due = this.#due();
    const changes = due.filter((at) => isChange(this.#op(at)));
    const earliest = Math.min(
      ...due
        .map((at) => this.#op(at))
        .filter(({ sn }) => sn > 0)
        .map((op) => (isChange(op) ? op.sn : op.sn + 0.5)),
    );
    const firstReturn = this.#firstReturn();
    const hinted = this.#unknown.filter(
      (at) => this.#isDone[at] === 0 && this.#op(at).calledAt < firstReturn && (this.#hint(at) ?? Number.POSITIVE_INFINITY) <= earliest,
    );
    const rank = (at: number) => this.#hint(at) ?? (this.#op(at).sn || Number.MAX_SAFE_INTEGER);
    return [...changes, ...hinted].sort((a, b) => rank(a) - rank(b) || this.#op(a).returnedAt - this.#op(b).returnedAt || a - b);
  }

  #hint(at: number): number | undefined {
    return this.#settings.hints.get(this.#op(at).index);
  }

  /** Of unknown outcome, that what may be next conflicts with, or one of these, or one that was tried as likely. */
  #addUnlikely(frame: Frame): void {
    frame.stage = 'all';
    const firstReturn = this.#firstReturn();
    let rest = this.#unknown.filter((at) => this.#isDone[at] === 0 && this.#op(at).calledAt < firstReturn && !frame.choices.includes(at));
    const reached = [...this.#due(), ...frame.choices.filter((at) => this.#isUnknown(at))];
    for (let place = 0; place < reached.length && rest.length > 0; place++) {
      const by = this.#op(reached[place] as number);
      const found = rest.filter((at) => this.#conflicts.between(this.#op(at), by));
      rest = rest.filter((at) => !found.includes(at));
      reached.push(...found);
      frame.choices.push(...found);
    }
  }

  /** @returns whether the search comes here for the first time. */
  #isNew({ obliging, latest }: Frame): boolean {
    const { low, high } = this.#spec.tree.hash;
    const key = `${low} ${high} ${this.#doneHash.low} ${this.#doneHash.high} ${latest} ${obliging}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  #noteStuck(): void {
    if (this.#requiredDone <= this.#best) return;
    this.#best = this.#requiredDone;
    const due = this.#due();
    const late = this.#settings.claims ? this.#nextClaims().filter((at) => !due.includes(at)) : [];
    this.#stuck = {
      order: this.#order.map((at) => this.#op(at)),
      blocked: [
        ...due.map((at) => ({ op: this.#op(at), expected: this.#spec.expected(this.#op(at)) })),
        ...late.map((at) => ({
          op: this.#op(at),
          expected: `a later entry: id=${this.#op(this.#firstNotDone(this.#byReturn) as number).id} had returned before it was called`,
        })),
      ].slice(0, BLOCKED_SHOWN),
    };
  }

  #compareClaims(a: number, b: number): number {
    const [one, other] = [this.#op(a), this.#op(b)];
    return one.sn - other.sn || Number(isChange(other)) - Number(isChange(one)) || one.returnedAt - other.returnedAt;
  }
}

function orderOf(all: readonly number[]): Order {
  return { all, placeOf: new Map(all.map((at, place) => [at, place])), from: 0 };
}

/** It was acknowledged, and may have changed something. */
function isChange(op: Op): boolean {
  return op.outcome === 'ok' && !isLook(op);
}

function isChecked(op: Op, claims: boolean): boolean {
  if (op.outcome === 'nothing') return false;
  if (!isLook(op)) return true;
  if (op.outcome === 'unknown') return false;
  return !isWeak(op) || (claims && op.sn > 0);
}

/** @returns inode ids that makers were told. */
export function idsMade({ operation, value, outcome }: Op): number[] {
  if (outcome !== 'ok' || operation.kind === 'listPart' || isRead(operation)) return [];
  const steps = operation.kind === 'batch' ? operation.steps : [operation];
  const ids = value.ids ?? [value.id ?? null];
  return steps.flatMap((step, at) => {
    const makes = step.kind === 'createFile' || (step.kind === 'createDirectory' && !step.allowExists);
    return makes ? (ids[at] ?? []) : [];
  });
}
