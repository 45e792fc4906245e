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
import type { MasterDeps } from '../../src/master/master-deps.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import type { Network } from '../../src/rpc/network.js';
import { RPC_SERVER_DEFAULTS } from '../../src/rpc/rpc-server.js';
import { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { UnderStores } from '../../src/underfs/under-stores.js';
import { waitUntil } from '../servers/wait-until.js';

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
  isManual: false,
  clientsMax: 3,
  clockSkewMaxMs: 30_000,
  incumbentGraceMs: 2_000,
  checkpointsEnabled: true,
  checkpointPeriodEntries: 1_000_000,
  checkpointPeriodBytes: 1 << 30,
  checkpointPeriodMs: 3_600_000,
  checkpointsKept: 2,
  workerTimeoutMs: 30_000,
  balanceEnabled: true,
  balanceThreshold: 0.1,
  balanceBytesPerSecond: 100_000_000,
  decommissionedWorkers: [],
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

/** The network as a process has it that connects to nobody any more once it is dead. */
function mortal(network: Network, life: AbortSignal): Network {
  return {
    listen: network.listen,
    async connect(address, signal) {
      if (life.aborted) throw new UnderstudyError('unavailable', 'this process is dead');
      return network.connect(address, signal);
    },
  };
}

export class MemoryCluster {
  readonly journal = new MemoryJournalStore({}, { clock: systemClock, random: systemRandom });
  readonly #election: MemoryElectionService;
  readonly network = new MemoryNetwork(systemClock);
  masters: Master[] = [];
  readonly #lives = new Map<string, AbortController>();
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
    more: Partial<MasterDeps> = {},
  ): Promise<{ master: Master; disk: Disk }> {
    const address = `${name}:19998`;
    const life = new AbortController();
    this.#lives.set(name, life);
    const master = await Master.open(
      { ...SETTINGS, webAddress: address, ...settings, rpcAddress: address, listenAddress: address },
      {
        clock: systemClock,
        log: silentLog,
        network: mortal(this.network.host(name), life.signal),
        journal: slowedDown(MemoryJournal.open(this.journal, { name }), batchMs),
        election: this.#election.election(),
        stores: disk,
        underStores: new UnderStores(async (uri) => this.underFiles(uri).open(name)),
        groups: ownNameGroups,
        ...more,
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

  /** A candidate that nobody has heard of but the election. */
  stand(address: string): void {
    this.#election.election().join(address, () => {});
  }

  /** The process of that name dies; what is left of it here hears of nothing any more. */
  kill(name: string): void {
    this.#election.kill(`${name}:19998`);
    this.masters = this.masters.filter(({ rpcAddress }) => rpcAddress !== `${name}:19998`);
    this.#lives.get(name)?.abort();
    this.network.crash(name);
  }

  /** Waits until every master may lead, has what the first one has, and is fed by it: then one takes over as soon as that one is gone. */
  async settled(): Promise<void> {
    const [first, ...others] = this.masters;
    const isReady = ({ replica, feeder }: Master) =>
      feeder !== null && replica?.isVerified === true && replica.end.sn === first?.replica?.end.sn;
    const areKnown = () => first?.standbys.list().length === others.length;
    await waitUntil('all masters have caught up', () => areKnown() && others.every(isReady), 10_000);
  }

  /** Closes all of them, the newest first. */
  async close(): Promise<void> {
    for (const master of this.masters.splice(0).reverse()) await master.close();
  }
}
