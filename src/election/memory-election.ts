/**
 * The election as one object in memory, shared by the handles of all candidates: for tests and simulations.
 *
 * Deterministic: news travel through the injected clock's `defer`, in the order of what caused them. Sessions are as ZooKeeper's: the service
 * ends them and a candidate learns of it only when told, so two can be elected at once (`expire` with `tell: false`, `disconnect`).
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Election, ElectionEvent, LeaderDirectory, LeaderRecord } from './election.js';

export interface MemoryElectionSettings {
  /** How long the session of a killed candidate lives on. */
  readonly sessionTimeoutMs: number;
}

export class MemoryElectionService {
  readonly #settings: MemoryElectionSettings;
  readonly #clock: Clock;
  readonly #elections = new Set<MemoryElection>();
  readonly #sessions = new Set<MemorySession>();
  #queue: readonly MemorySession[] = [];
  #isUp = true;

  constructor(settings: MemoryElectionSettings, deps: { readonly clock: Clock }) {
    this.#settings = settings;
    this.#clock = deps.clock;
  }

  /** @returns one candidate's handle. */
  election(): Election {
    const election = new MemoryElection(this, this.#clock);
    this.#elections.add(election);
    return election;
  }

  directory(): LeaderDirectory {
    return new MemoryLeaderDirectory(this);
  }

  /** Ends the candidate's session: the next one is elected. Without `tell` the candidate goes on believing in it until `tell`. */
  expire(rpcAddress: string, options: { readonly tell: boolean } = { tell: true }): void {
    const election = this.#find(rpcAddress);
    this.end(election.session);
    if (options.tell) election.sessionLost();
  }

  /** Lets the candidate learn that its session has expired; it registers again. */
  tell(rpcAddress: string): void {
    const election = this.#find(rpcAddress);
    if (!this.isAlive(election.session)) election.sessionLost();
  }

  /** The candidate's process dies: nothing is reported to it any more, and its session ends after the time-out. */
  kill(rpcAddress: string): void {
    const election = this.#find(rpcAddress);
    this.forget(election);
    election.die();
    this.#clock.setTimer(this.#settings.sessionTimeoutMs, () => this.end(election.session));
  }

  /** The service goes away: sessions live on, nobody is elected, callers get `unavailable`. */
  stop(): void {
    this.#isUp = false;
  }

  /** The candidate cannot reach the service: its session ends after the time-out, and it hears of nothing until `reconnect`. */
  disconnect(rpcAddress: string): void {
    const election = this.#find(rpcAddress);
    const { session } = election;
    const away = election.disconnect();
    this.#clock.setTimer(this.#settings.sessionTimeoutMs, () => away() && this.end(session));
  }

  reconnect(rpcAddress: string): void {
    this.#find(rpcAddress).reconnect();
    this.#notify();
  }

  /** It is back, with the sessions that it had, or with none of them; what was asked for meanwhile is done now. */
  start(options: { readonly forgets: boolean } = { forgets: false }): void {
    this.#isUp = true;
    if (options.forgets) {
      for (const session of [...this.#sessions]) this.end(session);
      for (const election of this.#elections) election.sessionLost();
      return;
    }
    for (const election of this.#elections) election.settle();
    this.#notify();
  }

  // The rest is for the handles.

  begin(session: MemorySession): void {
    this.#sessions.add(session);
  }

  end(session: MemorySession): void {
    this.#sessions.delete(session);
    this.dequeue(session);
  }

  enqueue(session: MemorySession): void {
    if (!this.#sessions.has(session) || this.#queue.includes(session)) return;
    this.#queue = [...this.#queue, session];
    this.#notify();
  }

  dequeue(session: MemorySession): void {
    this.#queue = this.#queue.filter((other) => other !== session);
    this.#notify();
  }

  forget(election: MemoryElection): void {
    this.#elections.delete(election);
  }

  /** @returns whether a candidate of that address stood in the queue. It learns of it, and registers again. */
  expel(rpcAddress: string): boolean {
    const expelled = this.#queue.filter(({ owner }) => owner.rpcAddress === rpcAddress);
    for (const session of expelled) {
      this.dequeue(session);
      this.#clock.defer(() => session.owner.expelled(session));
    }
    return expelled.length > 0;
  }

  isQueued(session: MemorySession): boolean {
    return this.#queue.includes(session);
  }

  isAlive(session: MemorySession): boolean {
    return this.#sessions.has(session);
  }

  isFirst(session: MemorySession): boolean {
    return this.#queue[0] === session;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** @throws `unavailable` while stopped. */
  throwIfDown(): void {
    if (!this.#isUp) throw new UnderstudyError('unavailable', 'the election service is down');
  }

  leaders(): readonly LeaderRecord[] {
    const records = [...this.#sessions].map(({ record }) => record).filter((record) => record !== undefined);
    return records.sort((a, b) => b.epoch - a.epoch);
  }

  candidates(): readonly string[] {
    return [...new Set(this.#queue.map(({ owner }) => owner.rpcAddress))];
  }

  #notify(): void {
    const first = this.#queue[0];
    if (this.#isUp && first !== undefined) this.#clock.defer(() => first.owner.tellFirst(first));
  }

  #find(rpcAddress: string): MemoryElection {
    for (const election of this.#elections) if (election.rpcAddress === rpcAddress) return election;
    throw new UnderstudyError('not_found', `no such candidate: address=${rpcAddress}`);
  }
}

/** One candidate's standing with the service. */
interface MemorySession {
  readonly owner: MemoryElection;
  record: LeaderRecord | undefined;
}

class MemoryElection implements Election {
  readonly #service: MemoryElectionService;
  readonly #clock: Clock;
  #session: MemorySession;
  #rpcAddress = '';
  #report: ((event: ElectionEvent) => void) | undefined;
  #record: LeaderRecord | undefined;
  #elected = false;
  /** A place in the queue that it wants to give up. */
  #wantsTail = false;
  #dead = false;
  /** How often it lost touch with the service; while it is `#away` it hears nothing and does nothing. */
  #losses = 0;
  #away = false;

  constructor(service: MemoryElectionService, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
    this.#session = this.#begin();
  }

  get session(): MemorySession {
    return this.#session;
  }

  get rpcAddress(): string {
    return this.#rpcAddress;
  }

  join(rpcAddress: string, report: (event: ElectionEvent) => void): void {
    if (this.#report !== undefined) throw new UnderstudyError('failed_precondition', 'joined the election already');
    this.#rpcAddress = rpcAddress;
    this.#report = report;
    this.settle();
  }

  async requeue(): Promise<void> {
    this.#depose('went to the tail of the candidates');
    this.#wantsTail = true;
    this.#settleNow();
  }

  async publish(record: LeaderRecord): Promise<void> {
    this.#record = record;
    this.#settleNow();
  }

  async withdraw(): Promise<void> {
    this.#record = undefined;
    this.#settleNow();
  }

  async expel(rpcAddress: string): Promise<boolean> {
    this.#throwIfUnreachable();
    return this.#service.expel(rpcAddress);
  }

  async candidates(): Promise<readonly string[]> {
    this.#throwIfUnreachable();
    return this.#service.candidates();
  }

  async leave(): Promise<void> {
    this.#report = undefined;
    this.#record = undefined;
    this.#elected = false;
    this.settle();
  }

  async close(): Promise<void> {
    if (this.#dead) return;
    await this.leave();
    this.die();
    this.#service.end(this.#session);
    this.#service.forget(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Makes the service agree with what is wanted, unless it is down: then `start` does. */
  settle(): void {
    if (!this.#service.isUp || this.#away) return;
    // What a process sent before it died is carried out, as long as its session lasts.
    this.#session.record = this.#record;
    if (this.#dead) return;
    if (this.#wantsTail || this.#report === undefined) this.#service.dequeue(this.#session);
    this.#wantsTail = false;
    if (this.#report !== undefined) this.#service.enqueue(this.#session);
  }

  tellFirst(session: MemorySession): void {
    if (this.#dead || this.#away || this.#elected || this.#wantsTail || session !== this.#session || !this.#service.isFirst(session))
      return;
    this.#elected = true;
    this.#report?.({ type: 'elected' });
  }

  /** @returns what tells whether it has been away ever since. */
  disconnect(): () => boolean {
    const loss = ++this.#losses;
    this.#away = true;
    return () => this.#away && this.#losses === loss;
  }

  reconnect(): void {
    if (!this.#away) return;
    this.#away = false;
    if (!this.#service.isAlive(this.#session)) return this.sessionLost();
    if (!this.#service.isQueued(this.#session)) this.#depose('its place in the queue was removed');
    this.settle();
  }

  sessionLost(): void {
    if (this.#away) return;
    this.#session = this.#begin();
    this.#clock.defer(() => {
      if (this.#dead) return;
      this.#depose('session expired');
      this.settle();
    });
  }

  expelled(session: MemorySession): void {
    if (this.#dead || this.#away || session !== this.#session || this.#report === undefined) return;
    this.#depose('its place in the queue was removed');
    this.settle();
  }

  die(): void {
    this.#dead = true;
  }

  #begin(): MemorySession {
    const session: MemorySession = { owner: this, record: undefined };
    this.#service.begin(session);
    return session;
  }

  #settleNow(): void {
    if (!this.#dead) this.#throwIfUnreachable();
    this.settle();
  }

  #throwIfUnreachable(): void {
    this.#service.throwIfDown();
    if (this.#away) throw new UnderstudyError('unavailable', 'the election service cannot be reached');
  }

  #depose(reason: string): void {
    if (!this.#elected) return;
    this.#elected = false;
    this.#report?.({ type: 'deposed', reason });
  }
}

class MemoryLeaderDirectory implements LeaderDirectory {
  readonly #service: MemoryElectionService;

  constructor(service: MemoryElectionService) {
    this.#service = service;
  }

  async leaders(): Promise<readonly LeaderRecord[]> {
    this.#service.throwIfDown();
    return this.#service.leaders();
  }

  async candidates(): Promise<readonly string[]> {
    this.#service.throwIfDown();
    return this.#service.candidates();
  }

  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
