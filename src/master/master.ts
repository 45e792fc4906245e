/**
 * A master: one replica of the state, a role (role-machine.ts), and the services on its RPC port. The thin shell around the pure machine:
 * it feeds in what happens and carries out what the machine asks for, one effect after the other.
 */
import { UnderstudyError } from '../base/errors.js';
import { type Deferred, deferred, sleep, within } from '../base/wait.js';
import type { JournalWriter } from '../journal/journal.js';
import type { NamespaceSettings } from '../metadata/plan.js';
import type { CallHandler } from '../rpc/rpc.js';
import { RpcServer } from '../rpc/rpc-server.js';
import { AccessTimes } from './access-times.js';
import { AppliedWatch } from './applied-watch.js';
import { CheckpointMaker } from './checkpoint-maker.js';
import { ClaimAttempt } from './claim-attempt.js';
import { Claimant } from './claimant.js';
import { ClockWatch } from './clock-watch.js';
import type { Controlled, SessionSettings } from './control-service.js';
import { Currency } from './currency.js';
import { EarlyElection } from './early-election.js';
import { type Feeder, Follower } from './follower.js';
import { HandOver } from './hand-over.js';
import { Identities } from './identities.js';
import { LeadProof } from './lead-proof.js';
import { LeaderPlace } from './leader-place.js';
import { Leadership } from './leadership.js';
import { LocalCalls } from './local-calls.js';
import type { MasterDeps } from './master-deps.js';
import { masterMethods } from './master-methods.js';
import { MasterMetrics } from './master-metrics.js';
import type { MasterSettings } from './master-settings.js';
import { causeOf, logRoleChange, masterStatus, SHOWN_STATES } from './master-status.js';
import type { MetadataLoader } from './metadata-loader.js';
import { rebuilding } from './namespace-service.js';
import { Rebuilder } from './rebuilder.js';
import { Replica } from './replica.js';
import { type Source, sourceOf } from './replica-report.js';
import { Replication } from './replication.js';
import { type ClaimEffect, type Role, type RoleEffect, type RoleInput, step } from './role-machine.js';
import { Serving } from './serving.js';
import { StandbyStreams } from './standby-streams.js';
import { LeadTaker } from './take-lead.js';
import { WorkerRoster } from './workers/worker-roster.js';

/** A candidate that is alone is elected again at once. */
const PASS_ON_MS = 500;
const DRAIN_MAX_MS = 2_000;

export class Master implements Controlled, AsyncDisposable {
  readonly #settings: MasterSettings;
  readonly #deps: MasterDeps;
  /** Tells readers what is applied. */
  readonly applied: AppliedWatch;
  readonly standbys: StandbyStreams;
  readonly identities: Identities;
  readonly accessTimes: AccessTimes;
  readonly clusterId: string;
  readonly incarnationId: string;
  readonly isObserver: boolean;
  /** Unix milliseconds; likewise `sinceMs`, since when it is in this state. */
  readonly startedMs: number;
  readonly #currency: Currency;
  readonly #claim: ClaimAttempt;
  readonly #handOver: HandOver;
  readonly #taker: LeadTaker;
  readonly #clockWatch: ClockWatch;
  readonly #follower: Follower;
  readonly #rebuilder: Rebuilder;
  readonly #metrics: MasterMetrics;
  readonly maker: CheckpointMaker;
  readonly calls: LocalCalls;
  readonly proof: LeadProof;
  readonly leaderPlace: LeaderPlace;
  readonly replication: Replication;
  readonly workers: WorkerRoster;
  readonly #handle: CallHandler;
  readonly #closed: Deferred<void> = deferred();
  #server: RpcServer | null = null;
  #replica: Replica | null = null;
  #leadership: Leadership | null = null;
  #writer: JournalWriter | null = null;
  /** The writer before, whose reads go on until the new epoch serves. */
  #retired: JournalWriter | null = null;
  #role: Role = { name: 'following' };
  sinceMs: number;
  because = 'started';
  /** What is wrong, for people; empty when nothing is. */
  #trouble = '';
  #isClosing = false;
  #inputs: RoleInput[] = [];
  #stepping = false;
  /** Effects on the replica and on the election, each in order. */
  #replicaWork: Promise<void> = Promise.resolve();
  #electionWork: Promise<void> = Promise.resolve();
  /** What a leader does besides answering; `done` outlives the leadership until all of that has ended. */
  #serving: Serving | null = null;
  readonly #stopping = new AbortController();
  /** What keeps this master from having a replica, for people; empty when nothing does. */
  #doing = '';
  #replicaTrouble: UnderstudyError | null = null;

  /**
   * Listens, opens the replica, follows the journal and joins the election. The journal, the election and the stores stay the caller's.
   *
   * @throws `failed_precondition`: the metastore is open elsewhere or another cluster's, the port is in use. @throws `unavailable`.
   * @throws `data_loss`: the state can be made from nothing that is left.
   */
  static async open(settings: MasterSettings, deps: MasterDeps): Promise<Master> {
    const master = new Master(settings, deps);
    try {
      master.#server = await RpcServer.open(settings, { ...deps, meter: master.#metrics.calls, realm: master.clusterId }, master.#handle);
      master.#replica = await Replica.open(settings, master.#replicaDeps(), master.#stopping.signal);
      master.#advanced(master.#replica.end.sn);
    } catch (error) {
      await master.#server?.close();
      throw error;
    }
    master.#perform({ type: 'follow' });
    deps.election.join(master.rpcAddress, ({ type }) => master.input({ type }));
    return master;
  }

  private constructor(settings: MasterSettings, deps: MasterDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.isObserver = settings.isObserver;
    ({ clusterId: this.clusterId, incarnationId: this.incarnationId } = deps.journal);
    this.#metrics = new MasterMetrics(this, settings.version, deps);
    this.applied = new AppliedWatch(deps.clock);
    this.identities = new Identities(settings, deps);
    this.accessTimes = new AccessTimes(settings);
    this.#currency = new Currency(deps.clock);
    this.#clockWatch = new ClockWatch(settings, deps.log);
    this.#handOver = new HandOver(deps, this);
    this.#taker = new LeadTaker(deps, this);
    this.#claim = new ClaimAttempt(this, {
      clock: deps.clock,
      claimant: new Claimant(settings, deps),
      taker: this.#taker,
      phases: this.#metrics.phases,
      writer: () => this.#writer,
      claimed: (writer) => {
        this.#retired = this.#writer;
        this.#writer = writer;
      },
      letGo: (writer) => this.#letGo(writer),
    });
    this.replication = new Replication(settings, deps, this);
    this.workers = new WorkerRoster(settings, deps, this.#stopping.signal);
    this.standbys = new StandbyStreams(settings, { ...deps, heard: (standby) => this.replication.heard(standby) });
    this.#rebuilder = new Rebuilder(settings, deps.clock);
    this.maker = new CheckpointMaker({ clusterId: deps.journal.clusterId, checkpoints: deps.journal.checkpoints, clock: deps.clock });
    const early = new EarlyElection(settings, deps);
    this.#follower = new Follower(settings, {
      ...deps,
      ownAddress: () => this.rpcAddress,
      leaderGone: (leader, why) => early.leaderGone(leader, why),
      heard: (committedSn) => this.#currency.heard(committedSn),
      caughtUp: () => {
        this.#currency.caughtUp();
        this.#trouble = '';
      },
      failed: (error) => this.input({ type: 'replay failed', error }),
    });
    this.startedMs = this.sinceMs = deps.clock.wallMs();
    this.#handle = masterMethods(this, { handOver: this.#handOver, taker: this.#taker, settings, deps });
    this.calls = new LocalCalls(this.#handle, deps);
    this.proof = new LeadProof(this, deps.clock);
    this.leaderPlace = new LeaderPlace(this, deps, this.#stopping.signal);
  }

  /** Resolves when this master has closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get rpcAddress(): string {
    const { rpcAddress } = this.#settings;
    if (!rpcAddress.endsWith(':0')) return rpcAddress;
    const bound = this.#server?.address ?? rpcAddress;
    return rpcAddress.slice(0, -1) + bound.slice(bound.lastIndexOf(':') + 1);
  }

  get connections(): number {
    return this.#server?.connections ?? 0;
  }

  get sessionSettings(): SessionSettings {
    return this.#settings;
  }

  get namespaceSettings(): NamespaceSettings {
    return this.#settings.namespace;
  }

  get role(): Role {
    return this.#role;
  }

  get replica(): Replica | null {
    return this.#replica;
  }

  get leadership(): Leadership | null {
    return this.#leadership;
  }

  get source(): Source {
    return sourceOf(this, this.#doing);
  }

  get feeder(): Feeder | null {
    return this.#follower.feeder;
  }

  get serving(): Serving | null {
    return this.#leadership === null ? null : this.#serving;
  }

  get loader(): MetadataLoader | null {
    return this.serving?.loader ?? null;
  }

  get leads(): boolean {
    return this.#role.name === 'leading' || this.#role.name === 'suspended';
  }

  get trouble(): string {
    const own = this.leads ? this.#clockWatch.trouble : this.#doing || (this.#replica?.trouble ?? '');
    return this.#trouble || this.#leadership?.trouble || own;
  }

  behind() {
    return this.#currency.behind(this.#replica?.end.sn ?? 0);
  }

  /** @returns whether it has had all that it knew to be committed within the last `withinMs`. */
  isCurrent(withinMs: number): boolean {
    return this.#replica !== null && this.#deps.clock.monotonicMs() - this.#currency.caughtUpMs <= withinMs;
  }

  status() {
    return masterStatus(this, this.#settings);
  }

  /**
   * Stops: a leader hands over to a standby, or, where none takes the lead, answers what it has taken; then it leaves the election, so that
   * the next one is elected at once. Idempotent. Resolves when everything is released.
   */
  close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      void this.#close().then(this.#closed.resolve, this.#closed.reject);
    }
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#handOver.leave(this.#settings);
    this.input({ type: 'stop' });
    this.#stopping.abort();
    try {
      await this.#electionWork;
      await this.#claim.stop();
      await this.#follower.stop();
      await this.#replicaWork;
      await this.#server?.close();
    } finally {
      await this.#serving?.done;
      await this.#replica?.close();
    }
  }

  // The machine

  /** Something happened. */
  input(input: RoleInput): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const before = this.#role;
      const { role, effects } = step(before, next);
      this.#role = role;
      this.#note(before, role, next);
      this.#metrics.stepped(before, role, next);
      this.#taker.stepped(role, next);
      for (const effect of effects) this.#perform(effect);
    }
    this.#stepping = false;
  }

  #note(before: Role, role: Role, input: RoleInput): void {
    const error = 'error' in input ? input.error : null;
    if (error !== null) this.#trouble = error.message;
    if (role.name === 'leading') this.#trouble = '';
    if (before.name === role.name) return;
    this.sinceMs = this.#deps.clock.wallMs();
    this.because = causeOf(input);
    logRoleChange(this.#deps.log, before, role, input);
  }

  #perform(effect: RoleEffect): void {
    switch (effect.type) {
      case 'cancel claim':
        return this.#claim.cancel();
      case 'follow':
        return this.#onReplica(async () => this.#startFollowing());
      case 'claim':
        return this.#onReplica(() => this.#startClaiming(effect));
      case 'serve':
        return this.#onReplica(async () => this.#serve());
      case 'yield':
        return this.#onReplica(() => this.#yield());
      case 'rebuild':
        return this.#onReplica(() => this.#rebuild());
      case 'publish':
        return this.#onElection(() => this.#publish());
      case 'requeue':
        return this.#onElection(async () => {
          await this.#handOver.seen();
          await this.#deps.election.withdraw().catch((error) => this.#deps.log.warn({ error }, 'cannot withdraw what was published'));
          await this.#deps.election.requeue();
        });
      case 'pass on':
        return this.#onElection(async () => {
          await sleep(this.#deps.clock, PASS_ON_MS, this.#stopping.signal).catch(() => {});
          const { name } = this.#role;
          if (name === 'rebuilding' || name === 'suspended') await this.#deps.election.requeue();
        });
      case 'leave election':
        return this.#onElection(() => this.#deps.election.leave());
    }
  }

  #onReplica(work: () => Promise<void>): void {
    // Nothing in here may fail: what goes wrong is an input of the machine. A defect ends this master, and a standby takes over.
    this.#replicaWork = this.#replicaWork.then(work).catch(this.#closed.reject);
  }

  /** The election hears of a change only after the replica has made it. */
  #onElection(work: () => Promise<void>): void {
    const replicaWork = this.#replicaWork;
    this.#electionWork = this.#electionWork
      .then(() => replicaWork)
      .then(work)
      .catch((error) => this.#deps.log.warn({ error }, 'the election service did not take a change'));
  }

  // Effects

  async #startFollowing(): Promise<void> {
    await this.#follower.stop();
    await this.#claim.stop();
    if (this.#role.name === 'following' && this.#replica !== null) this.#follower.start(this.#replica);
  }

  async #startClaiming(effect: ClaimEffect): Promise<void> {
    const behindMs = this.#deps.clock.monotonicMs() - this.#currency.caughtUpMs;
    await this.#follower.stop();
    await this.#claim.stop();
    this.#claim.begin(effect, behindMs);
  }

  #serve(): void {
    const [replica, writer] = [this.#replica, this.#writer];
    if (this.#role.name !== 'leading' || replica === null || writer === null) return;
    this.#stopServing(new UnderstudyError('unavailable', 'this master claimed anew'));
    const settings = { ...this.#settings, batchBytesMax: this.#deps.journal.batchBytesMax };
    const leadership = new Leadership(settings, {
      replica,
      writer,
      clock: this.#deps.clock,
      ended: (error) => this.#leadership === leadership && this.input({ type: 'writer ended', error }),
    });
    this.#leadership = leadership;
    this.standbys.serve(replica.recent);
    const before = [this.#serving?.done, this.#retired === null ? null : this.#letGo(this.#retired)];
    this.#retired = null;
    const parts = { ...this.#deps, replica, leadership, standbys: this.standbys, maker: this.maker, accessTimes: this.accessTimes };
    const deps = { ...parts, workers: this.workers, clockWatch: this.#clockWatch, ownAddress: this.rpcAddress };
    this.#serving = new Serving(this.#settings, deps, before);
    this.#deps.log.info({ epoch: writer.epoch, sn: replica.end.sn }, 'leading');
    this.#taker.serves(writer.epoch, replica.end.sn);
    this.#metrics.phases.ended('serve');
  }

  async #yield(): Promise<void> {
    const leadership = this.#leadership;
    if (this.#role.name === 'stopping' && leadership !== null) {
      const drained = leadership.drain(new UnderstudyError('not_leader', 'this master is stopping'));
      await within(this.#deps.clock, DRAIN_MAX_MS, drained, 'it takes too long').catch(() => {});
    }
    await this.#claim.stop();
    this.#stopServing(this.notLeader());
    await this.#serving?.done;
    this.#serving = null;
    const writer = this.#writer;
    this.#writer = null;
    if (writer !== null) await this.#letGo(writer);
    this.input({ type: 'yielded' });
  }

  #stopServing(why: UnderstudyError): void {
    this.#serving?.stop();
    this.standbys.stop(why);
    this.#leadership?.close(why);
    this.#leadership = null;
  }

  async #rebuild(): Promise<void> {
    await this.#follower.stop();
    await this.#claim.stop();
    const broken = this.#replica;
    this.#replica = null;
    await broken?.close().catch((error) => this.#deps.log.warn({ error }, 'the failed metastore did not close in order'));
    // A store whose disk failed is opened as it is; anything else that went wrong with it may be in it still.
    const anew = this.#replicaTrouble?.code !== 'unavailable';
    const failed = (error: UnderstudyError) => this.input({ type: 'rebuild failed', error });
    const replica = await this.#rebuilder.rebuild(() => this.#replicaDeps(), anew, failed, this.#stopping.signal);
    if (replica === null) return;
    this.#replica = replica;
    this.#replicaTrouble = null;
    this.#currency.reset();
    this.#advanced(replica.end.sn);
    this.input({ type: 'rebuilt' });
  }

  /** Closes a writer that is of no use any longer: what it left is known by the journal. */
  async #letGo(writer: JournalWriter): Promise<void> {
    await writer.close().catch((error) => this.#deps.log.warn({ error, epoch: writer.epoch }, 'a journal writer did not close in order'));
  }

  async #publish(): Promise<void> {
    if (this.#leadership === null) return;
    const where = { rpcAddress: this.rpcAddress, webAddress: this.#settings.webAddress };
    await this.#deps.election.publish({ ...where, epoch: this.#leadership.writer.epoch });
    this.#metrics.phases.ended('publish');
  }

  // Parts

  #replicaDeps() {
    const { stores, journal, clock, log } = this.#deps;
    let failed = false;
    return {
      stores,
      identity: journal,
      checkpoints: journal.checkpoints,
      doing: (what: string) => {
        this.#doing = what;
      },
      clock,
      log,
      advanced: (sn: number) => this.#advanced(sn),
      failed: (error: UnderstudyError) => {
        if (failed) return;
        failed = true;
        this.#replicaTrouble = error;
        this.#deps.log.error({ error }, 'the metastore has failed; it is opened again, or rebuilt from the journal');
        this.input({ type: 'replica failed', error });
      },
    };
  }

  /** More is applied and committed. */
  #advanced(sn: number): void {
    const config = this.#replica?.state.config();
    if (config !== undefined && config.sn <= sn) this.#deps.live?.take(config);
    this.applied.advanced(sn);
  }

  /** `host:port` of other masters that may lead, as far as is known, those first that this one feeds. */
  successors(): readonly string[] {
    return this.standbys.candidates(this.#settings.peers).filter((address) => address !== this.rpcAddress);
  }

  /** @returns why a request for the leader is refused here, with the leader's address where it is known. */
  notLeader(): UnderstudyError {
    if (this.#replica === null) return rebuilding();
    const leader = this.leaderAddress;
    return new UnderstudyError(
      'not_leader',
      `this master does not lead: state=${SHOWN_STATES[this.#role.name]}`,
      leader === '' ? {} : { leader },
    );
  }

  /** `host:port` of another master that leads; empty where none is known. */
  get leaderAddress(): string {
    const address = this.#replica?.state.leaderAddress ?? '';
    return address === this.rpcAddress ? this.#handOver.successor : address;
  }
}
