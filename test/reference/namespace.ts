/**
 * The reference model of the whole namespace: what each request has to be answered with, and what it leaves.
 *
 * Requests are the messages of proto/namespace.proto as plain objects, without caller.
 */
import type { Who } from './access.js';
import { setAcl } from './acl.js';
import { removeXattr, setAttributes, setQuota, setXattr } from './attributes.js';
import { getConfig, setConfig } from './config.js';
import { createDirectory, createFile } from './creating.js';
import { listCursors, setCursor } from './cursors.js';
import { expire, recoverLeases } from './expiry.js';
import { addBlocks, appendFile, commitPersist, completeFile, concat, renewLease, truncateFile } from './files.js';
import { aclOfMode, allPaths, copyOf, type Node } from './inode.js';
import { mount, unmount, updateMount } from './mounts.js';
import { checkAccess, contentSummary, exists, getBlockLocations, getStatus, getXattrs, listStatus } from './queries.js';
import { remove, rename } from './shape.js';
import { shownOf } from './shown.js';
import { type Answer, type Kept, Refusal, type Settings, World } from './world.js';

type Operation = (world: World, request: never) => unknown;

const STEPS: Readonly<Record<string, Operation>> = {
  createFile,
  completeFile,
  createDirectory,
  rename,
  remove,
  setAttributes,
  addBlocks,
  appendFile,
  truncateFile,
  concat,
  renewLease,
  commitPersist,
  setQuota,
  setAcl,
  setXattr,
  removeXattr,
  setCursor,
};

const MUTATIONS: Readonly<Record<string, Operation>> = { ...STEPS, mount, unmount, updateMount, setConfig };
const QUERIES: Readonly<Record<string, Operation>> = {
  getStatus,
  exists,
  listStatus,
  getXattrs,
  checkAccess,
  contentSummary,
  getBlockLocations,
  listCursors,
  getConfig,
};

export interface Step {
  op: string;
  [field: string]: unknown;
}

export interface Call {
  readonly who: Who;
  readonly client: number;
  readonly callId: number;
  readonly attempt: number;
  readonly lowestUnanswered: number;
  readonly op: string;
  readonly request: object;
  readonly nowMs: number;
  /** Last entry before it. */
  readonly sn: number;
}

/** Of all paths in the steps of one multi. */
const COMPONENTS_MAX = 16_384;
const CALL_WINDOW = 4096;
export class ReferenceNamespace {
  readonly #settings: Settings;
  #kept: Kept;

  constructor(settings: Settings, owner: string, group: string, nowMs: number) {
    this.#settings = settings;
    const acl = aclOfMode(0o755);
    const times = { createdMs: nowMs, modifiedMs: nowMs, accessedMs: nowMs };
    const counts = { length: 0, blockBytes: 0, persistence: 0, generation: 0, replicationMin: 0, replicationMax: 0, expiryAction: 0 };
    const flags = { directory: true, complete: false, pinned: false, ttlMs: null, lease: null, mount: null };
    const lists = { defaultAcl: new Map(), xattrs: new Map(), extents: [], children: new Map() };
    const quota = { namesMax: 0, bytesMax: 0n };
    const root: Node = { id: 1, owner, group, special: 0, acl, quota, ...times, ...counts, ...flags, ...lists };
    this.#kept = { root, nextInodeId: 2, nextMountId: 1, nextClientId: 1, cursors: new Map(), config: new Map(), clients: new Map() };
  }

  get cursors(): Kept['cursors'] {
    return this.#kept.cursors;
  }

  get config(): Kept['config'] {
    return this.#kept.config;
  }

  get root(): Node {
    return this.#kept.root;
  }

  paths(): { path: string; node: Node }[] {
    return allPaths(this.#kept.root);
  }

  /** All that it knows, to come back to. */
  remember(): Kept {
    const { root, cursors, config, clients, ...numbers } = this.#kept;
    return {
      ...numbers,
      root: copyOf(root),
      cursors: new Map(cursors),
      config: new Map(config),
      clients: new Map([...clients].map(([id, client]) => [id, { ...client, answers: new Map(client.answers) }])),
    };
  }

  comeBackTo(kept: Kept): void {
    this.#kept = kept;
  }

  registerClient(): number {
    const id = this.#kept.nextClientId++;
    this.#kept.clients.set(id, { lowestUnanswered: 1, answers: new Map() });
    return id;
  }

  forgetClient(id: number): void {
    this.#kept.clients.delete(id);
  }

  knowsClient(id: number): boolean {
    return this.#kept.clients.has(id);
  }

  /**
   * A mutation, exactly once: a later attempt of a call whose outcome is journaled is told that.
   */
  call(call: Call): { answer: Answer; isJournaled: boolean } {
    const { client, callId, attempt, lowestUnanswered } = call;
    const session = this.#kept.clients.get(client);
    if (session === undefined || callId < session.lowestUnanswered) return { answer: refused('session_expired'), isJournaled: false };
    const recorded = session.answers.get(callId);
    if (recorded !== undefined) return { answer: recorded, isJournaled: false };
    if (callId >= Math.max(session.lowestUnanswered, lowestUnanswered) + CALL_WINDOW) {
      return { answer: refused('session_expired'), isJournaled: false };
    }
    const { answer, changed } = this.#run(call);
    const isJournaled = changed || attempt > 1;
    if (isJournaled) this.#record(call, answer);
    return { answer, isJournaled };
  }

  #record({ client, callId, lowestUnanswered }: Call, answer: Answer): void {
    const session = this.#kept.clients.get(client);
    if (session === undefined) return;
    session.answers.set(callId, answer);
    session.lowestUnanswered = Math.max(session.lowestUnanswered, lowestUnanswered);
  }

  #run({ op, request, who, client, nowMs, sn }: Call): { answer: Answer; changed: boolean } {
    const before = op === 'multi' ? this.remember() : null;
    const world = new World(this.#settings, this.#kept, who, { client, nowMs, sn });
    try {
      if (op === 'multi') return { answer: this.#multi(world, request as { steps?: Step[] }), changed: true };
      const node = operationOf(MUTATIONS, op)(world, request as never) as Node | null;
      return { answer: { inode: node && shownOf(node), inodes: [] }, changed: world.changed };
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      if (before !== null) this.#kept = before;
      return { answer: { refused: thrown.errnos }, changed: false };
    }
  }

  /** One after the other; what one is refused for, all are. */
  #multi(world: World, { steps = [] }: { steps?: Step[] }): Answer {
    if (steps.length < 1 || steps.length > 1000) world.refuse('EINVAL');
    const paths = steps.flatMap(({ path, from, to }) => [path, from, to]).filter((path) => typeof path === 'string');
    if (paths.join('').split('/').length > COMPONENTS_MAX) world.wrong('E2BIG');
    const inodes = steps.map(({ op, ...request }) => {
      const step = world.asIfAlone();
      if (STEPS[op] === undefined) step.refuse('EINVAL');
      const node = operationOf(STEPS, op)(step, request as never) as Node | null;
      return node && shownOf(node);
    });
    world.checked();
    return { inode: inodes[0], inodes };
  }

  /** A query. @returns what is found, or the names of what is wrong. */
  ask(who: Who, op: string, request: object): { found: unknown } | { refused: ReadonlySet<string> } {
    const world = new World(this.#settings, this.#kept, who, { client: 0, nowMs: 0, sn: 0 });
    try {
      return { found: formOf(operationOf(QUERIES, op)(world, request as never)) };
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return { refused: thrown.errnos };
    }
  }

  /** What has outlived its time ends; so does the writing of clients that are gone. */
  keepHouse(nowMs: number): void {
    expire(this.#kept.root, nowMs);
    recoverLeases(this.#kept.root, this.#kept.clients, nowMs);
  }
}

function operationOf(operations: Readonly<Record<string, Operation>>, op: string): Operation {
  const operation = operations[op];
  if (operation === undefined) throw new Error(`the reference model knows no operation ${op}`);
  return operation;
}

/** As the program's answers are shown (questions.ts). */
function formOf(found: unknown): unknown {
  if (found instanceof Map) return [...found];
  if (Array.isArray(found)) return found.map((each) => ('node' in each ? [each.name, shownOf(each.node)] : Object.values(each)));
  if (typeof found !== 'object' || found === null) return found;
  if ('bytes' in found) return { ...found, bytes: String(found.bytes) };
  return shownOf(found as Node);
}

function refused(errno: string): Answer {
  return { refused: new Set([errno]) };
}
