/**
 * A whole cluster in one process under one seed: masters and clients of the production code, virtual time, and storage, network
 * and election from memory, which fail as the seed says. A world is a function of its seed: the same one fails in the same way again.
 *
 * A world lives for a while under faults. Then the faults stop, and it has to serve again within a bound; its history is checked.
 */
import { asError } from '../../src/base/errors.js';
import { sleep } from '../../src/base/wait.js';
import type { HistorySink } from '../history/recorder.js';
import { ByteCheck } from './byte-check.js';
import { ByteWork, type ByteWorkDeps } from './byte-work.js';
import { Cluster } from './cluster.js';
import { CommitRecord } from './commit-record.js';
import { FaultPlan } from './fault-plan.js';
import { complaint } from './health.js';
import { HistoryNotes } from './history-notes.js';
import { violationIn } from './log-watch.js';
import { SeededRandom } from './seeded-random.js';
import type { SimClient } from './sim-client.js';
import { SimProcess } from './sim-process.js';
import { drawSettings } from './swarm.js';
import { noteText } from './timeline.js';
import { hearUnhandled } from './unhandled.js';
import { type Note, VirtualTime } from './virtual-time.js';
import { WorldHistory } from './world-history.js';
import type { WorldSettings } from './world-settings.js';

/** What a world is given beside its settings. */
export interface WorldExtras {
  /** Hears what happens. */
  readonly heard?: (note: Note, atMs: number) => void;
  /** Takes the history, where nobody hears it as notes. */
  readonly along?: HistorySink;
}

export interface WorldOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Hash of every event: two runs of one seed agree in it. */
  readonly trace: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly acknowledged: number;
  readonly acknowledgedUnderFaults: number;
  readonly unknown: number;
  readonly looks: number;
  readonly epochs: number;
  /** Changes that a watcher was told. */
  readonly told: number;
  readonly digestsCompared: number;
  /** Batches that were told to be committed and looked for in the storage at that moment; marks of stores held against what was committed; answers to reads against confirms. */
  readonly durableChecked: number;
  readonly marksChecked: number;
  readonly readsChecked: number;
  /** Claims at which what is kept was looked for; looks at what one master holds in memory. */
  readonly retentionsChecked: number;
  readonly boundsChecked: number;
  /** Of two stores that stood at one entry when the world ended. */
  readonly rowsCompared: number;
  /** Checkpoints. */
  readonly published: number;
  readonly loaded: number;
  /** Of files: writes that were acknowledged, reads whose bytes were held against what was written; at the end, files that were read, those that the world had done away with, and blocks. */
  readonly bytesWritten: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly filesAtEnd: number;
  readonly filesLost: number;
  readonly blocksAtEnd: number;
  readonly faults: Readonly<Record<string, number>>;
}

/** Once nothing is broken any more: until a new client is answered, and until all masters have the same state. */
const SERVICE_BOUND_MS = 30_000;
/** By then the last commit is marked. */
const MARKS_MS = 1_000;
/** A world of more never ends. */
const EVENTS_MAX = 1_000_000;

export class World {
  readonly #seed: number;
  readonly #settings: WorldSettings;
  readonly #extras: WorldExtras;
  readonly #time: VirtualTime;
  readonly #commits: CommitRecord;
  readonly #history: WorldHistory;
  readonly #violations: string[] = [];
  readonly #cluster: Cluster;
  readonly #faults: FaultPlan;
  /** Undefined where there are no workers. */
  readonly #bytes: ByteWork | undefined;
  #byteCheck: ByteCheck | undefined;

  /** What kept the cluster from being well when it was last asked. */
  #complaint: string | undefined;
  #acknowledgedUnderFaults = 0;
  #rowsCompared = 0;
  #published = 0;
  #loaded = 0;

  private constructor(seed: number, settings: WorldSettings, extras: WorldExtras) {
    this.#seed = seed;
    this.#settings = settings;
    this.#extras = extras;
    this.#commits = new CommitRecord(settings.storage === 'folder');
    this.#time = new VirtualTime((note, atMs) => this.#hear(note, atMs));
    const random = new SeededRandom(seed, 'world');
    const { heard } = extras;
    const notes = heard === undefined ? extras.along : new HistoryNotes((note) => heard(note, this.#time.monotonicMs()));
    this.#history = new WorldHistory(this.#time, random.fork('workload'), seed, settings, notes);
    this.#cluster = new Cluster({
      time: this.#time,
      random: random.fork('cluster'),
      commits: this.#commits,
      violated: (violation) => this.#violate(violation),
      program: (client, process) => this.#work(client, process),
      settings,
    });
    if (settings.blockWorkers > 0) this.#bytes = this.#newByteWork(settings);
    this.#faults = new FaultPlan(this.#cluster, this.#time, settings.faults, settings.faultStretch);
  }

  /** Lives the world of `seed` from its beginning to its end. */
  static async run(seed: number, settings: WorldSettings = drawSettings(seed), extras: WorldExtras = {}): Promise<WorldOutcome> {
    const world = new World(seed, settings, extras);
    await hearUnhandled(
      (reason) => world.#unhandled(reason),
      () =>
        world
          .#live()
          .catch((error: unknown) => world.#violate(`world: it failed itself: ${error instanceof Error ? error.stack : String(error)}`)),
    );
    return world.#outcome();
  }

  async #live(): Promise<void> {
    const violations = this.#violations;
    for (const host of [...this.#cluster.masters, ...this.#cluster.workers, ...this.#cluster.clients]) this.#cluster.restart(host);
    const auditor = this.#cluster.openJudge('auditor');
    this.#audit(auditor.client, auditor.process).catch((error: unknown) =>
      this.#violate(`the check itself failed: ${asError(error).stack}`),
    );
    const judge = this.#cluster.openJudge('watcher');
    const watching = this.#history.watch(judge.client, judge.process);
    watching.catch((error: unknown) => violations.push(`watch: the change feed ended: ${String(error)}`));
    await this.#time.run(this.#settings.lifeMs, () => !this.#isEndless && this.#commits.violations.length + violations.length === 0);
    this.#acknowledgedUnderFaults = this.#history.workload.tally.acknowledged;
    if (this.#commits.violations.length + violations.length > 0) return;
    if (this.#isEndless) return void violations.push(`liveness: ${EVENTS_MAX} events, and no end`);
    this.#time.note({ by: 'world', level: 'fault', message: 'all faults end' });
    this.#faults.mend();
    this.#history.workload.stopping = true;
    if (this.#bytes !== undefined) this.#bytes.stopping = true;
    const isServed = await this.#servesAgain(judge);
    const chain = isServed ? await this.#cluster.journal.committed() : null;
    if (chain !== null) this.#commits.compareWithChain(chain);
    violations.push(...this.#history.violations(chain));
    if (isServed) this.#rowsCompared = await this.#cluster.checkDisks();
  }

  async #servesAgain({ client, process }: { readonly client: SimClient; readonly process: SimProcess }): Promise<boolean> {
    const judge = this.#cluster.openJudge();
    const late = (what: string) => {
      this.#violate(what);
      return false;
    };
    if (!(await this.#reached(this.#history.finalLook(judge.client, judge.process))))
      return late(`liveness: no service ${SERVICE_BOUND_MS} ms after the last fault`);
    if (this.#bytes !== undefined && !(await this.#reached(this.#bytesAgain(this.#bytes))))
      return late(`liveness: bytes: ${this.#byteCheck?.complaint}, ${SERVICE_BOUND_MS} ms after service`);
    if (!(await this.#reached(this.#sameEverywhere())))
      return late(
        `liveness: ${this.#complaint ?? 'the masters differ'}, ${SERVICE_BOUND_MS} ms after ${this.#bytes === undefined ? 'service' : 'the bytes were well'}`,
      );
    await this.#reached(new Promise<void>((resolve) => this.#time.setTimer(MARKS_MS, resolve)));
    const watchAll = this.#history.watchAll(client, process, this.#commits.highestSn);
    return (await this.#reached(watchAll)) || late('watch: the change feed does not come to its end');
  }

  async #work(client: SimClient, process: SimProcess): Promise<void> {
    await Promise.all([this.#history.work(client, process), this.#bytes?.work(client, process)]);
  }

  #newByteWork({ worker, blockWorkers }: WorldSettings): ByteWork {
    const violated = (violation: string) => this.#violate(violation);
    const note: ByteWorkDeps['note'] = (by, level, message, values) => this.#time.note({ by, level, message, values });
    return new ByteWork({
      now: () => this.#time.steps,
      violated,
      note,
      under: this.#cluster.blockHosts.under,
      pauseMs: worker.pauseMs,
      copiesMax: Math.min(blockWorkers, 2),
    });
  }

  #bytesAgain(work: ByteWork): Promise<void> {
    const check = new ByteCheck({
      ...this.#cluster.openJudge('reader'),
      ...{ cluster: this.#cluster, work, violated: (violation: string) => this.#violate(violation) },
    });
    this.#byteCheck = check;
    return check.run();
  }

  #hear(note: Note, atMs: number): void {
    this.#extras.heard?.(note, atMs);
    if (note.message === 'a checkpoint was published') this.#published += 1;
    else if (note.message === 'a checkpoint was loaded') this.#loaded += 1;
    else if (note.level === 'violation') this.#violate(`gate: ${noteText(note)}`);
    else if (note.level === 'warn' || note.level === 'error') {
      const violation = violationIn(note.by, noteText(note), this.#cluster);
      if (violation !== undefined) this.#violate(violation);
    }
  }

  #unhandled(reason: unknown): void {
    this.#violate(
      `I10: ${SimProcess.last?.name ?? 'nobody'} would have ended by a rejection that nobody handled: ${asError(reason).stack}`,
    );
  }

  #violate(violation: string): void {
    this.#extras.heard?.({ by: 'world', level: 'violation', message: violation }, this.#time.monotonicMs());
    this.#violations.push(violation);
  }

  /** Masters are asked for the digests of their states while they live. */
  async #audit(client: SimClient, process: SimProcess): Promise<void> {
    while (!this.#history.workload.stopping) {
      await this.#compareDigests(client);
      this.#cluster.checkBounds(true);
      await sleep(process.clock, process.random.between(200, 2_000));
    }
  }

  /** Every master is asked for its digest until all tell the same one, of the same entry. */
  async #sameEverywhere(): Promise<void> {
    const { client, process } = this.#cluster.openJudge();
    for (;;) {
      this.#complaint = (await this.#compareDigests(client)) ? await complaint(this.#cluster, client) : 'the masters differ';
      if (this.#complaint === undefined) return;
      await sleep(process.clock, 100);
    }
  }

  async #compareDigests(client: SimClient): Promise<boolean> {
    const { masters } = this.#cluster;
    const told = await Promise.all(masters.map((host) => client.digestOf(this.#cluster.address(host))));
    for (const [at, one] of told.entries()) {
      const host = masters[at] ?? '';
      // One whose disk was damaged has to notice by itself, and may say anything until it has.
      if (one !== undefined && !this.#cluster.damaged.has(host)) this.#commits.state(host, one.sn, one.digest);
    }
    return told.every((one) => one !== undefined && one.sn === told[0]?.sn && one.digest === told[0]?.digest);
  }

  /** Lets the world go on until `goal` is reached. @returns whether it was in time. */
  async #reached(goal: Promise<unknown>): Promise<boolean> {
    let reached = false;
    goal.then(
      () => {
        reached = true;
      },
      (error: unknown) => this.#violations.push(`the check itself failed: ${String(error)}`),
    );
    const until = this.#time.monotonicMs() + SERVICE_BOUND_MS;
    await this.#time.run(until, () => !reached && !this.#isEndless);
    return reached;
  }

  get #isEndless(): boolean {
    return this.#time.steps >= EVENTS_MAX;
  }

  #outcome(): WorldOutcome {
    const { tally } = this.#history.workload;
    return {
      seed: this.#seed,
      violations: [...this.#commits.violations, ...this.#violations],
      trace: this.#time.traceHash(),
      events: this.#time.steps,
      virtualMs: Math.round(this.#time.monotonicMs()),
      acknowledged: tally.acknowledged,
      acknowledgedUnderFaults: this.#acknowledgedUnderFaults,
      unknown: tally.unknown,
      looks: tally.looks,
      epochs: this.#commits.epochs,
      told: this.#history.told,
      digestsCompared: this.#commits.digestsCompared,
      durableChecked: this.#commits.durableChecked,
      marksChecked: this.#commits.marksChecked,
      readsChecked: this.#commits.readsChecked,
      retentionsChecked: this.#commits.retentionsChecked,
      boundsChecked: this.#cluster.boundsChecked,
      rowsCompared: this.#rowsCompared,
      published: this.#published,
      loaded: this.#loaded,
      bytesWritten: this.#bytes?.written ?? 0,
      bytesStored: this.#bytes?.storedChecked ?? 0,
      bytesRead: this.#bytes?.readChecked ?? 0,
      filesAtEnd: this.#byteCheck?.files ?? 0,
      filesLost: this.#byteCheck?.lost ?? 0,
      blocksAtEnd: this.#byteCheck?.blocks ?? 0,
      faults: Object.fromEntries([...this.#faults.counts].sort()),
    };
  }
}
