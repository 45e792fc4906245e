/**
 * A namespace that can be taken back step by step, for the search: nodes by name, and a hash of all of it that is kept up to date, so that two
 * ways to the same namespace are known to be one.
 *
 * A node is known by its `key`, which tells the operation that made it. Its inode id is not known where nobody was told it yet.
 */

export class Node {
  readonly key: number;
  readonly directory: boolean;
  readonly children: Map<string, Node>;
  /** 0: nobody was told it yet. */
  id = 0;
  /** Of a complete file; -1 of others. */
  length = -1;
  /** Handed out for a file that is not complete. */
  blocks = 0;
  mode = 0;
  /** Empty: there is none. */
  xattr = '';
  /** 0: no bound. */
  namesMax = 0;
  parent: Node | null = null;
  name = '';
  /** What is below, at all depths. */
  files = 0;
  directories = 0;

  constructor(key: number, directory: boolean) {
    this.key = key;
    this.directory = directory;
    this.children = directory ? new Map() : NONE;
  }
}

const NONE = new Map<string, Node>();

type Attribute = 'id' | 'length' | 'blocks' | 'mode' | 'xattr' | 'namesMax';

/** Two sums, which make a hash of 64 bits: no two namespaces of one search share it but by a rare chance. */
export interface Hash {
  low: number;
  high: number;
}

export class Tree {
  readonly root = new Node(-1, true);
  readonly hash: Hash = { low: 0, high: 0 };
  readonly #undo: (() => void)[] = [];
  /** Inodes by ids that were told of nodes whose makers were told nothing. */
  readonly #told = new Map<number, Node>();

  /** @returns where to go back to. */
  mark(): number {
    return this.#undo.length;
  }

  backTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }

  /** @returns whether anything has changed since `mark`. */
  changedSince(mark: number): boolean {
    return this.#undo.length > mark;
  }

  set<Name extends Attribute>(node: Node, name: Name, value: Node[Name]): void {
    const before = node[name];
    if (before === value) return;
    const put = (next: Node[Name]) => {
      this.#count(node, -1);
      node[name] = next;
      this.#count(node, 1);
    };
    put(value);
    this.#undo.push(() => put(before));
  }

  /** @returns whether nothing speaks against `id` as that of `node`, which had none. */
  tell(node: Node, id: number): boolean {
    if (this.#told.has(id)) return false;
    this.#told.set(id, node);
    this.#undo.push(() => this.#told.delete(id));
    this.set(node, 'id', id);
    return true;
  }

  attach(parent: Node, name: string, node: Node): void {
    this.#attach(parent, name, node);
    this.#undo.push(() => this.#detach(node));
  }

  detach(node: Node): void {
    const { parent, name } = node;
    if (parent === null) throw new Error('the root is not to be detached');
    this.#detach(node);
    this.#undo.push(() => this.#attach(parent, name, node));
  }

  #attach(parent: Node, name: string, node: Node): void {
    node.parent = parent;
    node.name = name;
    parent.children.set(name, node);
    this.#sum(parent, node, 1);
    this.#countTree(node, 1);
  }

  #detach(node: Node): void {
    const parent = node.parent as Node;
    this.#countTree(node, -1);
    parent.children.delete(node.name);
    this.#sum(parent, node, -1);
    node.parent = null;
  }

  #sum(parent: Node, node: Node, sign: number): void {
    const files = sign * (node.files + (node.directory ? 0 : 1));
    const directories = sign * (node.directories + (node.directory ? 1 : 0));
    for (let above: Node | null = parent; above !== null; above = above.parent) {
      above.files += files;
      above.directories += directories;
    }
  }

  #countTree(node: Node, sign: number): void {
    this.#count(node, sign);
    for (const child of node.children.values()) this.#countTree(child, sign);
  }

  #count(node: Node, sign: number): void {
    if (node.parent === null && node !== this.root) return;
    this.hash.low = (this.hash.low + sign * hashOf(node, 1)) | 0;
    this.hash.high = (this.hash.high + sign * hashOf(node, 2)) | 0;
  }
}

function hashOf(node: Node, seed: number): number {
  let hash = mix(mix(seed, node.parent?.key ?? 0), node.key);
  hash = mix(hash, textHash(node.name));
  hash = mix(mix(hash, node.id), node.length);
  hash = mix(mix(hash, node.blocks), node.mode);
  return mix(mix(hash, node.namesMax), node.xattr === '' ? 0 : textHash(node.xattr));
}

/** @returns a hash of both, as a whole number of 32 bits. */
export function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ Math.imul(value, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

const hashes = new Map<string, number>();
const HASHES_MAX = 100_000;

function textHash(text: string): number {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  if (hashes.size >= HASHES_MAX) hashes.clear();
  hashes.set(text, hash);
  return hash;
}
