/**
 * A standby's follower and the leader that feeds it, over the memory journal and network; the leader's side can be made to misbehave.
 */

import type { Clock } from '../../src/base/clock.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { endOf, type Journal, type JournalWriter } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { MemoryJournalStore } from '../../src/journal/memory-journal-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { Follower } from '../../src/master/follower.js';
import { RecentBatches } from '../../src/master/recent-batches.js';
import { Replica } from '../../src/master/replica.js';
import { StandbyStreams } from '../../src/master/standby-streams.js';
import { encodeEntry } from '../../src/metadata/entries.js';
import { operations } from '../../src/metadata/operations.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import type { Network } from '../../src/rpc/network.js';
import type { ServerCall } from '../../src/rpc/rpc.js';
import { RPC_SERVER_DEFAULTS, RpcServer } from '../../src/rpc/rpc-server.js';

export const LEADER = 'leader:1';
const HEARTBEAT_MS = 10;
export const PING_TIMEOUT_MS = 200;
const STANDBY = 'standby:1';
const deps = { clock: systemClock, random: systemRandom, log: silentLog };

/** Leads the journal, and feeds standbys at `leader:1`. */
export class Leader {
  readonly streams: StandbyStreams;
  recent: RecentBatches;
  /** Takes the place of what serves `followJournal`. */
  follow: (call: ServerCall) => void;
  report: (call: ServerCall) => void;
  readonly #writer: JournalWriter;
  #server: RpcServer | null = null;
  readonly #network: MemoryNetwork;

  static async begin(store: MemoryJournalStore, network: MemoryNetwork, recentBytesMax = 1_000_000): Promise<Leader> {
    const batches: { end: ReturnType<typeof endOf>; sealed: Uint8Array }[] = [];
    const writer = await MemoryJournal.open(store, { name: 'leader' }).claim({
      from: { sn: 0 as never, hash: new Uint8Array(32) },
      entry: (epoch, timeMs) => ({ bytes: encodeEntry({ timeMs, claim: { epoch, host: LEADER, owner: 'o', group: 'g' } }), timeMs }),
      deliver: (batch) => void batches.push({ end: endOf(batch), sealed: batch.sealed }),
    });
    const leader = new Leader(writer, network, recentBytesMax, store.settings.incarnationId);
    for (const { end, sealed } of batches) leader.recent.add(end, sealed, 0);
    await leader.listen();
    return leader;
  }

  private constructor(writer: JournalWriter, network: MemoryNetwork, recentBytesMax: number, incarnationId: string) {
    this.#writer = writer;
    this.#network = network;
    this.recent = new RecentBatches(recentBytesMax, { sn: 0 as never, hash: new Uint8Array(32) });
    this.streams = new StandbyStreams(
      { standbyStreamsMax: 2, heartbeatIntervalMs: HEARTBEAT_MS, webAddress: 'leader:19999' },
      { ...deps, journal: { incarnationId } },
    );
    this.streams.serve(this.recent);
    this.follow = (call) => this.streams.follow(call, () => new UnderstudyError('not_leader', 'not the leader'));
    this.report = (call) => this.streams.report(call);
  }

  get sn(): number {
    return this.#writer.end.sn;
  }

  /** The newest batch, as it stands in the journal. */
  newest = new Uint8Array(0);

  /** Commits `count` batches, and tells standbys of them unless they are to be `missed`. */
  async commit(count: number, missed = false): Promise<void> {
    for (let batch = 0; batch < count; batch++) {
      const bytes = encodeEntry({ timeMs: 1, digest: { ofSn: 0, low: 0, high: 0 } });
      const end = await this.#writer.append([bytes, bytes], 1);
      this.newest = Uint8Array.from(end.sealed);
      if (!missed) this.recent.add({ sn: end.sn, hash: end.hash }, end.sealed, 0);
    }
  }

  async listen(): Promise<void> {
    const settings = { ...RPC_SERVER_DEFAULTS, listenAddress: LEADER };
    this.#server = await RpcServer.open(settings, { ...deps, network: this.#network.host('leader') }, (call) =>
      call.method === operations.followJournal.method ? this.follow(call) : this.report(call),
    );
  }

  /** As its process dies: connections break, and new ones are refused. */
  die(): void {
    this.#server = null;
    this.#network.crash('leader');
  }

  async close(): Promise<void> {
    this.streams.stop(new UnderstudyError('unavailable', 'the test ends'));
    await this.#server?.close();
    await this.#writer.close();
  }
}

/** What the follower has in place of the usual. */
interface Unlike {
  readonly leaderPingTimeoutMs?: number;
  readonly clock?: Clock;
  readonly network?: Network;
}

export class Standby {
  readonly replica: Replica;
  readonly follower: Follower;
  readonly gone: string[];
  readonly failures: unknown[] = [];
  caughtUp = 0;
  /** Times that the journal was begun to be read. */
  reads = 0;
  /** The journal gives nothing while it is withheld. */
  withheld = false;

  static async begin(store: MemoryJournalStore, network: MemoryNetwork, unlike: Unlike = {}): Promise<Standby> {
    const journal = MemoryJournal.open(store, { name: 'standby' });
    const failures: unknown[] = [];
    const replica = await Replica.open(
      { inodeCacheMax: 64, flushRows: 1_000, flushIntervalMs: 1_000, recentBytesMax: 1_000_000 },
      {
        ...deps,
        stores: new MemoryStores(),
        identity: journal,
        checkpoints: journal.checkpoints,
        advanced() {},
        doing() {},
        failed: (error) => failures.push(error),
      },
      new AbortController().signal,
    );
    return new Standby(replica, journal, { network: network.host('standby'), ...unlike }, failures);
  }

  private constructor(replica: Replica, journal: Journal, unlike: Unlike & { readonly network: Network }, failures: unknown[]) {
    const { network, clock = systemClock, leaderPingTimeoutMs = PING_TIMEOUT_MS } = unlike;
    this.replica = replica;
    this.failures = failures;
    this.gone = [];
    const counted: Journal = Object.create(journal, {
      read: {
        value: (request: Parameters<Journal['read']>[0]) => {
          this.reads += 1;
          return this.#held(journal.read(request));
        },
      },
    });
    this.follower = new Follower(
      { frameBytesMax: 1024 * 1024, leaderPingTimeoutMs, isObserver: false },
      {
        ...deps,
        clock,
        journal: counted,
        network,
        ownAddress: () => STANDBY,
        heard() {},
        caughtUp: () => {
          this.caughtUp += 1;
        },
        leaderGone: ({ address, epoch }, why) => this.gone.push(`${address} ${epoch} ${why}`),
        failed: (error) => failures.push(error),
      },
    );
    this.follower.start(replica);
  }

  get sn(): number {
    return this.replica.end.sn;
  }

  async *#held<T>(items: AsyncIterable<T>): AsyncIterable<T> {
    for await (const item of items) {
      while (this.withheld) await new Promise((resolve) => setTimeout(resolve, 5));
      yield item;
    }
  }

  async close(): Promise<void> {
    this.withheld = false;
    await this.follower.stop();
    await this.replica.close();
  }
}

export function newStore(): MemoryJournalStore {
  return new MemoryJournalStore({ pollIntervalMs: 5 }, deps);
}

export function newNetwork(): MemoryNetwork {
  return new MemoryNetwork(systemClock);
}
