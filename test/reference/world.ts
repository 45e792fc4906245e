/** All that the reference model knows, and what a request is run in. */
import type { Who } from './access.js';
import type { Node } from './inode.js';

export interface Settings {
  readonly blockBytesDefault: number;
  /** 0: what is removed goes at once. */
  readonly trashIntervalMs: number;
}

interface Client {
  lowestUnanswered: number;
  /** What was journaled of its calls. */
  answers: Map<number, Answer>;
}

/** What a request is answered with: an inode, several, nothing, or the names of what is wrong with it. */
export type Answer = { readonly inode: unknown; readonly inodes: readonly unknown[] } | { readonly refused: ReadonlySet<string> };

/**
 * Ends a request. Where several things are wrong, POSIX lets any of them be told: all that was found to be wrong until here is in it.
 */
export class Refusal extends Error {
  readonly errnos: ReadonlySet<string>;

  constructor(errnos: ReadonlySet<string>) {
    super([...errnos].join(' or '));
    this.errnos = errnos;
  }
}

export interface Kept {
  root: Node;
  nextInodeId: number;
  nextMountId: number;
  nextClientId: number;
  cursors: Map<string, { path: string; sn: number; movedMs: number }>;
  /** By path, then by key. */
  config: Map<string, ReadonlyMap<string, string>>;
  clients: Map<number, Client>;
}

/** One request being run. */
export class World {
  readonly settings: Settings;
  readonly kept: Kept;
  readonly who: Who;
  /** Whose call it is. */
  readonly client: number;
  /** Leader's time, Unix milliseconds. */
  readonly nowMs: number;
  /** Last entry before it. */
  readonly sn: number;
  /** It makes a difference. */
  changed = false;
  #wrong = new Set<string>();

  constructor(settings: Settings, kept: Kept, who: Who, at: { client: number; nowMs: number; sn: number }) {
    this.settings = settings;
    this.kept = kept;
    this.who = who;
    this.client = at.client;
    this.nowMs = at.nowMs;
    this.sn = at.sn;
  }

  /** @returns the same request, of which nothing is known to be wrong. */
  asIfAlone(): World {
    return new World(this.settings, this.kept, this.who, this);
  }

  get isWrong(): boolean {
    return this.#wrong.size > 0;
  }

  get root(): Node {
    return this.kept.root;
  }

  /** Something is wrong; so may be more. */
  wrong(errno: string): void {
    this.#wrong.add(errno);
  }

  /** Something is wrong so that nothing further can be looked at. */
  refuse(errno: string): never {
    throw new Refusal(this.#wrong.add(errno));
  }

  /** Looks at one of several things; what is wrong with it does not keep the others from being looked at. */
  look<T>(work: () => T): T | null {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return null;
    }
  }

  /** Enough is wrong. */
  stop(): never {
    throw new Refusal(this.#wrong);
  }

  /** All has been checked: from here on things change. */
  checked(): void {
    if (this.#wrong.size > 0) throw new Refusal(this.#wrong);
  }

  /** Another client writes the file, and is still there. */
  isLeaseOfOther({ lease }: Node): boolean {
    return lease !== null && lease.client !== this.client && this.kept.clients.has(lease.client);
  }
}
