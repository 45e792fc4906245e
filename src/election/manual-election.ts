/**
 * No election: an operator says who leads. By configuration, a master is elected once, when it starts; any other leads when it is told to
 * (`fsadmin leader transfer`). One that has lost the lead stays a standby until it is told.
 */
import type { Election, ElectionEvent } from './election.js';

export class ManualElection implements Election {
  readonly #elected: 'at start' | 'never';
  #report: ((event: ElectionEvent) => void) | null = null;

  constructor(elected: 'at start' | 'never') {
    this.#elected = elected;
  }

  join(_rpcAddress: string, report: (event: ElectionEvent) => void): void {
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

  /** Clients ask the masters of their list: there is nowhere to publish. */
  async publish(): Promise<void> {}

  async withdraw(): Promise<void> {}

  /** There is no queue to take anybody out of. */
  async expel(): Promise<boolean> {
    return false;
  }

  async leave(): Promise<void> {
    this.#report = null;
  }

  close(): Promise<void> {
    return this.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }
}
