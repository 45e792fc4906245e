/** A worker whose blocks are said to be there: the production code's sessions with masters, and no bytes. */

import type { understudy } from '#proto/understudy.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { type BlockId, blockName } from '../../src/blocks/block-id.js';
import type { BlockChange, StoredBlock, TierUse } from '../../src/blocks/block-store.js';
import type { Listener, Network } from '../../src/rpc/network.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { ChangeLog } from '../../src/worker/change-log.js';
import type { PersistFailed } from '../../src/worker/master-link.js';
import { MasterLinks } from '../../src/worker/master-links.js';
import type { BlocksOf } from '../../src/worker/worker-cluster.js';

export class ScriptedStore {
  readonly #blocks = new Map<string, StoredBlock>();
  #changed: (change: BlockChange) => void = () => {};

  blocks(): Iterable<StoredBlock> {
    return this.#blocks.values();
  }

  watch(changed: (change: BlockChange) => void): () => void {
    this.#changed = changed;
    return () => {};
  }

  add(inodeId: number, more: Partial<BlockId & Omit<StoredBlock, 'id'>> = {}): StoredBlock {
    const { index = 0, generation = 1, bytes = 100, tier = 0, evictable = false } = more;
    const block = { id: { inodeId, index, generation }, bytes, tier, evictable };
    this.#blocks.set(blockName(block.id), block);
    this.#changed({ ...block, gone: false });
    return block;
  }

  remove(id: BlockId): void {
    const block = this.#blocks.get(blockName(id));
    if (block === undefined) return;
    this.#blocks.delete(blockName(id));
    this.#changed({ ...block, gone: true });
  }

  setEvictable(id: BlockId, evictable: boolean): void {
    const block = this.#blocks.get(blockName(id));
    if (block !== undefined) this.add(id.inodeId, { ...block, ...id, evictable });
  }

  /** Nobody is told. */
  lose(id: BlockId): void {
    this.#blocks.delete(blockName(id));
  }

  get names(): string[] {
    return [...this.#blocks.keys()].sort();
  }
}

export interface ScriptedWorkerOptions {
  readonly network: Network;
  readonly address: string;
  readonly masters: readonly string[];
  readonly id?: string;
  readonly incarnation?: string;
  readonly changesMax?: number;
  readonly blocksOf?: BlocksOf;
  /** What it does when it has joined a cluster. */
  readonly joined?: () => Promise<void>;
}

const HEX = (bytes: number) => Buffer.from(systemRandom.bytes(bytes)).toString('hex');

export class ScriptedWorker {
  readonly store: ScriptedStore;
  readonly commands: understudy.WorkerCommand[] = [];
  /** What it does with commands; nothing unless set. */
  obey: (command: understudy.WorkerCommand, failed: PersistFailed) => void = () => {};
  tiers: TierUse[] = [{ name: 'MEM', capacityBytes: 1_000_000, usedBytes: 0, directories: 1, failedDirectories: 0 }];
  readonly links: MasterLinks;
  readonly address: string;
  readonly #listener: Listener;

  static async start(options: ScriptedWorkerOptions, store = new ScriptedStore()): Promise<ScriptedWorker> {
    return new ScriptedWorker(options, store, await options.network.listen(options.address, (stream) => stream.destroy()));
  }

  private constructor(options: ScriptedWorkerOptions, store: ScriptedStore, listener: Listener) {
    this.store = store;
    this.#listener = listener;
    this.address = options.address.endsWith(':0') ? listener.address : options.address;
    const deps = { clock: systemClock, random: systemRandom, log: silentLog };
    this.links = new MasterLinks({
      ...deps,
      connect: (address, signal) => connectRpc(RPC_CLIENT_DEFAULTS, { ...deps, network: options.network }, address, signal),
      changes: new ChangeLog(store, options.changesMax),
      identity: {
        id: options.id ?? HEX(16),
        incarnation: options.incarnation ?? HEX(16),
        rpcAddress: this.address,
        webAddress: this.address,
        version: 'test',
      },
      tiers: () => this.tiers,
      execute: async (commands, failed) => {
        this.commands.push(...commands);
        for (const command of commands) this.obey(command, failed);
      },
      findMasters: async () => options.masters,
      blocksOf: options.blocksOf ?? { clusterId: '', incarnationId: '' },
      joined: options.joined ?? (async () => {}),
    });
  }

  /** Its process ends. */
  async stop(): Promise<void> {
    await this.#listener.close();
    await this.links.close();
  }
}
