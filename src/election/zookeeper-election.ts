/**
 * Election by ZooKeeper: a queue of ephemeral sequential nodes, in which each candidate watches the one before it, and its own.
 *
 * What is wanted (to stand in the queue, to be published) is kept here; one loop makes ZooKeeper agree with it, after each change of
 * either, and looks again now and then in case a watch got lost. So a wish outlives any failure of the service, and steps never overlap.
 *
 * - A ticket is one registration: a uuid of its own, in one session. Nodes of earlier tickets are removed wherever they show up, also those whose
 *   create was never answered. Of several nodes of one ticket the first counts.
 * - A break of the connection deposes nobody; the end of the session does, and the candidate registers again at the tail.
 * - All candidates are of one cluster, that of the first in the queue: one of another leaves as soon as it sees who is first, and its master is
 *   told to end. Of two clusters that come at once the order of their nodes decides, so one stays.
 * - The published record stands until it is withdrawn, in whatever session: readers take the highest epoch.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import type { Election, ElectionEvent, LeaderRecord } from './election.js';
import { WishLoop } from './wish-loop.js';
import {
  type Candidate,
  childrenIfAny,
  decodeCandidate,
  type ElectionNode,
  electionNodes,
  electionPrefix,
  encodeCandidate,
  encodeLeader,
  uuidFrom,
  type ZooKeeperPaths,
} from './zookeeper-nodes.js';
import { ZooKeeperSession, type ZooKeeperSessionDeps, type ZooKeeperSessionSettings } from './zookeeper-session.js';

/** Tickets whose nodes are still looked for; older ones have been removed or have ended with their session. */
const RETIRED_MAX = 64;
/** Leaving does not wait longer for a service that is away: the session's end will do it. */
const LEAVE_WAIT_MS = 1_000;

export interface ZooKeeperElectionSettings extends ZooKeeperSessionSettings, ZooKeeperPaths {
  /** Of the masters that stand here. */
  readonly clusterId: string;
}

export class ZooKeeperElection implements Election {
  readonly #settings: ZooKeeperElectionSettings;
  readonly #deps: ZooKeeperSessionDeps;
  readonly #session: ZooKeeperSession;
  readonly #loop: WishLoop;
  #closed = false;

  #candidate: { readonly rpcAddress: string; readonly report: (event: ElectionEvent) => void } | undefined;
  #record: LeaderRecord | undefined;

  #ticket: string | undefined;
  #elected = false;
  readonly #retired = new Set<string>();
  readonly #watched = new Set<string>();
  /** Those that were seen, by the names of their nodes. */
  readonly #candidates = new Map<string, Candidate>();
  readonly #foreign: (error: UnderstudyError) => void;
  /** Addresses under which this may have published. */
  readonly #published = new Set<string>();

  private constructor(
    settings: ZooKeeperElectionSettings,
    deps: ZooKeeperSessionDeps,
    session: ZooKeeperSession,
    foreign: (error: UnderstudyError) => void,
  ) {
    this.#foreign = foreign;
    this.#settings = settings;
    this.#deps = deps;
    this.#session = session;
    this.#loop = new WishLoop(() => this.#settle(), settings.sessionTimeoutMs, deps);
  }

  /**
   * Does not wait for the service.
   *
   * @param foreign told where masters of another cluster stand here: this one has left, and may not go on. @throws `invalid_argument` as `ZooKeeperSession`.
   */
  static async open(
    settings: ZooKeeperElectionSettings,
    deps: ZooKeeperSessionDeps,
    foreign: (error: UnderstudyError) => void,
  ): Promise<ZooKeeperElection> {
    // The session has nothing to tell before its owner is there: it begins later.
    let election: ZooKeeperElection | undefined;
    const session = new ZooKeeperSession(settings, deps, {
      connected: () => election?.look(),
      lost: (reason) => election?.sessionLost(reason),
      changed: (path) => election?.nodeChanged(path),
    });
    election = new ZooKeeperElection(settings, deps, session, foreign);
    return election;
  }

  join(rpcAddress: string, report: (event: ElectionEvent) => void): void {
    if (this.#candidate !== undefined) throw new UnderstudyError('failed_precondition', 'joined the election already');
    this.#candidate = { rpcAddress, report };
    this.#loop.look();
  }

  requeue(): Promise<void> {
    this.#retireTicket('went to the tail of the candidates');
    return this.#fulfilled(this.#settings.sessionTimeoutMs);
  }

  publish(record: LeaderRecord): Promise<void> {
    this.#record = record;
    return this.#fulfilled(this.#settings.sessionTimeoutMs);
  }

  async withdraw(): Promise<void> {
    this.#record = undefined;
    if (!this.#closed) await this.#fulfilled(this.#settings.sessionTimeoutMs);
  }

  /** The nodes that were seen when all was well are removed without another look: this is the shortest way to the next election. */
  async expel(rpcAddress: string): Promise<boolean> {
    if (await this.#removeAll(this.#namesOf(rpcAddress))) return true;
    await this.candidates();
    return this.#removeAll(this.#namesOf(rpcAddress));
  }

  async candidates(): Promise<readonly string[]> {
    await this.#learn(electionNodes(await childrenIfAny(this.#session, this.#settings.electionPath)));
    return [...new Set([...this.#candidates.values()].map(({ rpcAddress }) => rpcAddress))];
  }

  async leave(): Promise<void> {
    this.#candidate = undefined;
    this.#record = undefined;
    this.#retireTicket('left');
    await this.#fulfilled(LEAVE_WAIT_MS).catch(() => {});
  }

  async close(): Promise<void> {
    if (!this.#closed) await this.leave();
    this.#closed = true;
    await this.#session.close();
    await this.#loop.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private look(): void {
    // A new client knows of no watch.
    this.#watched.clear();
    this.#loop.look();
  }

  private sessionLost(reason: string): void {
    this.#retireTicket(reason);
    this.#loop.look();
  }

  private nodeChanged(path: string): void {
    if (this.#watched.delete(path)) this.#loop.look();
  }

  /** Resolves once ZooKeeper has what is now wanted. @throws `unavailable` after `limitMs`; it stays wanted. */
  #fulfilled(limitMs: number): Promise<void> {
    return this.#loop.fulfilled(limitMs, () => {
      const why = this.#session.failure === undefined ? '' : ` (${this.#session.failure.message})`;
      return `zookeeper does not answer${why}: servers=${this.#settings.servers}`;
    });
  }

  /** Makes ZooKeeper agree with what is wanted. Each part looks first, so that it can be begun again after any failure. */
  async #settle(): Promise<'done' | 'not now'> {
    if (!this.#session.isConnected) return 'not now';
    const queue = electionNodes(await childrenIfAny(this.#session, this.#settings.electionPath));
    for (const node of queue) if (this.#retired.has(node.uuid)) await this.#session.remove(this.#electionNode(node.name));
    await this.#settlePublished();
    const candidate = this.#candidate;
    if (candidate === undefined) return 'done';
    this.#ticket ??= uuidFrom(this.#deps.random.bytes(16));
    const ticket = this.#ticket;
    const stands = queue.some(({ uuid }) => uuid === ticket);
    if (!stands) {
      await this.#learn(queue);
      if (this.#leavesForeign(queue)) return 'done';
      if (this.#ticket !== ticket) return 'not now';
      await this.#register(ticket, candidate.rpcAddress);
      // Who came in between is seen in the next look.
      this.#loop.look();
    }
    await this.#takePlace(ticket, stands ? queue : undefined);
    await this.#learn(queue);
    if (stands) this.#leavesForeign(queue);
    return 'done';
  }

  /** @returns whether the first in the queue is of another cluster; this one leaves then, for good. */
  #leavesForeign([first]: readonly ElectionNode[]): boolean {
    const { clusterId, electionPath } = this.#settings;
    const other = first && this.#candidates.get(first.name);
    if (!other?.clusterId || other.clusterId === clusterId || this.#candidate === undefined) return false;
    this.#candidate = undefined;
    this.#record = undefined;
    this.#retireTicket('masters of another cluster stand in this election');
    this.#loop.look();
    const what =
      'masters of another cluster stand in this election: give this one paths of its own (understudy.zookeeper.election.path, understudy.zookeeper.leader.path)';
    const values = `path=${electionPath} master=${other.rpcAddress} its_cluster=${other.clusterId} own_cluster=${clusterId}`;
    this.#foreign(new UnderstudyError('failed_precondition', `${what}: ${values}`));
    return true;
  }

  /** Reads what stands in the nodes of those in `queue` that are not known yet, and forgets the others. */
  async #learn(queue: readonly ElectionNode[]): Promise<void> {
    const names = new Set(queue.map(({ name }) => name));
    for (const name of this.#candidates.keys()) if (!names.has(name)) this.#candidates.delete(name);
    const news = [...names].filter((name) => !this.#candidates.has(name));
    const nodes = await Promise.all(news.map((name) => this.#session.read(this.#electionNode(name))));
    for (const [at, name] of news.entries()) {
      const data = nodes[at]?.data;
      if (data !== undefined) this.#candidates.set(name, decodeCandidate(data));
    }
  }

  /** @returns names of the nodes of other candidates under that address: this one's own has its ticket in it. */
  #namesOf(rpcAddress: string): string[] {
    const isOwn = (name: string) => this.#ticket !== undefined && name.includes(this.#ticket);
    return [...this.#candidates].filter(([name, other]) => other.rpcAddress === rpcAddress && !isOwn(name)).map(([name]) => name);
  }

  /** @returns whether one of them was there. */
  async #removeAll(names: readonly string[]): Promise<boolean> {
    const removed = await Promise.all(names.map((name) => this.#session.remove(this.#electionNode(name))));
    return removed.includes(true);
  }

  async #register(ticket: string, rpcAddress: string): Promise<void> {
    if (this.#elected) this.#depose('its election node was removed');
    const { clusterId } = this.#settings;
    const path = this.#electionNode(electionPrefix(ticket));
    const create = () => this.#session.create(path, encodeCandidate({ rpcAddress, clusterId }), 'ephemeral sequential');
    try {
      await create();
    } catch (error) {
      if (!isError(error, 'not_found')) throw error;
      await this.#session.makePath(this.#settings.electionPath);
      await create();
    }
  }

  /** Finds out whether the ticket is first, and watches its node and the one before it. @param seen the queue, where it was just looked at. */
  async #takePlace(ticket: string, seen: readonly ElectionNode[] | undefined): Promise<void> {
    for (let known = seen; ; known = undefined) {
      const queue = known ?? electionNodes(await this.#session.children(this.#settings.electionPath));
      const place = queue.findIndex(({ uuid }) => uuid === ticket);
      const [own, ...doubles] = queue.filter(({ uuid }) => uuid === ticket);
      if (this.#ticket !== ticket) return;
      if (own === undefined || !(this.#isWatched(own.name) || (await this.#watch(own.name))))
        throw new UnderstudyError('aborted', 'election node is gone');
      for (const { name } of doubles) await this.#session.remove(this.#electionNode(name));
      const before = queue[place - 1];
      if (before !== undefined && !(await this.#watch(before.name))) continue;
      if (this.#ticket !== ticket) return;
      if (before === undefined && !this.#elected) this.#elect();
      if (before !== undefined && this.#elected) this.#depose('another candidate is before it');
      return;
    }
  }

  #isWatched(name: string): boolean {
    return this.#watched.has(this.#electionNode(name));
  }

  #watch(name: string): Promise<boolean> {
    const path = this.#electionNode(name);
    this.#watched.add(path);
    return this.#session.watch(path);
  }

  async #settlePublished(): Promise<void> {
    const record = this.#record;
    for (const address of this.#published) {
      if (address === record?.rpcAddress) continue;
      const path = `${this.#settings.leaderPath}/${address}`;
      const there = await this.#session.read(path);
      // A server that lags does not know yet what a create that was never answered has made; a removal it cannot answer by itself.
      if (there === undefined || there.mine) await this.#session.remove(path);
      this.#published.delete(address);
    }
    if (record === undefined) return;
    const path = `${this.#settings.leaderPath}/${record.rpcAddress}`;
    const data = encodeLeader(record, this.#settings.clusterId);
    const there = await this.#session.read(path);
    if (there?.mine && there.data.toString('utf8') === data) return;
    if (there !== undefined) await this.#session.remove(path);
    this.#published.add(record.rpcAddress);
    try {
      await this.#session.create(path, data, 'ephemeral');
    } catch (error) {
      if (!isError(error, 'not_found')) throw error;
      await this.#session.makePath(this.#settings.leaderPath);
      await this.#session.create(path, data, 'ephemeral');
    }
  }

  #electionNode(name: string): string {
    return `${this.#settings.electionPath}/${name}`;
  }

  #retireTicket(reason: string): void {
    if (this.#ticket === undefined) return;
    this.#retired.add(this.#ticket);
    for (const uuid of this.#retired) if (this.#retired.size > RETIRED_MAX) this.#retired.delete(uuid);
    this.#ticket = undefined;
    this.#watched.clear();
    if (this.#elected) this.#depose(reason);
  }

  #elect(): void {
    this.#elected = true;
    this.#candidate?.report({ type: 'elected' });
  }

  #depose(reason: string): void {
    this.#elected = false;
    this.#candidate?.report({ type: 'deposed', reason });
  }
}
