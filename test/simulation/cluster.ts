/**
 * The hosts of a world: which process runs where, what outlives it, and everything that can be done to it.
 */
import { isError, UnderstudyError } from '../../src/base/errors.js';
import { requestCheckpoint } from '../../src/client/request-checkpoint.js';
import { transferLeader } from '../../src/client/transfer-leader.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import type { Master } from '../../src/master/master.js';
import type { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { BlockHosts } from './block-hosts.js';
import { overBounds } from './bounds.js';
import type { CommitRecord } from './commit-record.js';
import { checkDisks } from './disk-check.js';
import type { Breakable } from './faults/fault.js';
import { type ClockRates, HostClock } from './host-clock.js';
import type { SeededRandom } from './seeded-random.js';
import { SharedElection } from './shared-election.js';
import { SharedFolder, type SharedJournal } from './shared-journal.js';
import { SharedBucket } from './shared-object-journal.js';
import { openClient, type SimClient } from './sim-client.js';
import { runMaster } from './sim-master.js';
import { SimNetwork } from './sim-network.js';
import { SimProcess } from './sim-process.js';
import type { StorageTrouble } from './storage-trouble.js';
import type { VirtualTime } from './virtual-time.js';
import type { WorldSettings } from './world-settings.js';

/** What the clients of the cluster do. */
type ClientProgram = (client: SimClient, process: SimProcess) => Promise<void>;

export interface ClusterDeps {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly commits: CommitRecord;
  /** Told of what may not happen. */
  readonly violated: (violation: string) => void;
  readonly program: ClientProgram;
  readonly settings: WorldSettings;
}

const RPC_PORT = 19998;
/** A supervisor starts a master again that ended by itself. */
const RESPAWN_MS = 500;
const OPERATOR_MS = 10_000;
/** What masters hold is looked at so often. */
const BOUNDS_MS = 20;
/** First bytes of rows that a damaged disk may lose: files, places, retries, clients, counts, singletons (src/metadata/keys.ts). */
const STATE_ROWS = Array.from('dpxcus', (letter) => letter.charCodeAt(0));

export class Cluster implements Breakable {
  readonly masters: readonly string[];
  /** Those of the masters that never lead. */
  readonly observers: readonly string[];
  readonly clients: readonly string[];
  readonly workers: readonly string[];
  readonly blockHosts: BlockHosts;
  readonly network: SimNetwork;
  readonly election: SharedElection;
  readonly journal: SharedJournal;
  /** Hosts whose disks were damaged: what is in them cannot be trusted until they have noticed. */
  readonly damaged = new Set<string>();
  readonly #damagedCheckpoints = new Set<string>();
  readonly doubtedDisks: ReadonlySet<string>;
  /** Leaders may have taken a wrong time for the cluster's, which never goes back: they say so for as long as that is ahead. */
  clocksMoved = false;
  /** Looks at what one master holds. */
  boundsChecked = 0;
  readonly #deps: ClusterDeps;
  readonly #disks = new Map<string, MemoryStores>();
  readonly #slowness = new Map<string, number>();
  readonly #clocks = new Map<string, HostClock>();
  readonly #processes = new Map<string, SimProcess>();
  readonly #stops = new Map<string, AbortController>();
  readonly #open = new Map<SimProcess, Master>();
  readonly #starts = new Map<string, number>();

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    const { settings } = deps;
    this.observers = names('o', settings.observers);
    this.masters = [...names('m', settings.masters), ...this.observers];
    this.clients = names('c', settings.clients);
    this.workers = names('w', settings.blockWorkers);
    this.blockHosts = new BlockHosts(this.workers, {
      time: deps.time,
      random: deps.random.fork('disks of workers'),
      settings: settings.worker,
    });
    this.doubtedDisks = this.blockHosts.doubted;
    this.network = new SimNetwork(deps.time, deps.random.fork('latency'), settings.networkMs);
    const random = deps.random.fork('journal');
    const Shared = settings.storage === 'bucket' ? SharedBucket : SharedFolder;
    this.journal = new Shared(deps.time, random, settings);
    this.election = new SharedElection(deps.time, deps.random.fork('election'), settings.sessionTimeoutMs);
    for (const host of this.masters) this.wipe(host);
    this.#watchBounds();
    deps.commits.judgeDurability((hash) => this.journal.isDurable(hash));
    deps.commits.judgeRetention(() => this.journal.retained());
  }

  get under(): MemoryUnderFiles {
    return this.blockHosts.under;
  }

  /** `host:port` at which the master on `host` is called. */
  address(host: string): string {
    return `${host}:${RPC_PORT}`;
  }

  leader(): string | undefined {
    const address = this.election.leaderAddress();
    return this.masters.find((host) => this.address(host) === address);
  }

  restart(host: string): void {
    if (this.#processes.get(host)?.alive) return;
    this.network.appear(host);
    const process = this.#begin(host);
    if (this.masters.includes(host)) this.#runMaster(host, process);
    else if (this.workers.includes(host)) this.#runWorker(host, process);
    else this.#deps.program(this.#client(host, process), process).catch((error: unknown) => this.#unexpected(process, error));
  }

  /** A client that the faults do not know. */
  openJudge(host = 'judge'): { client: SimClient; process: SimProcess } {
    const process = this.#begin(host);
    return { process, client: this.#client(host, process) };
  }

  stop(host: string): void {
    this.#stops.get(host)?.abort();
  }

  checkpoint(): void {
    const { client } = this.openJudge('operator');
    requestCheckpoint(client.files.client, { timeoutMs: OPERATOR_MS })
      .then(
        ({ sn }) => this.#deps.time.note({ by: 'operator', message: 'a checkpoint was asked for', values: { sn } }),
        (error: unknown) => this.#deps.time.note({ by: 'operator', message: 'no checkpoint was made', values: { error } }),
      )
      .finally(() => client.files.close());
  }

  transfer(host: string | undefined): void {
    const { client } = this.openJudge('operator');
    const to = host === undefined ? {} : { to: this.address(host) };
    transferLeader(client.files.client, to)
      .then(
        ({ from, to }) => this.#deps.time.note({ by: 'operator', message: 'the lead was handed over', values: { from, to } }),
        (error: unknown) => this.#deps.time.note({ by: 'operator', message: 'the lead was not handed over', values: { error } }),
      )
      .finally(() => client.files.close());
  }

  kill(host: string): void {
    if (!this.#end(host)) return;
    this.network.crash(host);
    this.#disks.get(host)?.crash('killed', (limit) => this.#deps.random.below(limit + 1));
  }

  vanish(host: string): void {
    if (!this.#end(host)) return;
    this.network.vanish(host);
    this.journal.vanish(host);
    this.blockHosts.powerCut(host);
    this.#disks.get(host)?.crash('power', (limit) => this.#deps.random.below(limit + 1));
  }

  powerCut(): void {
    for (const host of [...this.masters, ...this.clients, ...this.workers]) this.vanish(host);
    this.journal.powerCut();
  }

  wipe(host: string): void {
    if (this.workers.includes(host)) return this.blockHosts.wipe(host);
    const random = this.#deps.random.fork(`disk of ${host}`);
    const { diskMs } = this.#deps.settings;
    const writeMs = () => random.between(...diskMs) * (this.#slowness.get(host) ?? 1);
    this.#disks.set(host, new MemoryStores({ clock: this.#deps.time, writeMs }));
    this.damaged.delete(host);
  }

  damageDisk(host: string, what: 'write' | 'row', random: SeededRandom): void {
    const disk = this.#disks.get(host);
    const pick = (limit: number) => random.below(limit + 1);
    const isDamaged = what === 'write' ? disk?.loseWrite(pick) : disk?.loseRow(random.pick(STATE_ROWS), pick);
    if (!isDamaged) return;
    this.damaged.add(host);
    this.#deps.time.note({ by: host, level: 'fault', message: `its disk has lost a ${what}` });
  }

  imageOfDisk(host: string): () => void {
    const disk = this.#disks.get(host);
    const image = disk?.image();
    return () => {
      if (disk !== undefined && image !== undefined && disk === this.#disks.get(host)) disk.restore(image);
    };
  }

  diskTakes(host: string, writes: boolean): void {
    const disk = this.#disks.get(host);
    if (disk !== undefined) disk.trouble = writes ? undefined : new UnderstudyError('unavailable', `no space left on device: host=${host}`);
  }

  sufferDisk(host: string, trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined {
    return this.blockHosts.disk(host)?.suffer(trouble, random);
  }

  rot(host: string): boolean {
    return this.blockHosts.rot(host);
  }

  slowDisk(host: string, times: number): void {
    this.#slowness.set(host, times);
  }

  pause(host: string): void {
    this.#processes.get(host)?.pause();
  }

  resume(host: string): void {
    this.#processes.get(host)?.resume();
  }

  skewWall(host: string, byMs: number): void {
    this.clocksMoved = true;
    this.#clock(host).skewWall(byMs);
  }

  drift(host: string, rates: ClockRates): void {
    this.clocksMoved = true;
    this.#clock(host).drift(rates);
  }

  /** One that is kept, beside another sound one: a master that has nothing needs one. @returns whether there was any. */
  damageCheckpoint(random: SeededRandom): boolean {
    const sound = this.#deps.commits.kept.filter(({ id }) => !this.#damagedCheckpoints.has(id));
    const chosen = sound.length < 2 ? undefined : random.pick(sound);
    const what = chosen && this.journal.damageCheckpoint(chosen, random);
    if (chosen === undefined || what === undefined) return false;
    this.#damagedCheckpoints.add(chosen.id);
    this.#deps.time.note({ by: 'journal', level: 'fault', message: 'a checkpoint was damaged', values: { what } });
    return true;
  }

  get checkpointsDamaged(): number {
    return this.#damagedCheckpoints.size;
  }

  /** @returns the masters that run, by the names of their processes. */
  openMasters(): [name: string, master: Master][] {
    return [...this.#open].map(([process, master]) => [process.name, master]);
  }

  /** Looks at what the masters hold (I9). */
  checkBounds(thoroughly: boolean): void {
    for (const [process, master] of this.#open) {
      this.boundsChecked++;
      for (const over of overBounds(master, process, this.network, this.#deps.settings.master, thoroughly)) this.#deps.violated(over);
    }
  }

  #watchBounds(): void {
    this.checkBounds(false);
    this.#deps.time.setTimer(BOUNDS_MS, () => this.#watchBounds());
  }

  /** Ends all masters, and looks at what their stores hold (I4). @returns how many rows were compared. */
  async checkDisks(): Promise<number> {
    for (const host of this.masters) this.kill(host);
    const { violations, compared } = await checkDisks(this.#disks, this.journal.identity);
    for (const violation of violations) this.#deps.violated(violation);
    return compared;
  }

  mend(): void {
    const hosts = [...this.masters, ...this.clients, ...this.workers];
    this.blockHosts.mend();
    this.journal.mend();
    this.election.mend();
    this.network.mend(hosts);
    this.#slowness.clear();
    for (const host of hosts) {
      this.#clock(host).setRight();
      this.diskTakes(host, true);
      this.resume(host);
      this.restart(host);
    }
  }

  #begin(host: string): SimProcess {
    const start = (this.#starts.get(host) ?? 0) + 1;
    this.#starts.set(host, start);
    const name = `${host}#${start}`;
    const process = new SimProcess(name, this.#deps.time, this.#deps.random.fork(name), this.#clock(host));
    this.#processes.set(host, process);
    return process;
  }

  #clock(host: string): HostClock {
    const clock = this.#clocks.get(host) ?? new HostClock(this.#deps.time);
    this.#clocks.set(host, clock);
    return clock;
  }

  #end(host: string): boolean {
    const process = this.#processes.get(host);
    if (process === undefined || !process.alive) return false;
    process.kill();
    this.#open.delete(process);
    return true;
  }

  #runMaster(host: string, process: SimProcess): void {
    const stores = this.#disks.get(host);
    if (stores === undefined) throw new Error(`no such master: ${host}`);
    const { commits, settings } = this.#deps;
    const { master: tuning } = settings;
    const isObserver = this.observers.includes(host);
    const peers = this.masters.map((one) => this.address(one));
    const opened = (master: Master) => this.#open.set(process, master);
    const now = () => this.#deps.time.steps;
    const shared = { journal: this.journal, election: this.election, commits, now, opened, violated: this.#deps.violated, peers };
    const underStores = this.blockHosts.underStores(process);
    const workerTimeoutMs = settings.worker.timeoutMs;
    const parts = { ...shared, network: this.network.host(host), stores, tuning, isObserver, underStores, workerTimeoutMs };
    const stop = new AbortController();
    this.#stops.set(host, stop);
    runMaster(this.address(host), process, parts, stop.signal).then(
      () => {
        if (!stop.signal.aborted) this.#deps.violated(`I10: ${process.name} ended, and nobody had told it to`);
        this.#respawn(host, process, 'it ended');
      },
      (error: unknown) => {
        // A start that finds its storage or its disk away ends, and its supervisor tries again.
        if (!isError(error, 'unavailable') || this.#open.has(process))
          this.#deps.violated(`I10: ${process.name} ended by itself: ${String(error)}`);
        this.#respawn(host, process, String(error));
      },
    );
  }

  #runWorker(host: string, process: SimProcess): void {
    const stop = new AbortController();
    this.#stops.set(host, stop);
    this.blockHosts.run(host, process, { network: this.network.host(host), client: this.#client(host, process) }, stop.signal).then(
      () => this.#respawn(host, process, 'it was stopped'),
      (error: unknown) => {
        if (!isError(error, 'unavailable')) this.#deps.violated(`I10: ${process.name} ended by itself: ${String(error)}`);
        this.#respawn(host, process, String(error));
      },
    );
  }

  #respawn(host: string, process: SimProcess, why: string): void {
    if (!process.alive) return;
    this.#deps.time.note({ by: process.name, message: 'ended by itself', values: { why } });
    this.kill(host);
    this.#deps.time.setTimer(RESPAWN_MS, () => this.restart(host));
  }

  #client(host: string, process: SimProcess): SimClient {
    const { time, commits } = this.#deps;
    const heard = { now: () => time.steps, told: commits.told.bind(commits), answered: commits.answered.bind(commits) };
    return openClient(process, this.network.host(host), this.election, heard);
  }

  #unexpected(process: SimProcess, error: unknown): void {
    throw new Error(`the client ${process.name} failed`, { cause: error });
  }
}

function names(letter: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${letter}${at + 1}`);
}
