/**
 * No election: an operator says who leads. By configuration, a master is elected once, when it starts; any other leads when it is told to
 * (`fsadmin leader promote`). One that has lost the lead stays a standby until it is told.
 *
 * A service of elections may be there all the same: masters register and publish with it, so that clients find the leader, and whom it
 * elects is not told.
 */
import type { Election, ElectionEvent, LeaderRecord } from './election.js';

export class ManualElection implements Election {
  readonly #elected: 'at start' | 'never';
  readonly #service: Election | null;
  #report: ((event: ElectionEvent) => void) | null = null;

  /** @param service closed with this; null: clients ask the masters of their list. */
  constructor(elected: 'at start' | 'never', service: Election | null = null) {
    this.#elected = elected;
    this.#service = service;
  }

  join(rpcAddress: string, report: (event: ElectionEvent) => void): void {
    this.#service?.join(rpcAddress, () => {});
    if (this.#elected === 'never') return;
    this.#report = report;
    // Nothing is reported during this call.
    queueMicrotask(() => this.#report?.({ type: 'elected' }));
  }

  /** There is nobody else whose turn it would be. */
  async requeue(): Promise<void> {
    this.#report?.({ type: 'deposed', reason: 'no other turn comes by itself' });
    this.#report = null;
  }

  async publish(record: LeaderRecord): Promise<void> {
    await this.#service?.publish(record);
  }

  async withdraw(): Promise<void> {
    await this.#service?.withdraw();
  }

  /** There is no election to bring forward. */
  async expel(): Promise<boolean> {
    return false;
  }

  async candidates(): Promise<readonly string[]> {
    return (await this.#service?.candidates()) ?? [];
  }

  async leave(): Promise<void> {
    this.#report = null;
    await this.#service?.leave();
  }

  async close(): Promise<void> {
    this.#report = null;
    await this.#service?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
