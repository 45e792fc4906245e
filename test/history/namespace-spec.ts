/**
 * What the namespace has to do, one operation after the other: written for the checker, from what src/client promises, without a line of
 * src/metadata. It says of one operation in one state whether its answer may be, and makes what it makes.
 *
 * Several things may be wrong with a request; which one is told is not the checker's matter. A file that is being written may be refused to
 * others (EBUSY), and a client that began anew is another one: who holds it is not modelled.
 */
import type { Mutation, Operation, Read, Seen, SeenEntry } from './events.js';
import type { ListPart, Op } from './operations.js';
import { Node, Tree } from './tree.js';

/** What an operation does to the state in which it is tried. `told`: it changes nothing, but tells an inode id that nobody knew. */
export type Effect = 'impossible' | 'none' | 'told' | 'changed';

interface Place {
  readonly names: readonly string[];
  /** The deepest directory or file on the way that is there. */
  readonly node: Node;
  readonly missing: readonly string[];
}

/** Thrown inside: what is wrong, by POSIX's names. */
class Refused {
  readonly errnos: ReadonlySet<string>;

  constructor(...errnos: string[]) {
    this.errnos = new Set(errnos);
  }
}

const STEPS_MAX = 1_024;

export class NamespaceSpec {
  readonly tree = new Tree();
  /** Ids that makers were told: nothing else has them. */
  readonly #made: ReadonlySet<number>;

  constructor(made: ReadonlySet<number>) {
    this.#made = made;
  }

  /** Tries `op` as answered. Where that is possible, the state is the one after it; else it is as it was. */
  take(op: Op): Effect {
    const mark = this.tree.mark();
    const { operation } = op;
    try {
      const effect = isMutating(operation) ? this.#change(op, operation) : this.#look(op, operation);
      if (effect === 'impossible') this.tree.backTo(mark);
      return effect;
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      this.tree.backTo(mark);
      if (op.outcome !== 'refused') return 'impossible';
      return thrown.errnos.has(op.errno) || (isMutating(operation) && this.#mayBeHeld(op, operation)) ? 'none' : 'impossible';
    }
  }

  /** @returns what the state, as it is, would answer: for people. */
  expected({ operation, index }: Pick<Op, 'operation' | 'index'>): string {
    const mark = this.tree.mark();
    try {
      if (!isMutating(operation)) return this.#tell(operation);
      for (const [at, step] of stepsOf(operation).entries()) this.#mutate(step, keyOf(index, at));
      return 'ok';
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      return [...thrown.errnos].join(' or ');
    } finally {
      this.tree.backTo(mark);
    }
  }

  #change(op: Op, operation: Mutating): Effect {
    const mark = this.tree.mark();
    const steps = stepsOf(operation);
    const ids = op.value.ids ?? [op.value.id];
    for (const [at, step] of steps.entries()) {
      const made = this.#mutate(step, keyOf(op.index, at));
      if (op.outcome !== 'ok') continue;
      const id = ids[at];
      if (id != null && !this.#isKnownAs(made, id)) return 'impossible';
      if (step.kind === 'addBlocks' && op.value.blocks !== undefined && made?.blocks !== op.value.blocks) return 'impossible';
    }
    const isChanged = this.tree.changedSince(mark);
    // What was refused has had no effect: that it could have one says that it could not be refused, but for what is not modelled.
    if (op.outcome === 'refused') {
      this.tree.backTo(mark);
      return this.#mayBeHeld(op, operation) ? 'none' : 'impossible';
    }
    return isChanged ? 'changed' : 'none';
  }

  /** A file that is being written, which only its writer may write or replace. */
  #mayBeHeld({ errno }: Op, operation: Mutating): boolean {
    if (errno !== 'EBUSY') return false;
    const steps = stepsOf(operation);
    return steps.some((step) => {
      if (step.kind !== 'addBlocks' && step.kind !== 'completeFile' && !(step.kind === 'createFile' && step.overwrite)) return false;
      // A step before it may have moved it there.
      if (steps.length > 1) return true;
      const found = attempt(() => this.#walk(step.path), []);
      return found !== null && found.missing.length === 0 && isBeingWritten(found.node);
    });
  }

  #isKnownAs(node: Node | null, id: number): boolean {
    if (node === null) return false;
    if (node.id !== 0) return node.id === id;
    return this.tree.tell(node, id);
  }

  /** @returns what is made or changed; null: it tells nothing of the kind. */
  #mutate(step: Mutation, key: number): Node | null {
    switch (step.kind) {
      case 'createFile':
        return this.#createFile(step, key);
      case 'createDirectory':
        return this.#createDirectory(step, key);
      case 'remove':
        return this.#remove(step);
      case 'rename':
        return this.#rename(step);
      case 'setMode': {
        const node = this.#find(step.path);
        this.tree.set(node, 'mode', step.mode);
        return node;
      }
      case 'setXattr': {
        const node = this.#find(step.path);
        if (step.only === 'create' && node.xattr !== '') throw new Refused('EEXIST');
        if (step.only === 'replace' && node.xattr === '') throw new Refused('ENODATA');
        this.tree.set(node, 'xattr', step.value);
        return node;
      }
      case 'setQuota': {
        const node = this.#find(step.path);
        if (!node.directory) throw new Refused('ENOTDIR');
        this.tree.set(node, 'namesMax', step.namesMax);
        return node;
      }
      case 'addBlocks': {
        const file = this.#beingWritten(step.path);
        this.tree.set(file, 'blocks', file.blocks + step.blocks);
        return file;
      }
      case 'completeFile': {
        const file = this.#beingWritten(step.path);
        this.tree.set(file, 'blocks', 0);
        this.tree.set(file, 'length', step.length);
        return file;
      }
    }
  }

  #createFile(step: Mutation & { kind: 'createFile' }, key: number): Node {
    const place = this.#walk(step.path);
    const { node, missing } = place;
    const [parent, wrong] = this.#parentFor(place);
    if (missing.length === 0) {
      if (node.directory) wrong.push(step.overwrite ? 'EISDIR' : 'EEXIST');
      else if (!step.overwrite) wrong.push('EEXIST');
    } else if (!hasRoom(parent, null, 1)) wrong.push('EDQUOT');
    if (wrong.length > 0) throw new Refused(...wrong);
    if (missing.length === 0) this.tree.detach(node);
    const file = new Node(key, false);
    file.mode = step.mode;
    file.length = step.completeLength ?? -1;
    this.tree.attach(parent, nameOf(place), file);
    return file;
  }

  #createDirectory(step: Mutation & { kind: 'createDirectory' }, key: number): Node {
    const place = this.#walk(step.path);
    const { node, missing } = place;
    if (missing.length === 0) {
      if (!node.directory || !step.allowExists) throw new Refused('EEXIST');
      return node;
    }
    const [parent, wrong] = this.#parentFor(place);
    if (!hasRoom(parent, null, 1)) wrong.push('EDQUOT');
    if (wrong.length > 0) throw new Refused(...wrong);
    const directory = new Node(key, true);
    directory.mode = step.mode;
    this.tree.attach(parent, nameOf(place), directory);
    return directory;
  }

  #remove(step: Mutation & { kind: 'remove' }): null {
    const node = this.#find(step.path);
    if (node === this.tree.root) throw new Refused('EINVAL');
    if (node.children.size > 0 && !step.recursive) throw new Refused('ENOTEMPTY');
    this.tree.detach(node);
    return null;
  }

  #rename(step: Mutation & { kind: 'rename' }): null {
    const wrong: string[] = [];
    const from = attempt(() => this.#find(step.from), wrong);
    const to = attempt(() => this.#walk(step.to), wrong);
    if (from === this.tree.root || to?.names.length === 0) wrong.push('EINVAL');
    if (from === null || to === null || from === this.tree.root || to.names.length === 0) throw new Refused(...wrong);
    const [parent, missing] = this.#parentFor(to);
    wrong.push(...missing);
    const replaced = to.missing.length === 0 ? to.node : null;
    if (replaced === from) return null;
    if (isWithin(parent, from)) wrong.push('EINVAL');
    if (replaced !== null && !step.overwrite) wrong.push('EEXIST');
    if (replaced !== null && step.overwrite) {
      if (replaced.directory && !from.directory) wrong.push('EISDIR');
      if (!replaced.directory && from.directory) wrong.push('ENOTDIR');
      if (replaced.children.size > 0) wrong.push('ENOTEMPTY');
    }
    if (!hasRoom(parent, from, from.files + from.directories + (replaced === null ? 1 : 0))) wrong.push('EDQUOT');
    if (wrong.length > 0) throw new Refused(...wrong);
    if (replaced !== null) this.tree.detach(replaced);
    this.tree.detach(from);
    this.tree.attach(parent, nameOf(to), from);
    return null;
  }

  #look(op: Op, operation: Read | ListPart): Effect {
    const mark = this.tree.mark();
    if (!this.#isSeen(op, operation)) return 'impossible';
    return this.tree.changedSince(mark) ? 'told' : 'none';
  }

  /** @returns whether that is what is there. */
  #isSeen({ outcome, value }: Op, operation: Read | ListPart): boolean {
    const node = this.#find(operation.path);
    if (operation.kind === 'getXattr' && node.xattr === '') throw new Refused('ENODATA');
    if (outcome !== 'ok') return false;
    switch (operation.kind) {
      case 'getStatus':
        return value.seen !== undefined && this.#isLike(node, value.seen);
      case 'getXattr':
        return value.xattr === node.xattr;
      case 'countTree':
        return value.files === node.files + (node.directory ? 0 : 1) && value.directories === node.directories + (node.directory ? 1 : 0);
      case 'listPart':
        return this.#isListed(node, operation);
      case 'list':
        return true;
    }
  }

  #isLike(node: Node, seen: Seen): boolean {
    if (node === this.tree.root) return true;
    if (seen.directory !== node.directory || seen.mode !== node.mode) return false;
    if (node.directory && seen.children !== node.children.size) return false;
    if (!node.directory && (seen.length ?? -1) !== node.length) return false;
    if (node.id !== 0) return node.id === seen.id;
    return !this.#made.has(seen.id) && this.tree.tell(node, seen.id);
  }

  #isListed(node: Node, part: ListPart): boolean {
    const there = listed(node, part);
    return there.length === part.entries.length && part.entries.every((entry, at) => this.#isEntry(there[at], entry));
  }

  #isEntry(node: Node | undefined, entry: SeenEntry): boolean {
    return node?.name === entry.name && this.#isLike(node, entry);
  }

  #tell(operation: Read | ListPart): string {
    const node = this.#find(operation.path);
    if (operation.kind === 'getXattr') return node.xattr === '' ? 'ENODATA' : node.xattr;
    if (operation.kind === 'countTree') return `files=${node.files} directories=${node.directories} and itself`;
    if (operation.kind === 'listPart') return listed(node, operation).map(shown).join(', ') || 'nothing';
    return shown(node);
  }

  #find(path: string): Node {
    const { node, missing } = this.#walk(path);
    if (missing.length > 0) throw new Refused('ENOENT');
    return node;
  }

  #beingWritten(path: string): Node {
    const file = this.#find(path);
    if (file.directory) throw new Refused('EISDIR');
    if (!isBeingWritten(file)) throw new Refused('ETXTBSY');
    return file;
  }

  #walk(path: string): Place {
    const names = path === '/' ? [] : path.slice(1).split('/');
    let node = this.tree.root;
    for (const [depth, name] of names.entries()) {
      if (!node.directory) throw new Refused('ENOTDIR');
      const child = node.children.get(name);
      if (child === undefined) return { names, node, missing: names.slice(depth) };
      node = child;
    }
    return { names, node, missing: [] };
  }

  /** @returns the directory that a name is in or would be in, and what speaks against making it there. */
  #parentFor({ node, missing }: Place): [parent: Node, wrong: string[]] {
    if (missing.length === 0) return [node.parent ?? node, []];
    if (!node.directory) throw new Refused('ENOTDIR');
    return [node, missing.length > 1 ? ['ENOENT'] : []];
  }
}

type Mutating = Exclude<Operation, Read>;

function isMutating(operation: Operation | ListPart): operation is Mutating {
  return !['getStatus', 'list', 'listPart', 'getXattr', 'countTree'].includes(operation.kind);
}

function stepsOf(operation: Mutating): readonly Mutation[] {
  return operation.kind === 'batch' ? operation.steps : [operation];
}

/** The same creation has the same key, whichever way the search came to it. */
function keyOf(index: number, step: number): number {
  return index * STEPS_MAX + step;
}

function nameOf({ names }: Place): string {
  return names.at(-1) ?? '';
}

function isBeingWritten(node: Node): boolean {
  return !node.directory && node.length < 0;
}

/** @returns whether so many more names fit below every directory above, but for those that what moves in is below already. */
function hasRoom(parent: Node, moved: Node | null, names: number): boolean {
  if (names === 0) return true;
  for (let above: Node | null = parent; above !== null; above = above.parent) {
    if (moved !== null && isWithin(moved, above)) continue;
    if (above.namesMax > 0 && above.files + above.directories + names > above.namesMax) return false;
  }
  return true;
}

function isWithin(node: Node, directory: Node): boolean {
  for (let above: Node | null = node; above !== null; above = above.parent) if (above === directory) return true;
  return false;
}

function attempt<T>(look: () => T, wrong: string[]): T | null {
  try {
    return look();
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    wrong.push(...thrown.errnos);
    return null;
  }
}

function listed(node: Node, { after, upTo }: ListPart): Node[] {
  if (!node.directory) return [node];
  return [...node.children.values()]
    .filter(({ name }) => name > after && (upTo === null || name <= upTo))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

function shown(node: Node): string {
  const id = node.id === 0 ? 'unknown' : node.id;
  const more = node.directory ? `children=${node.children.size}` : node.length < 0 ? 'being written' : `length=${node.length}`;
  return `${node.name === '' ? '/' : node.name} id=${id} mode=${node.mode.toString(8)} ${more}`;
}
