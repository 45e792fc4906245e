/**
 * Faults that hosts of a cluster meet while clients write, and what is to be true in the end. Some clients make files under names of their own, by which
 * gaps are measured and losses counted; others fight over names, and what they are told is checked as a history.
 *
 *     const trial = await Trial.start('s3');
 *     expect(await trial.gapMs('the leader is killed', () => leader.host.kill())).toBeLessThan(5_000);
 *     await trial.expectSound();
 */
import { expect } from 'vitest';
import { Load } from '../cluster/load.js';
import { CheckedHistory } from './checked-history.js';
import { ContainerCluster, type JournalKind } from './container-cluster.js';

export const LIMIT_MS = 120_000;
/** The design promises half a second beside what it takes to notice: on a machine that does nothing else. */
export const TAKEOVER_LIMIT_MS = 3_000;
/** Where nobody is to notice anything: what a busy machine does all by itself. */
export const LULL_MS = 1_500;
const WRITERS = 8;
/** Acknowledged writes, and answers of those who fight over names, before and after a fault. */
const PROGRESS = 100;
const ANSWERS = 30;

export class Trial {
  readonly cluster: ContainerCluster;
  readonly #load: Load;
  readonly #history: CheckedHistory;

  static async start(journal: JournalKind): Promise<Trial> {
    const cluster = await ContainerCluster.start(journal);
    const load = await Load.start(await cluster.client(), WRITERS);
    const history = new CheckedHistory([await cluster.client(), await cluster.client()]);
    return new Trial(cluster, load, history);
  }

  private constructor(cluster: ContainerCluster, load: Load, history: CheckedHistory) {
    this.cluster = cluster;
    this.#load = load;
    this.#history = history;
  }

  /** Clients get on. */
  async progress(): Promise<void> {
    await Promise.all([this.#load.progress(PROGRESS), this.#history.progress(ANSWERS)]);
  }

  /** Runs `fault`, from its begin to its end. @returns for how long no write was acknowledged meanwhile, which is printed too. */
  async gapMs(name: string, fault: () => Promise<void>): Promise<number> {
    await this.progress();
    const since = performance.now();
    this.#history.note(name);
    await fault();
    this.#history.note(`over: ${name}`);
    await this.progress();
    const gapMs = this.#load.longestGapMs(since);
    console.log(`${name}: ${gapMs} ms without a write`);
    return gapMs;
  }

  /** Everything acknowledged is there once, no call failed, the history holds, one master leads, the others follow it, and all have the same state. */
  async expectSound(): Promise<void> {
    await this.#load.stop();
    await this.#history.expectHolds();
    await this.#load.expectAllThere();
    await this.cluster.rolesSettled();
    expect(new Set(await this.cluster.digests()).size).toBe(1);
  }
}
