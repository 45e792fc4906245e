/**
 * The workers that this master knows, and what each of them holds: of every master its own, whatever its role, from its start to its end. So
 * whoever leads next knows it already.
 *
 * A worker is lost when its connection is gone and its address refuses another, or when it has said nothing for `worker.timeout` while this
 * master could hear. At most `WORKERS_MAX` are known; those that have been lost for a day are forgotten.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../../base/clock.js';
import { UnderstudyError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { BlockId } from '../../blocks/block-id.js';
import { hashOf } from '../../blocks/block-table.js';
import type { Copies, ToldCopies } from '../../metadata/plan.js';
import { isRefusal, type Network } from '../../rpc/network.js';
import { HEARING_TICK_MS, HearingClock } from './hearing-clock.js';
import { KnownWorker, type WorkerIdentity } from './known-worker.js';

export interface WorkerRosterSettings {
  /** Milliseconds after which a worker that says nothing is lost. */
  readonly workerTimeoutMs: number;
  /** `host:port` of those that an operator has taken out of use. */
  readonly decommissionedWorkers: readonly string[];
}

/** Of the newest copies of a block that are known. */
export interface Holders {
  readonly generation: number;
  /** Those that are there; perhaps none. */
  readonly workers: readonly KnownWorker[];
}

interface Deps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
}

const WORKERS_MAX = 1_024;
/** Looks into the tables of workers: some milliseconds. */
const LOOKS_AT_ONCE = 20_000;
const BLOCKS_AT_ONCE_MIN = 64;
const BLOCKS_AT_ONCE_MAX = 10_000;
const FORGET_LOST_MS = 24 * 3_600_000;
/** A worker that says nothing for longer than its heartbeats take has its address tried. */
const SILENT_MS = 2_500;
const PROBE_INTERVAL_MS = 1_000;
const PROBE_TIMEOUT_MS = 1_000;

export class WorkerRoster implements ToldCopies {
  readonly #settings: WorkerRosterSettings;
  readonly #deps: Deps;
  readonly #hearing: HearingClock;
  readonly #byId = new Map<string, KnownWorker>();
  #sessions = 0;
  #lastTurn: Promise<void> = Promise.resolve();
  #hasMet = false;
  #orphans = 0;
  /** Sessions of workers that were there when it was looked last. */
  #sure: ReadonlySet<number> = new Set();
  #losses = 0;
  #balancedBytes = 0;

  /** Looks after them until `signal` is aborted. @param settings may change meanwhile. */
  constructor(settings: WorkerRosterSettings, deps: Deps, signal: AbortSignal) {
    this.#settings = settings;
    this.#deps = deps;
    this.#hearing = new HearingClock(deps.clock);
    const tick = () => {
      if (signal.aborted) return;
      this.#tick();
      deps.clock.setTimer(HEARING_TICK_MS, tick);
    };
    deps.clock.setTimer(HEARING_TICK_MS, tick);
  }

  /** In the order in which they became known. */
  list(): readonly KnownWorker[] {
    return [...this.#byId.values()];
  }

  ofSession(session: number): KnownWorker | undefined {
    for (const worker of this.#byId.values()) if (worker.session === session && !worker.isLost) return worker;
    return undefined;
  }

  /** Milliseconds since it last said something, as far as this master could hear. */
  silenceMs(worker: KnownWorker): number {
    return this.#hearing.ms - worker.heardAtMs;
  }

  /** @returns undefined: no worker that is known has ever held it. */
  copiesOf(inodeId: number, index: number): Copies | undefined {
    const found = this.holders(inodeId, index);
    return found && { generation: found.generation, workers: found.workers.map(({ address }) => address) };
  }

  /** As `copiesOf`, with the workers themselves. */
  holders(inodeId: number, index: number): Holders | undefined {
    const hash = hashOf(inodeId, index);
    let newest = -1;
    let workers: KnownWorker[] = [];
    for (const worker of this.#byId.values()) {
      const generation = worker.blocks.newestGeneration(hash, inodeId, index);
      if (generation < 0 || generation < newest) continue;
      if (generation > newest) workers = [];
      newest = generation;
      if (!worker.isLost) workers.push(worker);
    }
    return newest < 0 ? undefined : { generation: newest, workers };
  }

  /** Workers have had the time to be heard, and those that are there have told all that they hold: what none of them has, is nowhere. */
  get isComplete(): boolean {
    if (!this.#hasMet || this.#hearing.ms < this.#settings.workerTimeoutMs) return false;
    const isUnsure = (worker: KnownWorker) => !worker.isWhole || worker.isCutOff || this.silenceMs(worker) > SILENT_MS;
    for (const worker of this.#byId.values()) if (!worker.isLost && isUnsure(worker)) return false;
    return true;
  }

  get settledMs(): number {
    return this.#deps.clock.wallMs() - this.#settings.workerTimeoutMs;
  }

  /** Blocks whose holders may be asked for before the event loop is let go. */
  get blocksAtOnce(): number {
    return Math.min(BLOCKS_AT_ONCE_MAX, Math.max(BLOCKS_AT_ONCE_MIN, Math.floor(LOOKS_AT_ONCE / Math.max(1, this.#byId.size))));
  }

  turn(): Promise<void> {
    this.#lastTurn = this.#lastTurn.then(() => new Promise<void>((resolve) => this.#deps.clock.defer(resolve)));
    return this.#lastTurn;
  }

  /** @returns why it may not register; empty where it may, and then has a session. */
  meet(identity: WorkerIdentity, changes: { change: number; oldestChange: number }): { refused: string; worker: KnownWorker | null } {
    const known = this.#byId.get(identity.id);
    const other = [...this.#byId.values()].find(({ address, identity: { id } }) => address === identity.rpcAddress && id !== identity.id);
    if (known !== undefined && known.identity.incarnation !== identity.incarnation && this.#holds(known, identity)) {
      return refused(`another worker with this identity is there: id=${identity.id} its_address=${known.address} (was its folder copied?)`);
    }
    if (other !== undefined && this.#holds(other, identity)) {
      return refused(`another worker is there under this address: address=${identity.rpcAddress} its_id=${other.identity.id}`);
    }
    if (other !== undefined) {
      this.#lose(other, 'another worker is there under its address');
      this.#byId.delete(other.identity.id);
    }
    const worker = known ?? this.#stranger(identity);
    this.#hasMet = true;
    this.#sessions += 1;
    worker.begin(this.#sessions, identity, changes);
    this.hear(worker);
    if (worker.settle(this.#isDecommissioned(worker.address), this.#deps.clock.wallMs()) || known === undefined) this.#say(worker);
    return { refused: '', worker };
  }

  /** @returns the one with the most free room that may get new blocks, and has room for this one; none of those `except`. */
  roomiest(bytes: number, except: readonly KnownWorker[]): KnownWorker | undefined {
    const room = ({ capacityBytes, usedBytes }: KnownWorker) => capacityBytes - usedBytes;
    const fit = this.list().filter((worker) => worker.state === 'LIVE' && !except.includes(worker) && room(worker) >= bytes);
    return fit.sort((a, b) => room(b) - room(a))[0];
  }

  /** Has a worker do something: at once, where it waits for that. @returns false: too much waits for it already. */
  command(worker: KnownWorker, command: understudy.WorkerCommand.$Properties): boolean {
    const isTaken = worker.command(command);
    this.#deps.clock.defer(() => worker.beat?.end(false));
    return isTaken;
  }

  /** As `command`. */
  free(worker: KnownWorker, blocks: readonly BlockId[]): boolean {
    if (blocks.length === 0) return true;
    const isTaken = worker.free(blocks, this.#hearing.ms);
    this.#deps.clock.defer(() => worker.beat?.end(false));
    return isTaken;
  }

  /** It has the block, was heard just now, and is not about to free it. */
  keeps(worker: KnownWorker, block: BlockId): boolean {
    return this.#isThere(worker) && !worker.isFreeing(block, this.#hearing.ms);
  }

  /** Times at which copies that had been sure were found not to be, or no longer as they were told. */
  get losses(): number {
    return this.#losses;
  }

  /** Blocks of no file that were found while this master led. */
  get orphans(): number {
    return this.#orphans;
  }

  noteOrphans(count: number): void {
    this.#orphans += count;
  }

  /** Bytes that were moved from full workers to others while this master led. */
  get balancedBytes(): number {
    return this.#balancedBytes;
  }

  noteBalanced(bytes: number): void {
    this.#balancedBytes += bytes;
  }

  hear(worker: KnownWorker): void {
    worker.heardAtMs = this.#hearing.ms;
  }

  /** Its connection is gone: is it, too? */
  cutOff(worker: KnownWorker): void {
    worker.isCutOff = true;
    this.#probe(worker);
  }

  /**
   * Whether the worker keeps its place before another one that says who it is. A host that lost its power leaves a connection that nobody ends: who
   * says nothing any more is not there when another process is at its very address.
   */
  #holds(worker: KnownWorker, { rpcAddress }: WorkerIdentity): boolean {
    if (worker.isLost || worker.isCutOff) return false;
    return worker.address !== rpcAddress || this.silenceMs(worker) <= SILENT_MS;
  }

  #stranger(identity: WorkerIdentity): KnownWorker {
    if (this.#byId.size >= WORKERS_MAX) {
      throw new UnderstudyError('resource_exhausted', `too many workers are known: known=${this.#byId.size}`);
    }
    const worker = new KnownWorker(identity, this.#deps.clock.wallMs());
    this.#byId.set(identity.id, worker);
    return worker;
  }

  #isThere(worker: KnownWorker): boolean {
    return worker.isSure && this.silenceMs(worker) <= SILENT_MS;
  }

  /** What was counted with a worker that is not there any more, or began anew, is not known any longer. */
  #noteLosses(): void {
    const sure = new Set(this.list().flatMap((worker) => (this.#isThere(worker) ? worker.session : [])));
    const isLess = [...this.#sure].some((session) => !sure.has(session));
    this.#sure = sure;
    if (!isLess) return;
    this.#losses += 1;
    for (const worker of this.#byId.values()) worker.blocksLeft = null;
  }

  #tick(): void {
    this.#hearing.tick();
    this.#noteLosses();
    const wallMs = this.#deps.clock.wallMs();
    for (const worker of this.#byId.values()) {
      const silenceMs = this.silenceMs(worker);
      if (!worker.isLost && silenceMs > this.#settings.workerTimeoutMs) this.#lose(worker, 'it said nothing for too long');
      else if (!worker.isLost && (worker.isCutOff || silenceMs > SILENT_MS)) this.#probe(worker);
      else if (worker.isLost && silenceMs > FORGET_LOST_MS) this.#byId.delete(worker.identity.id);
      if (worker.settle(this.#isDecommissioned(worker.address), wallMs)) this.#say(worker);
    }
  }

  #probe(worker: KnownWorker): void {
    const { clock, network } = this.#deps;
    const { session } = worker;
    const nowMs = clock.monotonicMs();
    if (worker.isLost || nowMs - worker.probedMs < PROBE_INTERVAL_MS) return;
    worker.probedMs = nowMs;
    const limit = new AbortController();
    const timer = clock.setTimer(PROBE_TIMEOUT_MS, () => limit.abort());
    network
      .connect(worker.address, limit.signal)
      .then(
        (stream) => stream.destroy(),
        (error: unknown) => {
          if (isRefusal(error) && worker.session === session && worker.beat === null) this.#lose(worker, 'its address refuses connections');
        },
      )
      .finally(() => timer.cancel());
  }

  #lose(worker: KnownWorker, why: string): void {
    if (worker.isLost) return;
    worker.isLost = true;
    worker.beat?.end(true);
    const { address } = worker;
    this.#deps.log.warn({ address, id: worker.identity.id, blocks: worker.blocks.count, why }, 'a worker is lost');
    worker.settle(this.#isDecommissioned(address), this.#deps.clock.wallMs());
  }

  #isDecommissioned(address: string): boolean {
    return this.#settings.decommissionedWorkers.includes(address);
  }

  #say({ address, state, identity: { id, version } }: KnownWorker): void {
    this.#deps.log.info({ address, id, state, version }, 'a worker is there');
  }
}

function refused(why: string): { refused: string; worker: null } {
  return { refused: why, worker: null };
}
