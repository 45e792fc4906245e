/**
 * The client's identity at the masters, which makes retries exactly-once (I5).
 *
 * A client registers with its first mutation. When a master no longer knows it (`session_expired`), it registers anew for later calls;
 * what was under way under the old identity is settled by its callers, who know whether anything may have happened.
 */
import type { CallBudget } from './call-budget.js';
import { CallWindow } from './call-window.js';

export interface ClientSession {
  readonly clientId: number;
  readonly window: CallWindow;
  /** Milliseconds that it may be silent while it writes files; 0: the masters do not say. */
  readonly leaseTimeoutMs: number;
}

/** What the masters answer to a registration. */
export interface Registration {
  readonly clientId: number;
  readonly window: number;
  readonly leaseTimeoutMs: number;
}

export class ClientSessions {
  readonly #register: () => Promise<Registration>;
  readonly #waitingMax: number;
  #current: ClientSession | undefined;
  #opening: Promise<ClientSession> | undefined;

  /** @param register asks the leader for an identity; called for one session at a time. */
  constructor(register: () => Promise<Registration>, waitingMax: number) {
    this.#register = register;
    this.#waitingMax = waitingMax;
  }

  /** The session that new calls belong to, if there is one. */
  get current(): ClientSession | undefined {
    return this.#current;
  }

  /** Resolves with the current session, registering if there is none. Calls may overlap and share one registration. @throws as registering does. */
  async open(budget: CallBudget): Promise<ClientSession> {
    if (this.#current !== undefined) return this.#current;
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined;
    });
    return budget.wait(this.#opening);
  }

  /** No later call belongs to `session`; who waits in its window is told. Idempotent. */
  expire(session: ClientSession): void {
    if (this.#current === session) this.#current = undefined;
    session.window.end();
  }

  async #openOnce(): Promise<ClientSession> {
    const { clientId, window, leaseTimeoutMs } = await this.#register();
    this.#current = { clientId, window: new CallWindow(window, this.#waitingMax), leaseTimeoutMs };
    return this.#current;
  }
}
