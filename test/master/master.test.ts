/**
 * Whole masters over the memory twins: what becomes of one whose store or journal misbehaves.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { MemoryElectionService } from '../../src/election/memory-election.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { MemoryJournalStore } from '../../src/journal/memory-journal-store.js';
import type { KvStore, KvStores } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { Master } from '../../src/master/master.js';
import { encodeChild } from '../../src/metadata/keys.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import { RPC_SERVER_DEFAULTS } from '../../src/rpc/rpc-server.js';

const SETTINGS = {
  ...RPC_SERVER_DEFAULTS,
  version: 'test',
  owner: 'o',
  group: 'g',
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
  blockBytesDefault: 1,
  clientTimeoutMs: 3_600_000,
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
class Disk implements KvStores {
  readonly #stores = new MemoryStores();
  asides = 0;
  failsToOpen = false;
  failsToWrite = false;

  async open(): Promise<KvStore> {
    if (this.failsToOpen) throw new UnderstudyError('unavailable', 'the disk is full');
    const store = await this.#stores.open();
    const write: KvStore['write'] = (operations) =>
      this.failsToWrite ? Promise.reject(new UnderstudyError('unavailable', 'the disk is full')) : store.write(operations);
    return {
      get: (key) => store.get(key),
      snapshot: () => store.snapshot(),
      close: () => store.close(),
      write,
      [Symbol.asyncDispose]: () => store.close(),
    };
  }

  async setAside(): Promise<void> {
    this.asides += 1;
    await this.#stores.setAside();
  }
}

class Cluster {
  readonly #journal = new MemoryJournalStore({}, { clock: systemClock, random: systemRandom });
  readonly #election = new MemoryElectionService({ sessionTimeoutMs: SESSION_TIMEOUT_MS }, { clock: systemClock });
  readonly #network = new MemoryNetwork(systemClock);
  masters: Master[] = [];

  async start(name: string, disk = new Disk()): Promise<{ master: Master; disk: Disk }> {
    const address = `${name}:19998`;
    const master = await Master.open(
      { ...SETTINGS, rpcAddress: address, listenAddress: address, webAddress: address },
      {
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
        network: this.#network.host(name),
        journal: MemoryJournal.open(this.#journal, { name }),
        election: this.#election.election(),
        stores: disk,
      },
    );
    this.masters.push(master);
    return { master, disk };
  }

  /** The process of that name dies; what is left of it here hears of nothing any more. */
  kill(name: string): void {
    this.#election.kill(`${name}:19998`);
    this.masters = this.masters.filter(({ rpcAddress }) => rpcAddress !== `${name}:19998`);
    this.#network.crash(name);
  }
}

let cluster = new Cluster();
afterEach(async () => {
  for (const master of cluster.masters) await master.close();
  cluster = new Cluster();
});

const soon = { timeout: 8_000, interval: 5 };
const leads = (master: Master) => expect.poll(() => master.leadership !== null && master.role.name, soon).toBe('leading');
const mkdir = (master: Master, name: string) =>
  master.leadership!.append((state) => ({
    createDirectory: { parentId: 1, names: [name], inode: { id: state.nextIds().inodeId, directory: true } },
  }));
const has = (master: Master, name: string) => master.replica?.state.child(1, name) != null;

describe('a master', () => {
  it('whose disk is full for a moment: goes on with the store it had', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master, disk } = await cluster.start('b');
    await mkdir(leader, 'one');
    await expect.poll(() => has(master, 'one'), soon).toBe(true);
    await master.replica!.writeBehind.digest();
    const flushed = master.replica!.writeBehind.mark.sn;
    disk.failsToWrite = disk.failsToOpen = true;
    await mkdir(leader, 'two');
    await expect.poll(() => master.role.name, soon).toBe('rebuilding');
    await expect.poll(() => master.status().reason, soon).toContain('the disk is full');
    disk.failsToWrite = disk.failsToOpen = false;
    await expect.poll(() => has(master, 'two'), soon).toBe(true);
    expect(disk.asides).toBe(0);
    expect(master.replica!.writeBehind.mark.sn).toBeGreaterThanOrEqual(flushed);
    await expect.poll(() => master.status().reason, soon).toBe('');
  });

  it('alone, with a store that damage has changed: never serves it, rebuilds, leads', async () => {
    const { master, disk } = await cluster.start('a');
    await leads(master);
    await mkdir(master, 'one');
    await master.replica!.writeBehind.digest();
    await master.close();
    const store = await disk.open();
    await store.write([{ type: 'del', key: encodeChild(1, 'one') }]);
    await store.close();
    const { master: again } = await cluster.start('a', disk);
    await expect
      .poll(() => {
        expect(again.leadership !== null && !has(again, 'one')).toBe(false);
        return again.role.name;
      }, soon)
      .toBe('leading');
    expect(disk.asides).toBe(1);
  });

  it('elected while its disk stays full: lets another lead, and closes without waiting', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master: ill, disk } = await cluster.start('b');
    const { master: sound } = await cluster.start('c');
    await expect.poll(() => sound.replica!.end.sn, soon).toBe(leader.replica!.end.sn);
    disk.failsToWrite = disk.failsToOpen = true;
    await mkdir(leader, 'x');
    await expect.poll(() => ill.role.name, soon).toBe('rebuilding');
    await leader.close();
    await leads(sound);
    expect(has(sound, 'x')).toBe(true);
    const before = performance.now();
    await ill.close();
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it('restarted as a standby: knows who leads', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master, disk } = await cluster.start('b');
    await mkdir(leader, 'one');
    await expect.poll(() => has(master, 'one'), soon).toBe(true);
    await master.replica!.writeBehind.digest();
    await master.close();
    const { master: again } = await cluster.start('b', disk);
    expect(again.status().leader).toBe('a:19998');
    expect(again.notLeader()).toMatchObject({ code: 'not_leader', leader: 'a:19998' });
  });

  it('killed while it feeds the others: one of them leads long before its session ends, and feeds the last', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const others = [(await cluster.start('b')).master, (await cluster.start('c')).master];
    await expect.poll(() => leader.standbys.list().length, soon).toBe(2);
    await mkdir(leader, 'one');
    const before = performance.now();
    cluster.kill('a');
    await expect.poll(() => others.filter(({ role }) => role.name === 'leading').length, soon).toBe(1);
    expect(performance.now() - before).toBeLessThan(1_000);
    const [next, last] = others[0]!.role.name === 'leading' ? [others[0]!, others[1]!] : [others[1]!, others[0]!];
    await mkdir(next, 'two');
    await expect.poll(() => next.standbys.list().map(({ address }) => address), soon).toEqual([last.rpcAddress]);
    await expect.poll(() => has(last, 'one') && has(last, 'two'), soon).toBe(true);
  });

  it('that stops: the next one leads at once, with everything', async () => {
    const { master: leader } = await cluster.start('a');
    await leads(leader);
    const { master: standby } = await cluster.start('b');
    const written = mkdir(leader, 'last');
    const before = performance.now();
    await Promise.all([leader.close(), written]);
    await leads(standby);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(has(standby, 'last')).toBe(true);
    expect(standby.replica!.state.epoch).toBe(2);
  });
});
