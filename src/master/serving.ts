/** What a leader does besides answering, from when it serves until it does no longer: keeps house, brings mounted storage up to date, has
 * checkpoints made, watches its fence. */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.js';
import type { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { sleep } from '../base/wait.js';
import type { Journal } from '../journal/journal.js';
import type { NamespaceSettings } from '../metadata/plan.js';
import type { Network } from '../rpc/network.js';
import type { UnderStores } from '../underfs/under-stores.js';
import type { AccessTimes } from './access-times.js';
import type { CheckpointMaker } from './checkpoint-maker.js';
import { Checkpointer, type CheckpointerSettings } from './checkpointer.js';
import type { ClockWatch } from './clock-watch.js';
import { type HousekeepingSettings, keepHouse } from './housekeeping.js';
import type { Leadership } from './leadership.js';
import { MetadataLoader } from './metadata-loader.js';
import { persistFiles } from './persist-files.js';
import type { Replica } from './replica.js';
import type { StandbyStreams } from './standby-streams.js';
import { StorageTroubles } from './storage-troubles.js';
import { keepSweeping } from './sweep-parts.js';
import { doUnderWork } from './under-work.js';
import { type BalanceSettings, balanceBlocks } from './workers/balance-blocks.js';
import { keepBlocks } from './workers/keep-blocks.js';
import { countLostBlocks } from './workers/lost-blocks.js';
import type { WorkerRoster } from './workers/worker-roster.js';

export interface ServingDeps {
  readonly replica: Replica;
  readonly leadership: Leadership;
  readonly standbys: StandbyStreams;
  readonly maker: CheckpointMaker;
  readonly clockWatch: ClockWatch;
  readonly accessTimes: AccessTimes;
  readonly ownAddress: string;
  readonly workers: WorkerRoster;
  readonly underStores: UnderStores;
  readonly journal: Pick<Journal, 'clusterId'>;
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
}

const CONFIRM_INTERVAL_MS = 1_000;

export class Serving {
  readonly checkpointer: Checkpointer;
  readonly loader: MetadataLoader;
  readonly troubles = new StorageTroubles();
  /** Resolves when all of it has ended; may outlive the leadership. */
  readonly done: Promise<unknown>;
  readonly #deps: ServingDeps;
  readonly #stopping = new AbortController();

  /** @param before ends first, as far as `done` tells. */
  constructor(
    settings: CheckpointerSettings & HousekeepingSettings & BalanceSettings & { readonly namespace: NamespaceSettings },
    deps: ServingDeps,
    before: readonly (Promise<unknown> | null | undefined)[],
  ) {
    const { signal } = this.#stopping;
    setMaxListeners(0, signal); // each of the loops that it ends waits under it
    const { standbys } = deps;
    this.#deps = deps;
    this.loader = new MetadataLoader({ ...deps, settings: settings.namespace }, signal);
    this.checkpointer = new Checkpointer(settings, { ...deps, standbys: () => standbys.list() });
    const house = keepHouse(settings, { ...deps, peers: () => standbys.list() }, signal);
    const persisting = { ...deps, clusterId: deps.journal.clusterId, troubles: this.troubles };
    const storage = [doUnderWork(persisting, signal), persistFiles(persisting, signal), keepSweeping(persisting, signal)];
    const blocks = [keepBlocks(persisting, signal), balanceBlocks(settings, deps, signal), countLostBlocks(persisting, signal)];
    const work = [house, ...storage, ...blocks, this.checkpointer.run(signal), this.#watchFence(signal)];
    this.done = Promise.all([...before, ...work]);
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** An idle leader learns in bounded time that it has been superseded. */
  async #watchFence(signal: AbortSignal): Promise<void> {
    const { leadership, standbys, clock } = this.#deps;
    while (!signal.aborted) {
      const refused = await new Promise<UnderstudyError | null>((resolve) => leadership.release(resolve));
      if (refused !== null) standbys.endAll(refused);
      await sleep(clock, CONFIRM_INTERVAL_MS, signal).catch(() => {});
    }
  }
}
