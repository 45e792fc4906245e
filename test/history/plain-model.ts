/**
 * The namespace once more, as plainly as it can be written (all of it is copied for each change), and a check of histories that tries every order:
 * what the checker's own model and its search are held against. Good for a dozen operations.
 */
import type { Mutation, Operation, Read, Value } from './events.js';
import type { Op } from './operations.js';

interface PlainFile {
  readonly id: number;
  readonly directory: boolean;
  readonly mode: number;
  readonly xattr: string;
}

/** By paths. */
export type PlainState = ReadonlyMap<string, PlainFile>;

type PlainAnswer = { readonly errnos: readonly string[] } | { readonly state: PlainState; readonly value: Value };

const LENGTH = 5;

/** @param nextId for what is made. */
export function act(state: PlainState, operation: Operation, nextId: number): PlainAnswer {
  if (operation.kind !== 'batch') return isPlainRead(operation) ? look(state, operation) : change(state, operation, nextId);
  let now = state;
  const ids: (number | null)[] = [];
  for (const step of operation.steps) {
    const answer = change(now, step, nextId + ids.length);
    if ('errnos' in answer) return answer;
    now = answer.state;
    ids.push(answer.value.id ?? null);
  }
  return { state: now, value: { ids } };
}

function change(state: PlainState, step: Mutation, nextId: number): PlainAnswer {
  switch (step.kind) {
    case 'createFile':
    case 'createDirectory': {
      const wrong = wayTo(state, step.path);
      const there = state.get(step.path);
      const directory = step.kind === 'createDirectory';
      if (wrong.length > 0) return { errnos: wrong };
      if (there !== undefined) {
        if (step.kind === 'createDirectory') {
          return step.allowExists && there.directory ? { state, value: { id: there.id } } : { errnos: ['EEXIST'] };
        }
        if (!step.overwrite) return { errnos: ['EEXIST'] };
        if (there.directory) return { errnos: ['EISDIR'] };
      }
      const file = { id: nextId, directory, mode: step.mode, xattr: '' };
      return { state: new Map([...state, [step.path, file]]), value: { id: nextId } };
    }
    case 'remove': {
      const wrong = wayTo(state, step.path);
      if (wrong.length > 0) return { errnos: wrong };
      if (!state.has(step.path)) return { errnos: ['ENOENT'] };
      if (below(state, step.path).length > 0 && !step.recursive) return { errnos: ['ENOTEMPTY'] };
      return { state: without(state, step.path), value: {} };
    }
    case 'rename':
      return move(state, step);
    case 'setMode':
    case 'setXattr': {
      const wrong = wayTo(state, step.path);
      if (wrong.length > 0) return { errnos: wrong };
      const there = state.get(step.path);
      if (there === undefined) return { errnos: ['ENOENT'] };
      const after = step.kind === 'setMode' ? { ...there, mode: step.mode } : { ...there, xattr: step.value };
      return { state: new Map([...state, [step.path, after]]), value: { id: there.id } };
    }
    default:
      throw new Error(`the plain model knows no ${step.kind}`);
  }
}

function move(state: PlainState, { from, to, overwrite = false }: Mutation & { kind: 'rename' }): PlainAnswer {
  const lost = [...wayTo(state, from), ...(wayTo(state, from).length === 0 && !state.has(from) ? ['ENOENT'] : [])];
  const toWrong = wayTo(state, to);
  // What is missing above the target counts only where there is something to move.
  if (lost.length > 0) return { errnos: [...lost, ...toWrong.filter((errno) => errno !== 'ENOENT')] };
  if (toWrong.length > 0) return { errnos: [...toWrong, ...(toWrong.includes('ENOENT') && to.startsWith(`${from}/`) ? ['EINVAL'] : [])] };
  const moved = state.get(from) as PlainFile;
  const there = state.get(to);
  if (from === to) return { state, value: {} };
  const errnos: string[] = [];
  if (to.startsWith(`${from}/`)) errnos.push('EINVAL');
  if (there !== undefined && !overwrite) errnos.push('EEXIST');
  if (there !== undefined && overwrite) {
    if (there.directory && !moved.directory) errnos.push('EISDIR');
    if (!there.directory && moved.directory) errnos.push('ENOTDIR');
    if (below(state, to).length > 0) errnos.push('ENOTEMPTY');
  }
  if (errnos.length > 0) return { errnos };
  const all = [from, ...below(state, from)].map((path) => [`${to}${path.slice(from.length)}`, state.get(path) as PlainFile] as const);
  return { state: new Map([...without(without(state, to), from), ...all]), value: {} };
}

function look(state: PlainState, { kind, path }: Read): PlainAnswer {
  const wrong = wayTo(state, path);
  if (wrong.length > 0) return { errnos: wrong };
  const there = state.get(path);
  if (there === undefined) return { errnos: ['ENOENT'] };
  if (kind === 'getXattr') return there.xattr === '' ? { errnos: ['ENODATA'] } : { state, value: { xattr: there.xattr } };
  if (kind === 'getStatus') return { state, value: { seen: seen(state, path) } };
  if (kind === 'countTree') {
    const all = [path, ...below(state, path)].map((one) => state.get(one)?.directory === true);
    return { state, value: { files: all.filter((is) => !is).length, directories: all.filter((is) => is).length } };
  }
  const names = there.directory ? below(state, path).filter((one) => !one.slice(path.length + 1).includes('/')) : [path];
  const entries = names.sort().map((one) => ({ name: one.slice(one.lastIndexOf('/') + 1), ...seen(state, one) }));
  return { state, value: { pages: [{ sn: 0, entries }] } };
}

function seen(state: PlainState, path: string) {
  const { id, directory, mode } = state.get(path) as PlainFile;
  const children = below(state, path).filter((one) => !one.slice(path.length + 1).includes('/')).length;
  return { id, directory, mode, ...(directory ? { children } : { length: LENGTH }) };
}

/** @returns what is wrong above it. */
function wayTo(state: PlainState, path: string): string[] {
  const names = path.slice(1).split('/').slice(0, -1);
  for (let depth = 1; depth <= names.length; depth++) {
    const above = state.get(`/${names.slice(0, depth).join('/')}`);
    if (above === undefined) return ['ENOENT'];
    if (!above.directory) return ['ENOTDIR'];
  }
  return [];
}

function below(state: PlainState, path: string): string[] {
  return [...state.keys()].filter((one) => one.startsWith(`${path}/`));
}

function without(state: PlainState, path: string): PlainState {
  return new Map([...state].filter(([one]) => one !== path && !one.startsWith(`${path}/`)));
}

function isPlainRead(operation: Operation): operation is Read {
  return ['getStatus', 'list', 'getXattr', 'countTree'].includes(operation.kind);
}

/** @returns whether any order of `ops` (of kinds that this model knows, without parts of listings) explains them: all orders are tried. */
export function isExplained(ops: readonly Op[], original: ReadonlyMap<number, Operation>): boolean {
  return tryAll(new Map(), ops, original, new Map(), 1_000);
}

function tryAll(
  state: PlainState,
  left: readonly Op[],
  original: ReadonlyMap<number, Operation>,
  ids: ReadonlyMap<number, number>,
  nextId: number,
): boolean {
  const required = left.filter(({ outcome }) => outcome === 'ok' || outcome === 'refused');
  if (required.length === 0) return true;
  const firstReturn = Math.min(...required.map(({ returnedAt }) => returnedAt));
  return left.some((op) => {
    if (op.outcome === 'nothing' || op.calledAt >= firstReturn) return false;
    const answer = act(state, original.get(op.id) as Operation, nextId);
    const rest = left.filter((one) => one !== op);
    if ('errnos' in answer) {
      return op.outcome === 'refused' && answer.errnos.includes(op.errno) && tryAll(state, rest, original, ids, nextId + 10);
    }
    if (op.outcome === 'refused') return false;
    if (op.outcome === 'unknown') return tryAll(answer.state, rest, original, ids, nextId + 10);
    const known = matched(answer.value, op.value, ids);
    return known !== null && tryAll(answer.state, rest, original, known, nextId + 10);
  });
}

/** @returns which of the model's ids stand for which that were told, if the two answers are alike but for these; else null. */
function matched(mine: Value, told: Value, ids: ReadonlyMap<number, number>): ReadonlyMap<number, number> | null {
  const known = new Map(ids);
  const isSame = (one: unknown, other: unknown, key: string): boolean => {
    if (key === 'sn') return true;
    if ((key === 'id' || key === 'ids') && typeof one === 'number' && typeof other === 'number') {
      if (known.has(one)) return known.get(one) === other;
      if ([...known.values()].includes(other)) return false;
      known.set(one, other);
      return true;
    }
    if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return one === other;
    const [keys, others] = [Object.keys(one), Object.keys(other)];
    if (keys.length !== others.length) return false;
    const inner = (name: string) => (Array.isArray(one) ? key : name);
    return keys.every((name) => isSame((one as never)[name], (other as never)[name], inner(name)));
  };
  return isSame(mine, told, '') ? known : null;
}
