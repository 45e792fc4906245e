/**
 * What a model can still do, and what it cannot help doing: questions about whole paths, for which its states and steps are kept as a graph.
 *
 * For models of up to some hundred thousand states; safety is explored with `explore`, which keeps less and goes further.
 */
import type { Model } from './explore.js';

interface Graph<S> {
  /** The states in the order of discovery, from the initial one. */
  readonly states: readonly S[];
  /** Of each state, where its steps lead. */
  readonly edges: readonly (readonly Edge[])[];
}

interface Edge {
  readonly label: string;
  readonly to: number;
}

const STATES_MAX = 400_000;
const ENCODED_BYTES_MAX = 512;

/**
 * @returns the labels of a shortest path to a state from which `goal` cannot be reached by steps that `counts` (of anybody's, unless it is
 *   given); undefined where there is none such.
 */
export function deadEnd<S>(
  model: Model<S>,
  goal: (state: S) => boolean,
  counts: (label: string) => boolean = () => true,
): readonly string[] | undefined {
  const { states, edges } = graphOf(model);
  const into: number[][] = states.map(() => []);
  edges.forEach((steps, from) => {
    for (const { label, to } of steps) if (counts(label)) into[to]?.push(from);
  });
  const can = states.map(goal);
  for (const queue = can.flatMap((yes, at) => (yes ? [at] : [])); queue.length > 0; )
    for (const from of into[queue.pop() ?? 0] ?? []) {
      if (can[from]) continue;
      can[from] = true;
      queue.push(from);
    }
  const stuck = can.indexOf(false);
  return stuck < 0 ? undefined : pathTo(edges, stuck);
}

/** How a model gets to its goal, whatever happens: in at most `steps`; or, if it need not, a path that ends in a circle or at rest. */
export type Inevitability = { readonly steps: number } | { readonly path: readonly string[]; readonly circle: readonly string[] };

export function inevitably<S>(model: Model<S>, goal: (state: S) => boolean): Inevitability {
  const { states, edges } = graphOf(model);
  /** Steps that a state may need at most; -1 while it is on the path in hand. */
  const longest = new Map<number, number>();
  const path: { at: number; edge: number; steps: number; label: string }[] = [{ at: 0, edge: 0, steps: 0, label: '' }];
  longest.set(0, -1);
  for (;;) {
    const top = path.at(-1);
    if (!top) return { steps: longest.get(0) ?? 0 };
    const state = states[top.at];
    const steps = state === undefined || goal(state) ? [] : (edges[top.at] ?? []);
    const edge = steps[top.edge++];
    if (state !== undefined && !goal(state) && steps.length === 0) return { path: path.slice(1).map(({ label }) => label), circle: [] };
    if (!edge) {
      longest.set(top.at, top.steps);
      path.pop();
      const parent = path.at(-1);
      if (parent) parent.steps = Math.max(parent.steps, top.steps + 1);
      continue;
    }
    const known = longest.get(edge.to);
    if (known === undefined) {
      longest.set(edge.to, -1);
      path.push({ at: edge.to, edge: 0, steps: 0, label: edge.label });
    } else if (known < 0) {
      const from = path.findIndex(({ at }) => at === edge.to);
      const labels = path.map(({ label }) => label);
      return { path: labels.slice(1, from + 1), circle: [...labels.slice(from + 1), edge.label] };
    } else top.steps = Math.max(top.steps, known + 1);
  }
}

function graphOf<S>(model: Model<S>): Graph<S> {
  const states: S[] = [];
  const edges: Edge[][] = [];
  const found = new Map<string, number>();
  const scratch = new Uint8Array(ENCODED_BYTES_MAX);
  const add = (state: S): number => {
    const length = model.encode(state, scratch);
    const key = Buffer.from(scratch.buffer, 0, length).toString('latin1');
    const known = found.get(key);
    if (known !== undefined) return known;
    if (states.length === STATES_MAX) throw new RangeError(`more than ${STATES_MAX} states`);
    found.set(key, states.length);
    return states.push(state) - 1;
  };
  add(model.initial());
  for (let at = 0; at < states.length; at++) {
    const state = states[at];
    if (state === undefined) break;
    const steps: Edge[] = [];
    model.branch(state, {
      step(label, change) {
        const next = structuredCopy(model, state, scratch);
        change(next);
        steps.push({ label, to: add(next) });
      },
      violation(label, invariant, detail) {
        throw new Error(`${label}: ${invariant} broken: ${detail}`);
      },
    });
    edges.push(steps);
  }
  return { states, edges };
}

function structuredCopy<S>(model: Model<S>, state: S, scratch: Uint8Array): S {
  model.encode(state, scratch);
  return model.decode(scratch, 0);
}

function pathTo(edges: readonly (readonly Edge[])[], goal: number): string[] {
  const from = new Map<number, { at: number; label: string }>();
  for (let queue = [0]; queue.length > 0 && !from.has(goal); ) {
    const next: number[] = [];
    for (const at of queue)
      for (const { label, to } of edges[at] ?? []) {
        if (to === 0 || from.has(to)) continue;
        from.set(to, { at, label });
        next.push(to);
      }
    queue = next;
  }
  const labels: string[] = [];
  for (let at = from.get(goal); at; at = from.get(at.at)) labels.unshift(at.label);
  return labels;
}
