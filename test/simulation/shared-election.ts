/**
 * The election service of a world, as its processes reach it: across their gates, after a while.
 */
import type { Election, LeaderDirectory } from '../../src/election/election.js';
import { MemoryElectionService } from '../../src/election/memory-election.js';
import { gatedDirectory, gatedElection } from './gated-seams.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import type { VirtualTime } from './virtual-time.js';

export class SharedElection {
  readonly #service: MemoryElectionService;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  /** Candidates that joined, by address. */
  readonly #joined = new Set<string>();

  constructor(time: VirtualTime, random: SeededRandom, sessionTimeoutMs: number) {
    this.#time = time;
    this.#random = random;
    this.#service = new MemoryElectionService({ sessionTimeoutMs }, { clock: time });
  }

  election(process: SimProcess): Election {
    const election = gatedElection(process, this.#service.election());
    const join: Election['join'] = (rpcAddress, report) => {
      this.#joined.add(rpcAddress);
      process.atEnd(() => {
        if (this.#joined.delete(rpcAddress)) this.#service.kill(rpcAddress);
      });
      election.join(rpcAddress, report);
    };
    return { ...election, join };
  }

  directory(process: SimProcess): LeaderDirectory {
    return gatedDirectory(process, this.#service.directory());
  }

  /** The service ends the session of the candidate at `address`, which learns of it at once, or late. */
  expire(address: string): void {
    if (!this.#joined.has(address)) return;
    const tell = this.#random.chance(0.3);
    this.#service.expire(address, { tell });
    if (!tell)
      this.#time.setTimer(this.#random.between(10, 8_000), () => this.#joined.has(address) && this.#service.tell(address), 'session news');
  }

  /** The service does not answer, for a while. */
  stop(): void {
    this.#service.stop();
  }

  start(): void {
    if (!this.#service.isUp) this.#service.start();
  }

  leaderAddress(): string | undefined {
    return this.#service.leaders()[0]?.rpcAddress;
  }
}
