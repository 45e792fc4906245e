/**
 * Masters of the production code in this process, over the memory twins of everything outside.
 */
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { sleep } from '../../src/base/wait.js';
import { MemoryElectionService } from '../../src/election/memory-election.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { MemoryJournalStore } from '../../src/journal/memory-journal-store.js';
import type { KvStore, KvStores } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { ownNameGroups } from '../../src/master/group-mapping.js';
import { Master } from '../../src/master/master.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import { RPC_SERVER_DEFAULTS } from '../../src/rpc/rpc-server.js';
import { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { UnderStores } from '../../src/underfs/under-stores.js';

const SETTINGS = {
  ...RPC_SERVER_DEFAULTS,
  version: 'test',
  owner: 'o',
  group: 'g',
  permissionsEnabled: true,
  supergroup: 'supergroup',
  groupsTimeoutMs: 60_000,
  recentBytesMax: 1_000_000,
  standbyStreamsMax: 8,
  heartbeatIntervalMs: 20,
  leaderPingTimeoutMs: 400,
  expelIntervalMs: 500,
  inodeCacheMax: 64,
  flushRows: 200,
  flushIntervalMs: 20,
  queueMax: 1_024,
  digestIntervalBatches: 20,
  namespace: { blockBytesDefault: 1, trashIntervalMs: 0 },
  clientTimeoutMs: 3_600_000,
  ttlCheckIntervalMs: 60_000,
  leaseTimeoutMs: 600_000,
  leaseRecovery: 'complete' as const,
  accessTimePrecisionMs: 0,
  peers: [],
  isObserver: false,
  clientsMax: 3,
  clockSkewMaxMs: 30_000,
  incumbentGraceMs: 2_000,
  checkpointsEnabled: true,
  checkpointPeriodEntries: 1_000_000,
  checkpointPeriodBytes: 1 << 30,
  checkpointPeriodMs: 3_600_000,
  checkpointsKept: 2,
};

/** Longer than any test waits. */
const SESSION_TIMEOUT_MS = 60_000;

/** A disk that can fail. */
export class Disk implements KvStores {
  readonly #stores = new MemoryStores();
  asides = 0;
  failsToOpen = false;
  failsToWrite = false;
  /** The block that holds this row can no longer be read. */
  damaged: Uint8Array | null = null;

  async open(): Promise<KvStore> {
    if (this.failsToOpen) throw new UnderstudyError('unavailable', 'the disk is full');
    const store = await this.#stores.open();
    const write: KvStore['write'] = (operations) =>
      this.failsToWrite ? Promise.reject(new UnderstudyError('unavailable', 'the disk is full')) : store.write(operations);
    return {
      get: (key) => {
        if (this.damaged !== null && Buffer.compare(this.damaged, key) === 0) throw new UnderstudyError('corrupt', 'a damaged block');
        return store.get(key);
      },
      snapshot: () => store.snapshot(),
      close: () => store.close(),
      write,
      [Symbol.asyncDispose]: () => store.close(),
    };
  }

  proved(): Promise<void> {
    return this.#stores.proved();
  }

  async setAside(): Promise<void> {
    this.asides += 1;
    this.damaged = null;
    await this.#stores.setAside();
  }
}

function slowedDown(journal: MemoryJournal, batchMs: number): MemoryJournal {
  if (batchMs === 0) return journal;
  const read = journal.read.bind(journal);
  journal.read = async function* (options) {
    for await (const batch of read(options)) {
      await sleep(systemClock, batchMs, options.signal);
      yield batch;
    }
  };
  return journal;
}

export class MemoryCluster {
  readonly journal = new MemoryJournalStore({}, { clock: systemClock, random: systemRandom });
  readonly #election: MemoryElectionService;
  readonly network = new MemoryNetwork(systemClock);
  masters: Master[] = [];
  readonly #under = new Map<string, MemoryUnderFiles>();

  constructor(sessionTimeoutMs = SESSION_TIMEOUT_MS) {
    this.#election = new MemoryElectionService({ sessionTimeoutMs }, { clock: systemClock });
  }

  /** @param batchMs that each batch of the journal takes this master to read. */
  async start(
    name: string,
    disk = new Disk(),
    settings: Partial<MasterSettings> = {},
    batchMs = 0,
  ): Promise<{ master: Master; disk: Disk }> {
    const address = `${name}:19998`;
    const master = await Master.open(
      { ...SETTINGS, ...settings, rpcAddress: address, listenAddress: address, webAddress: address },
      {
        clock: systemClock,
        log: silentLog,
        network: this.network.host(name),
        journal: slowedDown(MemoryJournal.open(this.journal, { name }), batchMs),
        election: this.#election.election(),
        stores: disk,
        underStores: new UnderStores(async (uri) => this.underFiles(uri).open(name)),
        groups: ownNameGroups,
      },
    );
    this.masters.push(master);
    return { master, disk };
  }

  /** @returns what an under store holds: `memory://…`, empty at first. */
  underFiles(uri: string): MemoryUnderFiles {
    const files = this.#under.get(uri) ?? new MemoryUnderFiles();
    this.#under.set(uri, files);
    return files;
  }

  /** The process of that name dies; what is left of it here hears of nothing any more. */
  kill(name: string): void {
    this.#election.kill(`${name}:19998`);
    this.masters = this.masters.filter(({ rpcAddress }) => rpcAddress !== `${name}:19998`);
    this.network.crash(name);
  }

  /** Closes all of them, the newest first. */
  async close(): Promise<void> {
    for (const master of this.masters.splice(0).reverse()) await master.close();
  }
}
