/**
 * The mounted storage that this worker reads and writes, as the masters tell of it.
 *
 * Masters tell no secrets: keys of S3 mounts come from this worker's own configuration. What was told is used on while no master answers; it is asked
 * anew when it is old, and at once for a mount that is not known.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { orAborted } from '../base/wait.js';
import { withoutSecrets } from '../config/mount-options.js';
import type { UnderStore } from '../underfs/under-store.js';
import type { MountedStore, UnderStores } from '../underfs/under-stores.js';

/** A mount as masters tell of it. */
export interface ToldMount {
  readonly id: number;
  readonly uri: string;
  readonly options: Readonly<Record<string, string>>;
  /** Changes that the storage has yet to see. */
  readonly queued: number;
}

export interface UnderMountsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly stores: UnderStores;
  /** Asks the masters. */
  readonly listMounts: () => Promise<readonly ToldMount[]>;
}

const OLD_MS = 10_000;

export class UnderMounts {
  readonly #deps: UnderMountsDeps;
  #mounts: ReadonlyMap<number, MountedStore & Pick<ToldMount, 'queued'>> = new Map();
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(deps: UnderMountsDeps) {
    this.#deps = deps;
  }

  /** @returns the store of that mount, which stays this one's. @throws `not_found`: nothing is mounted so; `unavailable`; as `OpenUnderStore`. */
  async store(mountId: number, signal: AbortSignal): Promise<UnderStore> {
    if (!this.#mounts.has(mountId)) await orAborted(this.#ask(), signal);
    else if (this.#deps.clock.monotonicMs() - this.#askedMs > OLD_MS) {
      this.#ask().catch((error) => this.#deps.log.warn({ error }, 'no master tells of mounts; what is known of them is used on'));
    }
    const mount = this.#mounts.get(mountId);
    if (mount === undefined) throw new UnderstudyError('not_found', `nothing is mounted with this number: mount=${mountId}`);
    return await orAborted(this.#deps.stores.of(mount), signal);
  }

  /** @returns whether changes of that mount wait for its storage: what is not as told there may be so soon. */
  async isBehind(mountId: number, signal: AbortSignal): Promise<boolean> {
    await orAborted(this.#ask(), signal);
    return (this.#mounts.get(mountId)?.queued ?? 0) > 0;
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    this.#askedMs = this.#deps.clock.monotonicMs();
    const told = await this.#deps.listMounts();
    const mounts = told.map(({ id, uri, options, queued }) => ({
      ...{ id, uri, queued },
      options: [...withoutSecrets(Object.entries(options))].map(([key, value]) => ({ key, value })),
    }));
    this.#mounts = new Map(mounts.map((mount) => [mount.id, mount]));
    this.#deps.stores.keepOnly(mounts);
  }
}
