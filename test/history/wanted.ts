/**
 * What answers that are still to be explained say of paths: it is there, so and so, or it is not. A state that says otherwise, where nothing that is
 * left could set it right, leads nowhere; the search need not find out by trying all that is left.
 *
 * It is told only of what a change names itself, so it finds some of these states, not all. When in doubt, something could.
 */

import { isAtOrBelow } from './conflicts.js';
import type { Mutation, Seen } from './events.js';
import { isLook, type Op, pathsOf } from './operations.js';
import type { Node, Tree } from './tree.js';

/** What one answer says of one path; null: there is nothing. */
interface Wanted {
  readonly at: number;
  readonly seen: Seen | null;
}

/** What one listing says of the names that it does not show. */
interface Unlisted {
  readonly at: number;
  readonly after: string;
  readonly upTo: string | null;
  readonly names: ReadonlySet<string>;
}

/** What a path still needs: that what is there goes away; that something else comes there; that it gets this mode. */
type Need = 'away' | 'other' | number;

export class WantedPaths {
  readonly #ops: readonly Op[];
  readonly #made: ReadonlySet<number>;
  readonly #byPath = new Map<string, Wanted[]>();
  readonly #byDirectory = new Map<string, Unlisted[]>();
  /** Changes that may give a path what it needs, wherever they stand in the order; by both. */
  readonly #remedies = new Map<string, readonly number[]>();

  /** @param made ids that makers were told. */
  constructor(ops: readonly Op[], made: ReadonlySet<number>) {
    this.#ops = ops;
    this.#made = made;
    for (const [at, op] of ops.entries()) this.#add(at, op);
  }

  /** @returns whether at a path that `change` names `tree` is other than an answer that is not `done` says, for good. */
  isOtherForGood(change: Op, tree: Tree, done: Uint8Array): boolean {
    const isOpen = (at: number) => done[at] === 0;
    return pathsOf(change.operation).some((path) => {
      const node = nodeAt(tree, path);
      return this.#needsAt(path, node, isOpen).some((need) => !this.#remediesOf(path, need).some(isOpen));
    });
  }

  #needsAt(path: string, node: Node | null, isOpen: (at: number) => boolean): Need[] {
    const wanted = (this.#byPath.get(path) ?? []).filter(({ at }) => isOpen(at));
    const needs = wanted.flatMap(({ seen }) => this.#needsOf(node, seen));
    const [directory, name] = split(path);
    const isUnlisted = (this.#byDirectory.get(directory) ?? []).some((one) => isOpen(one.at) && leavesOut(one, name));
    return node !== null && isUnlisted ? [...needs, 'away'] : needs;
  }

  #needsOf(node: Node | null, seen: Seen | null): Need[] {
    if (seen === null) return node === null ? [] : ['away'];
    if (node === null || node.directory !== seen.directory) return ['other'];
    const isOther = node.id === 0 ? this.#made.has(seen.id) : node.id !== seen.id;
    return [...(isOther ? ['other' as const] : []), ...(node.mode === seen.mode ? [] : [seen.mode])];
  }

  #add(at: number, op: Op): void {
    const { operation, outcome, errno, value } = op;
    if (operation.kind === 'getStatus' && outcome === 'ok' && value.seen !== undefined)
      this.#want(operation.path, { at, seen: value.seen });
    if (operation.kind === 'getStatus' && outcome === 'refused' && errno === 'ENOENT') this.#want(operation.path, { at, seen: null });
    if (operation.kind !== 'listPart' || outcome !== 'ok') return;
    const { path, after, upTo, entries } = operation;
    const known = this.#byDirectory.get(path) ?? [];
    this.#byDirectory.set(path, [...known, { at, after, upTo, names: new Set(entries.map(({ name }) => name)) }]);
    // Of a file, its listing shows itself.
    const isOfFile = entries.length === 1 && entries[0]?.name === split(path)[1];
    if (!isOfFile) for (const entry of entries) this.#want(path === '/' ? `/${entry.name}` : `${path}/${entry.name}`, { at, seen: entry });
  }

  #want(path: string, wanted: Wanted): void {
    // What is told of the root itself is not checked.
    if (path === '/') return;
    this.#byPath.set(path, [...(this.#byPath.get(path) ?? []), wanted]);
  }

  #remediesOf(path: string, need: Need): readonly number[] {
    const key = `${need} ${path}`;
    const known = this.#remedies.get(key);
    if (known !== undefined) return known;
    const remedies = [...this.#ops.keys()].filter((at) => stepsOf(this.#ops[at] as Op).some((step) => mayGive(step, path, need)));
    this.#remedies.set(key, remedies);
    return remedies;
  }
}

function mayGive(step: Mutation, path: string, need: Need): boolean {
  // It may bring anything, with what is below it.
  if (step.kind === 'rename') return isAtOrBelow(path, step.to) || isAtOrBelow(path, step.from);
  if (need === 'away') return step.kind === 'remove' && isAtOrBelow(path, step.path);
  if (step.kind === 'createFile' || step.kind === 'createDirectory') return step.path === path && (need === 'other' || need === step.mode);
  return step.kind === 'setMode' && step.path === path && need === step.mode;
}

function stepsOf({ operation, outcome }: Op): readonly Mutation[] {
  if (outcome === 'refused' || isLook({ operation })) return [];
  return operation.kind === 'batch' ? operation.steps : [operation as Mutation];
}

function leavesOut({ after, upTo, names }: Unlisted, name: string): boolean {
  return name > after && (upTo === null || name <= upTo) && !names.has(name);
}

function split(path: string): [directory: string, name: string] {
  const end = path.lastIndexOf('/');
  return [end === 0 ? '/' : path.slice(0, end), path.slice(end + 1)];
}

function nodeAt(tree: Tree, path: string): Node | null {
  let node: Node | undefined = tree.root;
  for (const name of path.split('/')) if (name !== '') node = node?.children.get(name);
  return node ?? null;
}
