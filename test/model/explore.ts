/**
 * An explicit-state model checker: visits every reachable state of a model once, breadth first, so that the first violation is a shortest one.
 *
 * A state is kept as the bytes its model encodes it to, back to back in one arena in the order of discovery: the arena is at once the
 * queue, the set of visited states (an open-addressed table of indices into it) and, with one parent index a state, the memory of how
 * each state came about. States are compared byte for byte: no hash compaction, nothing reachable is missed. A trace stores no labels; it
 * is found again by repeating the steps of the states along it. Memory is bounded by `statesMax`, at which the exploration says `complete: false`.
 */

/** What a model tells the explorer about one state. Labels are for people. */
export interface Branches<S> {
  /** Something that could happen next. `change` gets a copy of the state that is its own to alter. */
  step(label: string, change: (next: S) => void): void;
  /** Something that could happen next and breaks an invariant (named as in the design, `I1` …). */
  violation(label: string, invariant: string, detail: string): void;
}

export interface Model<S> {
  initial(): S;
  /** Writes `state` into `bytes` from 0 on; equal states must give equal bytes. @returns how many bytes it wrote, up to `ENCODED_BYTES_MAX`. */
  encode(state: S, bytes: Uint8Array): number;
  decode(bytes: Uint8Array, from: number): S;
  /** Reports everything that could happen next. Must not alter `state`. */
  branch(state: S, branches: Branches<S>): void;
  /** What is wrong with a state in which nothing more can happen, if anything. */
  atRest?(state: S): { invariant: string; detail: string } | undefined;
}

interface Violation {
  readonly invariant: string;
  readonly detail: string;
  /** Labels of the steps that lead there, the breaking one last. */
  readonly trace: readonly string[];
}

export interface Exploration {
  readonly states: number;
  /** Steps from the initial state to the last layer entered. */
  readonly depth: number;
  /** False where `statesMax` was met first. */
  readonly complete: boolean;
  readonly violation?: Violation;
}

const ENCODED_BYTES_MAX = 512;
const STATES_MAX_DEFAULT = 4_000_000;

export function explore<S>(model: Model<S>, { statesMax = STATES_MAX_DEFAULT } = {}): Exploration {
  const visited = new StateArena();
  const scratch = new Uint8Array(ENCODED_BYTES_MAX);
  visited.add(scratch, model.encode(model.initial(), scratch), 0);
  let depth = 0;
  let layerEnd = 1;
  for (let at = 0; at < visited.size; at++) {
    if (visited.size > statesMax) return { states: visited.size, depth, complete: false };
    if (at === layerEnd) {
      layerEnd = visited.size;
      depth += 1;
    }
    const broken = visit(model, visited, at, scratch);
    if (broken) {
      const trace = [...labelsTo(model, visited, at), broken.label];
      return { states: visited.size, depth, complete: true, violation: { invariant: broken.invariant, detail: broken.detail, trace } };
    }
  }
  return { states: visited.size, depth, complete: true };
}

/** @returns the exploration as text: its size, and the numbered trace of a violation. */
export function describeExploration({ states, depth, complete, violation }: Exploration): string {
  const size = `${states} states, depth ${depth}${complete ? '' : ', INCOMPLETE'}`;
  if (!violation) return `${size}, no violation`;
  const steps = violation.trace.map((label, i) => `  ${String(i + 1).padStart(2)}. ${label}`);
  return [`${size}, ${violation.invariant} broken: ${violation.detail}`, ...steps].join('\n');
}

interface Broken {
  readonly label: string;
  readonly invariant: string;
  readonly detail: string;
}

function visit<S>(model: Model<S>, visited: StateArena, at: number, scratch: Uint8Array): Broken | undefined {
  let broken: Broken | undefined;
  let steps = 0;
  const state = model.decode(visited.bytes, visited.startOf(at));
  model.branch(state, {
    step(_label, change) {
      steps += 1;
      const next = model.decode(visited.bytes, visited.startOf(at));
      change(next);
      visited.add(scratch, model.encode(next, scratch), at);
    },
    violation(label, invariant, detail) {
      broken ??= { label, invariant, detail };
    },
  });
  if (broken || steps > 0) return broken;
  const wrong = model.atRest?.(state);
  return wrong && { label: 'nothing more happens', ...wrong };
}

function labelsTo<S>(model: Model<S>, visited: StateArena, last: number): string[] {
  const labels: string[] = [];
  const scratch = new Uint8Array(ENCODED_BYTES_MAX);
  for (let to = last; to !== 0; to = visited.parentOf(to)) {
    const from = visited.startOf(visited.parentOf(to));
    let found: string | undefined;
    model.branch(model.decode(visited.bytes, from), {
      step(label, change) {
        if (found !== undefined) return;
        const next = model.decode(visited.bytes, from);
        change(next);
        if (visited.find(scratch, model.encode(next, scratch)) === to) found = label;
      },
      violation() {},
    });
    labels.unshift(found ?? 'unknown step');
  }
  return labels;
}

/** Byte strings, numbered in the order they were added, each once. */
class StateArena {
  bytes = new Uint8Array(1 << 20);
  size = 0;
  #ends = new Float64Array(1 << 14);
  #parents = new Uint32Array(1 << 14);
  /** Index + 1 of a state, or 0; at most half full. */
  #table = new Uint32Array(1 << 15);

  startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }

  parentOf(index: number): number {
    return this.#parents[index] ?? 0;
  }

  add(from: Uint8Array, length: number, parent: number): void {
    const place = this.#placeOf(from, length);
    if (this.#table[place] !== 0) return;
    const start = this.startOf(this.size);
    if (start + length > this.bytes.length) this.bytes = grown(this.bytes, new Uint8Array(this.bytes.length * 2));
    if (this.size === this.#ends.length) {
      this.#ends = grown(this.#ends, new Float64Array(this.size * 2));
      this.#parents = grown(this.#parents, new Uint32Array(this.size * 2));
    }
    for (let i = 0; i < length; i++) this.bytes[start + i] = from[i] ?? 0;
    this.#ends[this.size] = start + length;
    this.#parents[this.size] = parent;
    this.size += 1;
    this.#table[place] = this.size;
    if (this.size * 2 > this.#table.length) this.#rehash();
  }

  /** @returns the index of the state with these bytes, or -1. */
  find(from: Uint8Array, length: number): number {
    return (this.#table[this.#placeOf(from, length)] ?? 0) - 1;
  }

  #placeOf(from: Uint8Array, length: number): number {
    const mask = this.#table.length - 1;
    let place = hashOf(from, 0, length) & mask;
    for (;;) {
      const index = (this.#table[place] ?? 0) - 1;
      if (index < 0 || this.#equals(index, from, length)) return place;
      place = (place + 1) & mask;
    }
  }

  #equals(index: number, from: Uint8Array, length: number): boolean {
    const start = this.startOf(index);
    if ((this.#ends[index] ?? 0) - start !== length) return false;
    for (let i = 0; i < length; i++) if (this.bytes[start + i] !== from[i]) return false;
    return true;
  }

  #rehash(): void {
    this.#table = new Uint32Array(this.#table.length * 2);
    const mask = this.#table.length - 1;
    for (let index = 0; index < this.size; index++) {
      let place = hashOf(this.bytes, this.startOf(index), this.startOf(index + 1)) & mask;
      while (this.#table[place] !== 0) place = (place + 1) & mask;
      this.#table[place] = index + 1;
    }
  }
}

function grown<A extends Uint8Array | Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

/** FNV-1a with a final mix. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
