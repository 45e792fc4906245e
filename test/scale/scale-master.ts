/** A master in this process with its real journal and its real store, in a folder of its own, set as it is by default. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { masterSettings } from '../../src/cli/master-settings.js';
import { Client } from '../../src/client/client.js';
import { DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { FileSystem } from '../../src/client/file-system.js';
import { loadSettings } from '../../src/config/load-settings.js';
import { MemoryElectionService } from '../../src/election/memory-election.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { LevelStores } from '../../src/kv/level-store.js';
import { ownNameGroups } from '../../src/master/group-mapping.js';
import { Master } from '../../src/master/master.js';
import { DETACHED_RANGE, decodeId } from '../../src/metadata/keys.js';
import { inodeMessage } from '../../src/metadata/records.js';
import { storedKeys } from '../../src/metadata/scan.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { UnderStores } from '../../src/underfs/under-stores.js';
import { waitUntil } from '../servers/wait-until.js';

const ADDRESS = 'scale:19998';
const MACHINE = { home: os.tmpdir(), 'master.hostname': 'scale', 'worker.hostname': 'scale', 'security.login.username': 'o' };
const NAMES_PER_ENTRY = 500;
const ENTRIES_AT_ONCE = 4;

export class ScaleMaster implements AsyncDisposable {
  readonly #folder: string;
  readonly #master: Master;
  readonly #journal: DirectoryJournal;
  readonly #network: MemoryNetwork;
  readonly #clients: FileSystem[] = [];
  #filler: FileSystem | undefined;

  private constructor(folder: string, journal: DirectoryJournal, master: Master, network: MemoryNetwork) {
    this.#folder = folder;
    this.#journal = journal;
    this.#master = master;
    this.#network = network;
  }

  static async start(): Promise<ScaleMaster> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'understudy-scale-'));
    const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
    const { settings } = loadSettings({ sources: [], env: {}, overrides: [], defaults: MACHINE });
    const place = { folder: path.join(folder, 'journal') };
    await formatDirectoryJournal(place, deps);
    const journal = await DirectoryJournal.open(place, deps);
    const network = new MemoryNetwork(systemClock);
    const given = {
      ...masterSettings(settings, 'test', 0),
      owner: 'o',
      group: 'o',
      rpcAddress: ADDRESS,
      listenAddress: ADDRESS,
      webAddress: ADDRESS,
    };
    const master = await Master.open(given, {
      ...{ ...deps, journal, network: network.host('scale'), groups: ownNameGroups },
      election: new MemoryElectionService({ sessionTimeoutMs: 60_000 }, deps).election(),
      stores: new LevelStores(path.join(folder, 'metastore'), { writeBufferBytes: 16 << 20, cacheBytes: 64 << 20 }),
      underStores: new UnderStores(() => Promise.reject(new Error('nothing is mounted'))),
    });
    await waitUntil('the master leads', () => master.leads);
    return new ScaleMaster(folder, journal, master, network);
  }

  client(): FileSystem {
    const deps = { clock: systemClock, log: silentLog, network: this.#network.host(`client-${this.#clients.length}`) };
    const connect = (address: string, signal: AbortSignal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
    const given = { ...DEFAULT_CLIENT_SETTINGS, masters: [ADDRESS], user: 'o', group: 'o', callTimeoutMs: 120_000 };
    const fs = new FileSystem(new Client(given, { clock: systemClock, random: systemRandom, connect }));
    this.#clients.push(fs);
    return fs;
  }

  /** Makes many children of one directory, as loading from an under store does. */
  async fill(directory: string, count: number, name: (at: number) => string, isDirectory = false): Promise<void> {
    this.#filler ??= this.client();
    const directoryId = (await this.#filler.getStatus(directory)).id;
    let next = 0;
    const work = async () => {
      while (next < count) {
        const first = next;
        next = Math.min(count, first + NAMES_PER_ENTRY);
        const names = Array.from({ length: next - first }, (_, at) => name(first + at));
        await this.#leadership.append((state) => {
          const id = state.nextIds().inodeId;
          const alike = {
            ...state.root(),
            directory: isDirectory,
            childCount: 0,
            length: isDirectory ? 0 : 1,
            complete: !isDirectory,
            more: null,
          };
          const inodes = names.map((_, at) => inodeMessage({ ...alike, id: id + at }));
          return { path: directory, load: { directoryId, names, inodes } };
        });
      }
    };
    await Promise.all(Array.from({ length: ENTRIES_AT_ONCE }, work));
  }

  /** Resolves once all that was removed has been reaped, and the store has seen that. */
  async reaped(): Promise<void> {
    const { kv, writeBehind } = this.#replica;
    for (;;) {
      await writeBehind.digest();
      if ((await storedKeys(kv, DETACHED_RANGE, decodeId, 1)).length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Resolves once that inode has been reaped. */
  async gone(id: number): Promise<void> {
    while (this.#replica.state.parentOf(id) !== null) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Brings all changes into the store. */
  async flush(): Promise<void> {
    await this.#replica.writeBehind.digest();
  }

  /** @returns how many rows of that letter the store holds. */
  async storedRows(letter: string): Promise<number> {
    const code = letter.charCodeAt(0);
    const snapshot = this.#replica.kv.snapshot();
    let rows = 0;
    for await (const chunk of snapshot.rows({ gte: Uint8Array.of(code), lt: Uint8Array.of(code + 1) }, 4_096)) rows += chunk.length;
    await snapshot.close();
    return rows;
  }

  get #leadership() {
    const { leadership } = this.#master;
    if (leadership === null) throw new Error('the master does not lead any longer');
    return leadership;
  }

  get #replica() {
    const { replica } = this.#master;
    if (replica === null) throw new Error('the master has no replica');
    return replica;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.#master.close();
    await this.#journal.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
