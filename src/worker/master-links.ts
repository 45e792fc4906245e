/**
 * A worker's sessions with all masters of its cluster: those that its settings or ZooKeeper name, and those that masters name. New ones are
 * found in time; one that nobody names any longer, and that cannot be reached, is let go.
 */

import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import { MasterLink, type MasterLinkDeps } from './master-link.js';
import type { BlocksOf } from './worker-cluster.js';

export interface MasterLinksDeps
  extends Omit<MasterLinkDeps, 'heardOf' | 'isLeaving' | 'checkCluster' | 'incarnationId' | 'taken' | 'isDouble'> {
  /** @returns `host:port` of masters, as settings or a directory name them now. @throws `unavailable`: nobody knows. */
  readonly findMasters: (signal: AbortSignal) => Promise<readonly string[]>;
  /** What the blocks are of that this worker holds. */
  readonly blocksOf: BlocksOf;
  /** Called where they were of nothing yet: from now on they are of that. It ends before any master hears of blocks. */
  readonly joined: (of: BlocksOf) => Promise<void>;
}

/** How one master stands to this worker. */
export interface MasterLinkShown {
  readonly address: string;
  readonly isRegistered: boolean;
  /** Why it is not; empty where it is. */
  readonly trouble: string;
}

const MASTERS_MAX = 32;
const LOOK_INTERVAL_MS = 5_000;
const LOOK_AGAIN_MS = 500;
const FORGET_MS = 600_000;

export class MasterLinks implements AsyncDisposable {
  readonly #deps: MasterLinksDeps;
  readonly #links = new Map<string, { readonly link: MasterLink; namedMs: number }>();
  readonly #closing = new AbortController();
  readonly #looking: Promise<void>;
  /** By other names of theirs, masters that have a session. */
  readonly #otherNames = new Map<string, string>();
  #blocksOf: BlocksOf;
  #joining: Promise<void> = Promise.resolve();
  #isLeaving = false;

  /** Begins at once. */
  constructor(deps: MasterLinksDeps) {
    this.#deps = deps;
    this.#blocksOf = deps.blocksOf;
    this.#looking = this.#look(deps.log);
  }

  get clusterId(): string {
    return this.#blocksOf.clusterId;
  }

  list(): readonly MasterLinkShown[] {
    return [...this.#links.values()].map(({ link: { address, isRegistered, trouble } }) => ({ address, isRegistered, trouble }));
  }

  /** Tells all masters that this worker is about to stop, and wants no new blocks. */
  leave(): void {
    this.#isLeaving = true;
    for (const { link } of this.#links.values()) link.announce();
  }

  /** Ends all sessions. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new UnderstudyError('cancelled', 'the worker is stopping'));
    await this.#looking;
    await Promise.all([...this.#links.values()].map(({ link }) => link.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #look(log: Log): Promise<void> {
    const { clock, findMasters } = this.#deps;
    const { signal } = this.#closing;
    let trouble = '';
    while (!signal.aborted) {
      try {
        this.#meet(await findMasters(signal));
        trouble = '';
      } catch (thrown) {
        const error = asError(thrown);
        if (!signal.aborted && error.message !== trouble) log.warn({ error }, 'nobody says where the masters are; asked again');
        trouble = error.message;
      }
      this.#forget();
      const known = this.#links.size > 0;
      await sleep(clock, known ? LOOK_INTERVAL_MS : LOOK_AGAIN_MS, signal).catch(() => {});
    }
  }

  #meet(addresses: readonly string[]): void {
    if (this.#closing.signal.aborted) return;
    const nowMs = this.#deps.clock.monotonicMs();
    for (const address of addresses) {
      const known = this.#links.get(this.#otherNames.get(address) ?? address);
      if (known !== undefined) known.namedMs = nowMs;
      else if (this.#links.size < MASTERS_MAX) this.#links.set(address, { link: this.#link(address), namedMs: nowMs });
    }
  }

  #forget(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [address, { link, namedMs }] of this.#links) {
      if (link.isRegistered || nowMs - namedMs < FORGET_MS) continue;
      this.#links.delete(address);
      void link.close();
    }
    for (const [name, knownAs] of this.#otherNames) if (!this.#links.has(knownAs)) this.#otherNames.delete(name);
  }

  #link(address: string): MasterLink {
    return new MasterLink(address, {
      ...this.#deps,
      isLeaving: () => this.#isLeaving,
      heardOf: (masters) => this.#meet(masters),
      checkCluster: (clusterId) => this.#checkCluster(clusterId),
      incarnationId: () => this.#blocksOf.incarnationId,
      taken: (by) => this.#taken(by),
      isDouble: (own, knownAs) => this.#isDouble(own, knownAs),
    });
  }

  /** One master may be named in several ways. The session by the name that it gives itself stays, where there is one. */
  #isDouble(address: string, knownAs: string): boolean {
    if (address === knownAs || this.#links.get(knownAs)?.link.isRegistered !== true) return false;
    this.#links.delete(address);
    this.#otherNames.set(address, knownAs);
    return true;
  }

  /** A worker's blocks are of one cluster: to the masters of another one they would be of no file, and be freed. */
  #checkCluster(clusterId: string): void {
    if (clusterId === '') throw new UnderstudyError('failed_precondition', 'the master does not say which cluster it is of');
    const { clusterId: own } = this.#blocksOf;
    if (own !== '' && clusterId !== own) {
      const which = `cluster=${clusterId} of_the_blocks=${own}`;
      throw new UnderstudyError('failed_precondition', `the master is of another cluster than the blocks of this worker: ${which}`);
    }
  }

  /** The first master says what the blocks are of from now on. */
  async #taken(by: BlocksOf): Promise<void> {
    this.#checkCluster(by.clusterId);
    const { incarnationId: own } = this.#blocksOf;
    if (own !== '' && own !== by.incarnationId)
      throw new UnderstudyError('failed_precondition', 'the master is of another history of the cluster than the blocks of this worker');
    if (own === '') {
      this.#blocksOf = by;
      this.#joining = this.#deps.joined(by);
    }
    await this.#joining;
  }
}
