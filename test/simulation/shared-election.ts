/**
 * The election service of a world, as its processes reach it: across their gates, after a while, or not at all. What a process asked for is
 * carried out in order, and also when the process has died meanwhile, while its session lasts.
 */
import { UnderstudyError } from '../../src/base/errors.js';
import type { Election, LeaderDirectory, LeaderRecord } from '../../src/election/election.js';
import { MemoryElectionService } from '../../src/election/memory-election.js';
import { gatedDirectory, gatedElection } from './gated-seams.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import type { VirtualTime } from './virtual-time.js';

/** When a candidate learns that its session has ended. */
type News = 'at once' | 'late' | 'never';

const NEWS_MS = [10, 8_000] as const;

export class SharedElection {
  readonly #service: MemoryElectionService;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  /** Addresses of the candidates that joined, by host. */
  readonly #joined = new Map<string, string>();
  /** Hosts that do not reach the service. */
  readonly #cut = new Set<string>();
  /** What those hosts see that read old records. */
  readonly #frozen = new Map<string, readonly LeaderRecord[]>();
  #slowestMs = 0;
  readonly #busyUntilMs = new Map<string, number>();

  constructor(time: VirtualTime, random: SeededRandom, sessionTimeoutMs: number) {
    this.#time = time;
    this.#random = random;
    this.#service = new MemoryElectionService({ sessionTimeoutMs }, { clock: time });
  }

  election(process: SimProcess): Election {
    const inner = this.#service.election();
    const later = <T>(request: () => Promise<T>) => this.#later(process, request);
    const election = gatedElection(process, {
      requeue: () => inner.requeue(),
      publish: (record) => later(() => inner.publish(record)),
      withdraw: () => later(() => inner.withdraw()),
      expel: (rpcAddress) => later(() => inner.expel(rpcAddress)),
      candidates: () => later(() => inner.candidates()),
      leave: () => inner.leave(),
      close: () => inner.close(),
      join: (rpcAddress, report) => inner.join(rpcAddress, report),
      [Symbol.asyncDispose]: () => inner.close(),
    });
    const join: Election['join'] = (rpcAddress, report) => {
      this.#joined.set(process.host, rpcAddress);
      process.atEnd(() => {
        if (this.#joined.get(process.host) !== rpcAddress) return;
        this.#joined.delete(process.host);
        this.#service.kill(rpcAddress);
      });
      election.join(rpcAddress, report);
      if (this.#cut.has(process.host)) this.#service.disconnect(rpcAddress);
    };
    return { ...election, join };
  }

  directory(process: SimProcess): LeaderDirectory {
    const inner = this.#service.directory();
    return gatedDirectory(process, {
      leaders: async (signal) => {
        this.#throwIfCut(process.host);
        return this.#frozen.get(process.host) ?? inner.leaders(signal);
      },
      candidates: async (signal) => {
        this.#throwIfCut(process.host);
        return inner.candidates(signal);
      },
      close: () => inner.close(),
      [Symbol.asyncDispose]: () => inner.close(),
    });
  }

  /** The service ends the session of the candidate on `host`. */
  expire(host: string, news: News): void {
    const address = this.#joined.get(host);
    if (address === undefined) return;
    this.#service.expire(address, { tell: news === 'at once' });
    if (news === 'late') this.#time.setTimer(this.#random.between(...NEWS_MS), () => this.#tell(host));
  }

  /** The service does not answer. */
  stop(): void {
    this.#service.stop();
  }

  start(options: { readonly forgets: boolean } = { forgets: false }): void {
    if (!this.#service.isUp) this.#service.start(options);
  }

  /** `host` does not reach the service, until `heal`. */
  cut(host: string): void {
    if (this.#cut.has(host)) return;
    this.#cut.add(host);
    const address = this.#joined.get(host);
    if (address !== undefined) this.#service.disconnect(address);
  }

  heal(host: string): void {
    if (!this.#cut.delete(host)) return;
    const address = this.#joined.get(host);
    if (address !== undefined) this.#service.reconnect(address);
  }

  /** Who asks on `host` is told what is published now, until `thaw`. */
  freeze(host: string): void {
    this.#frozen.set(host, this.#service.leaders());
  }

  thaw(host: string): void {
    this.#frozen.delete(host);
  }

  /** Requests take up to so long from now on. */
  slow(slowestMs: number): void {
    this.#slowestMs = slowestMs;
  }

  mend(): void {
    this.start();
    this.#slowestMs = 0;
    this.#frozen.clear();
    for (const host of [...this.#cut]) this.heal(host);
    for (const host of this.#joined.keys()) this.#tell(host);
  }

  /** Host and port of who is published with the highest epoch. */
  leaderAddress(): string | undefined {
    return this.published()[0];
  }

  /** `host:port` of all who are published, the highest epoch first. */
  published(): readonly string[] {
    return this.#service.leaders().map(({ rpcAddress }) => rpcAddress);
  }

  #tell(host: string): void {
    const address = this.#joined.get(host);
    if (address !== undefined) this.#service.tell(address);
  }

  /** Carries `request` out after what this process asked for before. */
  #later<T>(process: SimProcess, request: () => Promise<T>): Promise<T> {
    const nowMs = this.#time.monotonicMs();
    const busyUntilMs = this.#busyUntilMs.get(process.name) ?? 0;
    if (this.#slowestMs === 0 && busyUntilMs <= nowMs) return request();
    const atMs = Math.max(busyUntilMs, nowMs + this.#random.between(0.1, Math.max(0.2, this.#slowestMs)));
    this.#busyUntilMs.set(process.name, atMs);
    return new Promise((resolve, reject) => {
      this.#time.setTimer(atMs - nowMs, () => request().then(resolve, reject));
    });
  }

  #throwIfCut(host: string): void {
    if (this.#cut.has(host)) throw new UnderstudyError('unavailable', 'the election service cannot be reached');
  }
}
