/**
 * What readers and writers of one client share: connections to workers, what masters say of places, and the bounds.
 */
import type { Clock } from '../../base/clock.js';
import { UnderstudyError } from '../../base/errors.js';
import type { Files } from '../../base/files.js';
import type { Random } from '../../base/random.js';
import type { Client } from '../client.js';
import type { Connect } from '../connections.js';
import type { BlockPlaces, WorkerPlace } from './block-places.js';
import { type DataSettings, DEFAULT_DATA_SETTINGS } from './data-settings.js';
import { HeldBytes } from './held-bytes.js';
import { LentFiles } from './lent-files.js';
import { LocalBlocks } from './local-blocks.js';
import { SendingRoom } from './sending-room.js';
import { WorkerConnections } from './worker-connections.js';

export interface DataDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly places: BlockPlaces;
  readonly connect: Connect;
  readonly connectTimeoutMs: number;
  /** Of this host. Absent: blocks come over connections only. */
  readonly files?: Files;
}

/** @returns that of a client. */
export function dataAccess({ settings, deps }: Client, places: BlockPlaces): DataAccess {
  const { clock, random, connect, connectWorker = connect, files } = deps;
  const given = { clock, random, places, connect: connectWorker, connectTimeoutMs: settings.connectTimeoutMs };
  return new DataAccess({ ...DEFAULT_DATA_SETTINGS, ...settings.data }, files === undefined ? given : { ...given, files });
}

const WORKERS_KEPT_MS = 1_000;
/** They do so long while the masters are asked anew: nobody waits for a master that takes the lead. */
const WORKERS_USED_MS = 10_000;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

interface WorkersTold {
  readonly askedMs: number;
  readonly told: Promise<readonly WorkerPlace[]>;
}

export class DataAccess {
  readonly settings: DataSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly places: BlockPlaces;
  readonly connections: WorkerConnections;
  readonly local: LocalBlocks | undefined;
  readonly lent: LentFiles | undefined;
  readonly held: HeldBytes;
  readonly sending: SendingRoom;
  #workers: WorkersTold | undefined;
  /** What is asked while the last answer still does. */
  #askingAnew: Promise<void> | undefined;
  readonly #life = new AbortController();

  constructor(settings: DataSettings, deps: DataDeps) {
    this.settings = settings;
    ({ clock: this.clock, random: this.random, places: this.places } = deps);
    this.connections = new WorkerConnections(deps);
    this.lent = deps.files === undefined ? undefined : new LentFiles({ files: deps.files, clock: deps.clock });
    this.local = deps.files === undefined ? undefined : new LocalBlocks(deps.files, settings.workerTimeoutMs);
    this.held = new HeldBytes(settings.heldBytesMax);
    this.sending = new SendingRoom(settings.sendingBytesMax);
  }

  /** Aborted when the client is closed. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  /** @returns whether the worker at `address` is on this host. */
  isLocal(address: string): boolean {
    const host = address.slice(0, address.lastIndexOf(':'));
    return LOOPBACK.test(host) || this.settings.localHosts.includes(host);
  }

  /** @returns those that were lost just now last, and of the others this host's first; else in any order, so that readers spread. */
  inOrder(addresses: readonly string[]): readonly string[] {
    const ranked = addresses.map((address) => ({ address, rank: this.#rank(address) + this.random.float() }));
    return ranked.sort((one, other) => one.rank - other.rank).map(({ address }) => address);
  }

  /** @returns workers for a block: this host's first, then by free bytes; those that were lost just now last. */
  ranked(workers: readonly WorkerPlace[]): readonly string[] {
    const order = ({ address, freeBytes }: WorkerPlace, other: WorkerPlace) =>
      this.#rank(address) - this.#rank(other.address) || other.freeBytes - freeBytes;
    return [...workers].sort(order).map(({ address }) => address);
  }

  /** @param anew what was told a short while ago does not do. @returns workers that take new blocks. @throws as `BlockPlaces.workers`. */
  async workers(anew: boolean): Promise<readonly WorkerPlace[]> {
    const nowMs = this.clock.monotonicMs();
    const ageMs = nowMs - (this.#workers?.askedMs ?? Number.NEGATIVE_INFINITY);
    if (this.#workers === undefined || anew || ageMs > WORKERS_USED_MS) this.#workers = { askedMs: nowMs, told: this.places.workers() };
    else if (ageMs > WORKERS_KEPT_MS) this.#askAnew(nowMs);
    const { told } = this.#workers;
    const workers = await told.catch((error: unknown) => {
      if (this.#workers?.told === told) this.#workers = undefined;
      throw error;
    });
    // None at all is not kept: the first one may register any moment.
    if (workers.length === 0) this.#workers = undefined;
    return workers;
  }

  #askAnew(askedMs: number): void {
    this.#askingAnew ??= this.places
      .workers()
      .then(
        (workers) => {
          const isNewer = askedMs > (this.#workers?.askedMs ?? 0);
          if (workers.length > 0 && isNewer) this.#workers = { askedMs, told: Promise.resolve(workers) };
        },
        () => {}, // asked again with the next block
      )
      .finally(() => {
        this.#askingAnew = undefined;
      });
  }

  /** Gives up what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#life.abort(new UnderstudyError('cancelled', 'the client was closed'));
    await this.local?.close();
    await this.lent?.close();
    await this.connections.close();
  }

  #rank(address: string): number {
    return (this.connections.isSuspect(address) ? 2 : 0) + (this.isLocal(address) ? 0 : 1);
  }
}
