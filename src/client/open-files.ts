/**
 * The files that this client writes: as long as there are any, it tells the masters every so often that it is still there, so that they
 * do not take the files for abandoned.
 *
 * Invariants:
 * - A timer is set if and only if there are open files and the client is not closed; at most one renewal is under way.
 * - A renewal that fails is not repeated before the next one is due: the time-out of the leases has room for two that fail.
 */
import type { Clock, Timer } from '../base/clock.js';
import type { ClientSession } from './client-session.js';
import type { FileStatus } from './file-status.js';

export interface OpenFilesSettings {
  readonly leaseRenewalIntervalMs: number;
}

export interface OpenFilesDeps {
  readonly clock: Clock;
  /** This client as the masters know it now. */
  session(): Pick<ClientSession, 'clientId' | 'leaseTimeoutMs'> | undefined;
  /** @returns milliseconds that this client may be silent from now on; 0: the masters do not say. */
  renewLease(): Promise<number>;
  /** @returns the file, or undefined where it is gone. */
  look(inodeId: number): Promise<OpenFile | undefined>;
}

type OpenFile = Pick<FileStatus, 'id' | 'lease'>;

/** One renewal is for all files, those above this number too as long as one of these is open. */
const KNOWN_MAX = 65_536;
/** Whatever the masters say. */
const INTERVAL_MS_MIN = 20;
/** So many are looked at with each renewal: somebody else may have removed or completed them. */
const LOOKS_AT_ONCE = 16;

export class OpenFiles {
  readonly #settings: OpenFilesSettings;
  readonly #deps: OpenFilesDeps;
  /** The one that was looked at last comes last. */
  readonly #ids = new Set<number>();
  /** As the last renewal told; 0: none did. */
  #leaseTimeoutMs = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(settings: OpenFilesSettings, deps: OpenFilesDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  get count(): number {
    return this.#ids.size;
  }

  /** A call made or changed this file. */
  noted({ id, lease }: OpenFile): void {
    this.#ids.delete(id);
    if (lease !== null && lease.clientId === this.#deps.session()?.clientId && this.#ids.size < KNOWN_MAX) this.#ids.add(id);
    this.#arm();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#closed || this.#ids.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
      return;
    }
    this.#timer ??= this.#deps.clock.setTimer(this.#intervalMs(), () => this.#round());
  }

  /** A third of what the masters allow, where that is less than what is set. */
  #intervalMs(): number {
    const { leaseRenewalIntervalMs } = this.#settings;
    const told = [this.#deps.session()?.leaseTimeoutMs ?? 0, this.#leaseTimeoutMs].filter((ms) => ms > 0);
    return Math.min(leaseRenewalIntervalMs, ...told.map((ms) => Math.max(INTERVAL_MS_MIN, Math.floor(ms / 3))));
  }

  async #round(): Promise<void> {
    try {
      this.#leaseTimeoutMs = await this.#deps.renewLease();
      for (const id of [...this.#ids].slice(0, LOOKS_AT_ONCE)) this.noted((await this.#deps.look(id)) ?? { id, lease: null });
    } catch {
      // The next round is not far.
    } finally {
      this.#timer = undefined;
      this.#arm();
    }
  }
}
