/**
 * Random lines of scenarios (both.ts), chosen with the reference model's tree in view: so that about half of the calls succeed, states get
 * deep, and every kind of refusal comes up.
 */
import type { Both } from './both.js';
import type { Dice } from './dice.js';
import type { Node } from './inode.js';
import type { ReferenceNamespace, Step } from './namespace.js';
import { USER_NAMES } from './users.js';

const NAMES = ['a', 'b', 'c', 'é', '𝄞', '￿'];
const ODD_PATHS = ['', 'a', '//', '/a//b', '/.', '/a/..', '/\0', `/${'n'.repeat(256)}`, `/${'é'.repeat(128)}`, `${'/a'.repeat(513)}`];
const MODES = [0o777, 0o777, 0o777, 0o755, 0o755, 0o700, 0o750, 0o070, 0o007, 0o1777, 0o2775, 0o6755, 0o000, 0o500, 0o300];
const LENGTHS = [0, 0, 1, 1023, 1024, 1024, 2048, 2048, 4096, 4096, 5000, 2 ** 33, Number.MAX_SAFE_INTEGER];
const XATTR_NAMES = ['user.a', 'user.a', 'user.b', 'user.b', 'user.c', 'user.c', 'trusted.a', 'system.a', 'user'];
const URIS = ['/under/a', '/under/b', '/under/a/b', 's3://bucket/x', 'nowhere'];

const PROPERTIES = [
  { key: 'user.block.size.bytes.default', value: '2KB' },
  { key: 'user.block.size.bytes.default', value: '3KB' },
  { key: 'security.authorization.permission.umask', value: '077' },
  { key: 'security.authorization.permission.umask', value: '000' },
  { key: 'master.trash.interval', value: '1h' },
  { key: 'none', value: 'x' },
];

const ROOT_ID = 1;

type Maker = (dice: Dice, tree: Tree) => object;

/** What there is to choose from. */
class Tree {
  readonly #dice: Dice;
  readonly all: readonly { path: string; node: Node }[];
  constructor(dice: Dice, model: ReferenceNamespace) {
    this.#dice = dice;
    this.all = model.paths();
  }

  existing(of: (node: Node) => boolean = () => true): string {
    const some = this.all.filter(({ node }) => of(node));
    return (some.length > 0 ? this.#dice.pick(some) : this.#dice.pick(this.all)).path;
  }

  directory(): string {
    return this.existing(({ directory }) => directory);
  }

  file(): string {
    return this.existing(({ directory }) => !directory);
  }

  below(path: string): string {
    const name = this.#dice.pick(NAMES);
    return path === '/' ? `/${name}` : `${path}/${name}`;
  }

  /** Mostly a name that is not there yet, in a directory that is. */
  fresh(): string {
    const kind = this.#dice.weighted({ fresh: 80, existing: 8, missing: 6, belowFile: 4, odd: 2 });
    if (kind === 'existing') return this.existing();
    if (kind === 'missing') return this.below(this.below(this.directory()));
    if (kind === 'belowFile') return this.below(this.file());
    if (kind === 'odd') return this.#dice.pick(ODD_PATHS);
    for (let tries = 0; tries < 4; tries++) {
      const path = this.below(this.directory());
      if (!this.all.some((each) => each.path === path)) return path;
    }
    return this.below(this.directory());
  }

  /** Mostly something that is there, and of this kind; the root only now and then. */
  known(of: (node: Node) => boolean): string {
    const kind = this.#dice.weighted({ such: 80, existing: 10, missing: 6, slash: 2, odd: 2 });
    if (kind === 'such') return this.existing((node) => node.id !== ROOT_ID && of(node));
    if (kind === 'missing') return this.below(this.existing());
    if (kind === 'odd') return this.#dice.pick(ODD_PATHS);
    return kind === 'slash' ? `${this.existing()}/` : this.existing();
  }
}

const isAny = () => true;
const isFile = ({ directory }: Node) => !directory;
const isComplete = ({ directory, complete }: Node) => !directory && complete;
const isOpen = ({ directory, complete }: Node) => !directory && !complete;
const isDirectory = ({ directory }: Node) => directory;

const MAKERS: Readonly<Record<string, Maker>> = {
  createFile: (dice, tree) => ({
    path: dice.chance(10) ? tree.file() : tree.fresh(),
    ...dice.maybe(50, () => ({ completeLength: dice.pick(LENGTHS) })),
    ...dice.maybe(30, () => ({ mode: dice.chance(2) ? 0o10000 : dice.pick(MODES) })),
    ...dice.maybe(40, () => ({ umask: dice.pick([0o22, 0o77, 0o2]) })),
    ...dice.maybe(25, () => ({ recursive: true })),
    ...dice.maybe(25, () => ({ overwrite: true })),
    ...dice.maybe(15, () => ({ blockBytes: dice.pick([1, 512, 1024, 2 ** 20]) })),
    ...dice.maybe(8, () => timeToLive(dice)),
    ...dice.maybe(5, () => ({ replicationMin: dice.below(3), replicationMax: dice.below(3) })),
    ...dice.maybe(30, () => (dice.chance(10) ? { mustPersist: true } : { persist: true })),
    ...dice.maybe(5, () => ({ modifiedMs: 5 })),
  }),
  completeFile: (dice, tree) => ({ ...ofFile(dice, tree), length: dice.pick(LENGTHS), ...dice.maybe(10, () => ({ modifiedMs: 7 })) }),
  addBlocks: (dice, tree) => ({
    ...ofFile(dice, tree),
    blocks: dice.chance(8) ? dice.pick([0, 65_537, 65_536]) : dice.pick([1, 2, 3, 64]),
    ...dice.maybe(30, () => ({ length: dice.pick([0, 1, 512, 1024, 2048, 10_000]) })),
  }),
  appendFile: (_dice, tree) => ({ path: tree.known(isComplete) }),
  truncateFile: (dice, tree) => ({
    path: tree.known(({ complete, length }) => complete && length > 0),
    length: dice.pick([0, 0, 1, 512, 1024, 1024, 2 ** 40]),
  }),
  concat: concatenation,
  renewLease: () => ({}),
  createDirectory: (dice, tree) => ({
    path: tree.fresh(),
    ...dice.maybe(50, () => ({ mode: dice.chance(2) ? 0o10000 : dice.pick(MODES) })),
    ...dice.maybe(30, () => ({ umask: dice.pick([0o22, 0o77, 0o2]) })),
    ...dice.maybe(30, () => ({ recursive: true })),
    ...dice.maybe(20, () => ({ allowExists: true })),
    ...dice.maybe(5, () => timeToLive(dice)),
  }),
  rename: (dice, tree) => ({
    from: tree.known(isAny),
    to: dice.chance(75) ? tree.fresh() : tree.existing(),
    ...dice.maybe(35, () => ({ overwrite: true })),
    ...dice.maybe(25, () => ({ into: true })),
  }),
  remove: (dice, tree) => ({
    path: tree.known(isAny),
    ...dice.maybe(35, () => ({ recursive: true })),
    ...dice.maybe(10, () => ({ skipTrash: true })),
    ...dice.maybe(5, () => ({ namespaceOnly: true })),
  }),
  setAttributes: attributes,
  setQuota: (dice, tree) => ({
    path: tree.known(isDirectory),
    ...dice.maybe(60, () => ({ namesMax: dice.pick([0, 0, 1, 3, 10, 100]) })),
    ...dice.maybe(60, () => ({ bytesMax: dice.pick([{}, {}, { low: 1000 }, { low: 10_000 }, { high: 3, low: 7 }, { high: 2 ** 31 }]) })),
  }),
  setAcl: (dice, tree) => ({ path: tree.known(isAny), ...aclEdit(dice) }),
  setXattr: (dice, tree) => ({
    path: tree.known(isAny),
    name: dice.pick(XATTR_NAMES),
    value: dice.pick(['', 'x', 'yy', dice.chance(5) ? 'z'.repeat(17_000) : 'z']),
    ...dice.maybe(20, () => ({ flag: 1 + dice.below(2) })),
  }),
  removeXattr: (dice, tree) => {
    const path = tree.known(({ xattrs }) => xattrs.size > 0);
    const names = [...(tree.all.find((each) => each.path === path)?.node.xattrs.keys() ?? [])];
    return { path, name: names.length > 0 && dice.chance(80) ? dice.pick(names) : dice.pick(XATTR_NAMES) };
  },
  setCursor: (dice, tree) => ({
    name: dice.chance(3) ? '' : dice.pick(['one', 'two', 'three']),
    ...dice.maybe(60, () => ({ path: dice.chance(70) ? '/a' : tree.known(isAny) })),
    ...dice.maybe(50, () => ({ sn: dice.below(400) })),
    ...dice.maybe(10, () => ({ remove: true })),
  }),
  commitPersist: (dice, tree) => {
    const mountOf = ({ path }: { path: string }) =>
      tree.all
        .filter((each) => each.node.mount !== null && `${path}/`.startsWith(`${each.path}/`.replace('//', '/')))
        .sort((a, b) => b.path.length - a.path.length)[0]?.node.mount;
    const such = tree.all.filter((each) => each.node.persistence === 1 && each.node.complete && mountOf(each));
    const found = dice.pick(such.length > 0 && dice.chance(90) ? such : tree.all);
    const { id, length, generation: now } = found.node;
    const mountId = dice.chance(5) ? 1 : (mountOf(found)?.id ?? 1);
    const generation = dice.chance(5) ? 1 : now;
    const part = `${dice.chance(3) ? '' : '.understudy-parts/'}c-${id}-${generation}.part`;
    return { inodeId: id, generation, mountId, part, length: dice.chance(3) ? 1 : length };
  },
  setConfig: (dice, tree) => ({
    forPath: dice.chance(40) ? '/a' : tree.known(isAny) || '/',
    ...dice.maybe(60, () => ({ set: [dice.pick(PROPERTIES)] })),
    ...dice.maybe(30, () => ({ unset: [dice.pick(PROPERTIES).key] })),
    ...dice.maybe(10, () => ({ unsetAll: true })),
  }),
  multi: (dice, tree) => ({ steps: Array.from({ length: dice.chance(5) ? 0 : dice.pick([1, 2, 2, 3]) }, () => stepOf(dice, tree)) }),
  mount: (dice, tree) => ({
    path: tree.fresh(),
    uri: dice.pick(URIS),
    ...dice.maybe(30, () => ({ readOnly: true })),
    ...dice.maybe(60, () => ({ shared: true })),
  }),
  unmount: (_dice, tree) => ({ path: tree.known(({ mount }) => mount !== null) }),
  updateMount: (dice, tree) => ({
    path: tree.known(({ mount }) => mount !== null),
    ...dice.maybe(30, () => ({ readOnly: true })),
    ...dice.maybe(60, () => ({ shared: true })),
  }),
};

const QUESTIONS: Readonly<Record<string, Maker>> = {
  getStatus: (dice, tree) => (dice.chance(20) ? { inodeId: inodeId(dice, tree) } : { path: tree.known(isAny) }),
  exists: (_dice, tree) => ({ path: tree.known(isAny) }),
  listStatus: (dice, tree) => ({
    path: tree.known(isDirectory),
    ...dice.maybe(50, () => ({ recursive: true })),
    ...dice.maybe(30, () => ({ startAfter: dice.chance(50) ? dice.pick(NAMES) : `${dice.pick(NAMES)}/${dice.pick(NAMES)}` })),
    ...dice.maybe(20, () => ({ prefix: dice.chance(70) ? dice.pick(NAMES) : `${dice.pick(NAMES)}/` })),
  }),
  getXattrs: (dice, tree) => ({
    path: tree.known(({ xattrs }) => xattrs.size > 0),
    ...dice.maybe(40, () => ({ names: [dice.pick(['user.a', 'user.b', 'trusted.a'])] })),
  }),
  checkAccess: (dice, tree) => ({ path: tree.known(isAny), wanted: dice.below(9) }),
  contentSummary: (_dice, tree) => ({ path: tree.known(isAny) }),
  listCursors: () => ({}),
  getConfig: () => ({}),
  getBlockLocations: (dice, tree) => ({
    path: tree.known(({ directory, length }) => !directory && length < 100_000),
    ...dice.maybe(40, () => ({ offset: dice.pick([0, 1, 1024, 3000]) })),
    length: dice.pick([0, 1, 1024, 5000, 50_000]),
  }),
};

const CALLS = {
  ...{ createFile: 16, createDirectory: 14, completeFile: 6, addBlocks: 4, appendFile: 4, truncateFile: 3, concat: 4, renewLease: 1 },
  ...{ rename: 10, remove: 7, setAttributes: 9, setQuota: 4, setAcl: 5, setXattr: 4, removeXattr: 2, setCursor: 2, multi: 5 },
  ...{ mount: 2, unmount: 1, updateMount: 1, setConfig: 2, commitPersist: 3 },
};
const LINES = { call: 80, ask: 8, again: 5, seal: 2, commit: 4, lose: 1, keep: 1, restart: 1, wait: 3, house: 2, client: 1 };
const ASKED = {
  getStatus: 4,
  exists: 2,
  listStatus: 5,
  getXattrs: 2,
  checkAccess: 3,
  contentSummary: 3,
  getBlockLocations: 3,
  listCursors: 1,
  getConfig: 1,
};

/** @returns the next line. */
export function lineOf(dice: Dice, both: Both): string {
  const tree = new Tree(dice, both.model);
  const kind = dice.weighted(LINES);
  const user = dice.chance(50) ? 'root' : dice.pick(USER_NAMES);
  switch (kind) {
    case 'call': {
      const op = dice.weighted(CALLS);
      const request = MAKERS[op]?.(dice, tree) ?? {};
      const isRoots = OF_ROOT.has(op) && dice.chance(80);
      return `${isRoots ? 'root' : user} ${slotFor(request, dice, both, tree)} ${op} ${JSON.stringify(request)}`;
    }
    case 'ask': {
      const op = dice.weighted(ASKED);
      return `${user} ? ${op} ${JSON.stringify(QUESTIONS[op]?.(dice, tree))}`;
    }
    case 'again':
      return `again ${dice.pick([0, 0, 0, 1, 2, 5, 12])}`;
    case 'restart':
      return `restart ${dice.pick(['closed', `killed ${dice.below(100)}`, `power ${dice.below(100)}`])}`;
    case 'wait':
      return `wait ${dice.pick([1, 100, 1_000, 60_000])}`;
    case 'client':
      return `client ${dice.below(3)}`;
    default:
      return kind;
  }
}

/** Mostly the client that writes the file. */
function slotFor(request: object, dice: Dice, both: Both, tree: Tree): number {
  const { path, inodeId: id } = request as { path?: string; inodeId?: number };
  const holder = tree.all.find((each) => each.path === path || each.node.id === id)?.node.lease?.client;
  const slot = holder === undefined ? null : both.slotOf(holder);
  return slot !== null && dice.chance(80) ? slot : dice.below(3);
}

const OF_ROOT = new Set(['mount', 'unmount', 'updateMount', 'setQuota', 'setConfig']);

function stepOf(dice: Dice, tree: Tree): Step {
  const op = dice.chance(2) ? 'mount' : dice.weighted({ ...CALLS, multi: 0, mount: 0, unmount: 0, updateMount: 0, setConfig: 0 });
  return { op, ...MAKERS[op]?.(dice, tree) };
}

function ofFile(dice: Dice, tree: Tree): object {
  return dice.chance(25) ? { inodeId: inodeId(dice, tree, isOpen) } : { path: tree.known(isOpen) };
}

/** Of something that is there, mostly; perhaps of what was. */
function inodeId(dice: Dice, tree: Tree, of: (node: Node) => boolean = isAny): number {
  const some = tree.all.filter(({ node }) => of(node));
  if (some.length === 0 || dice.chance(20)) return 1 + dice.below(300);
  return dice.pick(some).node.id;
}

function timeToLive(dice: Dice): object {
  return { ttlMs: dice.pick([0, 10, 1_000, 100_000]), ...dice.maybe(30, () => ({ expiryAction: 1 })) };
}

function attributes(dice: Dice, tree: Tree): object {
  return {
    path: tree.known(isAny),
    ...dice.maybe(15, () => ({ owner: dice.chance(2) ? '' : dice.pick(USER_NAMES) })),
    ...dice.maybe(20, () => ({ group: dice.pick(['staff', 'users', 'guests', 'wheel']) })),
    ...dice.maybe(45, () => ({ mode: dice.chance(2) ? 0o10000 : dice.pick(MODES) })),
    ...dice.maybe(10, () => ({ modifiedMs: 1 + dice.below(5) })),
    ...dice.maybe(10, () => ({ accessedMs: 1 + dice.below(5) })),
    ...dice.maybe(10, () => ({ pinned: dice.chance(60) })),
    ...dice.maybe(8, () => ({ replicationMin: dice.below(4) })),
    ...dice.maybe(8, () => ({ replicationMax: dice.below(4) })),
    ...dice.maybe(10, () => timeToLive(dice)),
    ...dice.maybe(5, () => ({ clearTtl: true })),
    ...dice.maybe(10, () => ({ persistence: dice.below(4) })),
  };
}

function aclEdit(dice: Dice): object {
  const action = dice.pick([0, 0, 0, 1, 2, 3, 4]);
  const entry = () => {
    const kind = dice.below(4);
    return {
      ...dice.maybe(30, () => ({ default: true })),
      kind,
      ...(kind < 2 || dice.chance(3) ? dice.maybe(60, () => ({ name: dice.pick(['alice', 'bob', 'carol', 'staff', 'users']) })) : {}),
      permissions: dice.chance(2) ? 8 : dice.below(8),
    };
  };
  const base = action === 1 ? [0, 1, 3].map((kind) => ({ kind, permissions: dice.below(8) })) : [];
  return { action, entries: [...base, ...Array.from({ length: dice.below(3) }, entry)] };
}

/** Mostly files of one directory, with the same size of blocks. */
function concatenation(dice: Dice, tree: Tree): object {
  const path = tree.known(({ complete, length, blockBytes }) => complete && length % blockBytes === 0);
  const { node } = tree.all.find((each) => each.path === path) ?? { node: null };
  const around = dice.pick(tree.all.filter((each) => each.node.directory));
  const fitting = tree.all.filter(
    (each) => isComplete(each.node) && each.node.blockBytes === node?.blockBytes && each.path !== path && isIn(each.path, around.path),
  );
  const count = 1 + dice.below(3);
  const sources = dice.chance(85)
    ? fitting.slice(0, count).map((each) => each.path)
    : Array.from({ length: count }, () => tree.known(isFile));
  return { path, sources: sources.length > 0 || dice.chance(10) ? sources : [tree.known(isComplete)] };
}

function isIn(path: string, directory: string): boolean {
  return path.slice(0, path.lastIndexOf('/')) === (directory === '/' ? '' : directory);
}

/** Nobody but the superuser could do anything below the root as it is made. */
export function openingLines(dice: Dice): string[] {
  const mode = dice.pick([0o777, 0o1777, 0o755]);
  const trash = dice.chance(30) ? [`trash ${dice.pick([600_000, 1_000])}`] : [];
  return [
    ...trash,
    `root 0 setAttributes {"path":"/","mode":${mode}}`,
    ...(mode === 0o755 ? [`root 0 createDirectory {"path":"/a","mode":511}`] : []),
  ];
}
