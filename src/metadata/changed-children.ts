/**
 * The changes of a directory's children that have not reached the store, as of one moment, in byte order of the names.
 *
 * There may be some hundred thousand of them, and most listings want the first few. They are put in order only as far as they are taken:
 * those that begin alike are told apart by the next character, and only those of the first such group by the one after, until few are
 * left, which are sorted. Making one costs a look at each changed child of the directory, and nothing is encoded that is not taken.
 */
import { encodeChild } from './keys.js';
import type { Inode } from './records.js';

/** A child whose row changed within one generation. */
export interface ChangedChild {
  readonly name: string;
  /** Null: gone. Does not change any more once the generation is frozen. */
  readonly change: { readonly after: Inode | null };
  /** The newest generation has the highest number. */
  readonly generation: number;
}

/** Names that are alike up to `depth`. */
interface Group {
  readonly children: ChangedChild[];
  readonly depth: number;
}

const SORTED_MAX = 512;

export class ChangedChildren {
  readonly #parentId: number;
  /** The lowest last. */
  readonly #groups: Group[] = [];
  /** The lowest last; below all of the groups. */
  #sorted: ChangedChild[] = [];
  #key: Uint8Array | null = null;

  /** @param generations the current one last. @param wanted of the names. */
  constructor(parentId: number, generations: readonly (readonly ChangedChild[])[], wanted: (name: string) => boolean) {
    this.#parentId = parentId;
    const children: ChangedChild[] = [];
    generations.forEach((changed, at) => {
      const isCurrent = at === generations.length - 1;
      for (const child of changed) {
        const { name, change, generation } = child;
        if (wanted(name)) children.push(isCurrent ? { name, change: { after: change.after }, generation } : child);
      }
    });
    if (children.length > 0) this.#groups.push({ children, depth: 0 });
  }

  /** Key of the next one; null: there are no more. */
  get key(): Uint8Array | null {
    if (this.#sorted.length === 0) this.#sortMore();
    const next = this.#sorted.at(-1);
    if (next === undefined) return null;
    this.#key ??= encodeChild(this.#parentId, next.name);
    return this.#key;
  }

  /** Takes the next one, which `key` has told. @returns null where it is gone. */
  take(): Inode | null {
    const { name, change } = this.#sorted.pop() as ChangedChild;
    this.#key = null;
    while (this.#sorted.at(-1)?.name === name) this.#sorted.pop();
    return change.after;
  }

  #sortMore(): void {
    for (let group = this.#groups.pop(); group !== undefined; group = this.#groups.pop()) {
      if (group.children.length <= SORTED_MAX) {
        this.#sorted = group.children.sort((a, b) => compareNames(b.name, a.name) || a.generation - b.generation);
        return;
      }
      this.#groups.push(...divided(group));
    }
  }
}

/** @returns the group as several, those with lower names last. */
function divided({ children, depth }: Group): Group[] {
  const [{ name: first = '' } = {}] = children;
  let alike = first.length;
  for (const { name } of children) {
    let at = depth;
    while (at < alike && name.charCodeAt(at) === first.charCodeAt(at)) at += 1;
    alike = at;
  }
  const groups = new Map<number, Group>();
  for (const child of children) {
    const order = alike < child.name.length ? inBytes(child.name.charCodeAt(alike)) : -1;
    const group = groups.get(order);
    if (group === undefined) groups.set(order, { children: [child], depth: alike });
    else group.children.push(child);
  }
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}

/** Compares as the UTF-8 bytes do. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return inBytes(x) - inBytes(y);
  }
  return a.length - b.length;
}

const SURROGATES = 0xd800;
const BEHIND_SURROGATES = 0xe000;

/** Characters beyond the first plane, pairs of surrogates here, come last in UTF-8. */
function inBytes(unit: number): number {
  if (unit < SURROGATES) return unit;
  return unit < BEHIND_SURROGATES ? unit + 0x2000 : unit - 0x800;
}
