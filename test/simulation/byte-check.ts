/**
 * What has to be so of the bytes of files once nothing is broken any more, within a bound: every file reads as it was written, unless the world
 * itself did away with the last copy of a block; every master knows what every worker has; workers have what files need, as often as they ask
 * for it, and nothing else.
 */
import { isError } from '../../src/base/errors.js';
import { sleep } from '../../src/base/wait.js';
import { blockName } from '../../src/blocks/block-id.js';
import type { StoredBlock } from '../../src/blocks/block-store.js';
import { BLOCK_SHARDS, type BlockTable } from '../../src/blocks/block-table.js';
import type { FileStatus } from '../../src/client/file-status.js';
import { isHiddenPath } from '../../src/underfs/under-path.js';
import type { ByteWork } from './byte-work.js';
import type { Cluster } from './cluster.js';
import type { SimClient } from './sim-client.js';
import type { SimProcess } from './sim-process.js';
import type { WrittenFile } from './written-files.js';

export interface ByteCheckDeps {
  readonly cluster: Cluster;
  readonly work: ByteWork;
  readonly client: SimClient;
  readonly process: SimProcess;
  readonly violated: (violation: string) => void;
}

/** A file as it is at the end. */
interface Known {
  readonly file: WrittenFile;
  readonly status: FileStatus;
  /** Of its blocks, those that the world did away with. */
  readonly lost: ReadonlySet<number>;
}

const LOOK_MS = 100;
const NONE: ReadonlySet<number> = new Set();
const READ_AT_ONCE = 32;

export class ByteCheck {
  readonly #deps: ByteCheckDeps;
  /** What is not as it has to be, as of the last look. */
  complaint = 'clients still write';
  /** Blocks that were counted; files that were read, and those that cannot be, for what the world did. */
  blocks = 0;
  files = 0;
  lost = 0;

  constructor(deps: ByteCheckDeps) {
    this.#deps = deps;
  }

  /** Resolves when all is as it has to be. */
  async run(): Promise<void> {
    const { work, cluster } = this.#deps;
    await this.#until(() => (work.isIdle ? undefined : 'clients still write'));
    const running = () => cluster.workers.filter((host) => !cluster.blockHosts.running().some((one) => one.host === host));
    await this.#until(() => (running().length === 0 ? undefined : `workers do not run: ${running().join(' ')}`));
    const known: Known[] = [];
    for (let at = 0; at < work.files.length; at += READ_AT_ONCE) {
      const some = work.files.slice(at, at + READ_AT_ONCE).map((file) => this.#read(file));
      known.push(...(await Promise.all(some)).flat());
    }
    await this.#until(() => this.#tables());
    await this.#until(() => this.#copies(known));
    await Promise.all(known.map((one) => this.#stored(one)));
    await this.#until(() => this.#strangers(known));
    this.blocks = this.#held().length;
  }

  async #until(look: () => string | undefined): Promise<void> {
    for (;;) {
      const complaint = look();
      if (complaint === undefined) return;
      this.complaint = complaint;
      await sleep(this.#deps.process.clock, LOOK_MS);
    }
  }

  async #read(file: WrittenFile): Promise<Known[]> {
    const { work, client, process } = this.#deps;
    for (;;) {
      const why = await work.look(client, file);
      const status = await client.files.getStatus(file.path).catch((error: unknown) => {
        if (isError(error) && error.errno === 'ENOENT') return null;
        return undefined;
      });
      if (status === null) return [];
      if (status !== undefined) {
        const lost = status.persistence === 'PERSISTED' ? NONE : this.#lostOf(status);
        if (why === undefined) this.files += 1;
        else if (lost.size > 0) this.lost += 1;
        if (why === undefined || lost.size > 0) return [{ file, status, lost }];
      }
      this.complaint = `${file.path} cannot be read: ${why}`;
      await sleep(process.clock, LOOK_MS);
    }
  }

  /** @returns the blocks of the file of which no sound copy is left, for what the world did. */
  #lostOf(status: FileStatus): Set<number> {
    const { blockHosts } = this.#deps.cluster;
    const lost = new Set<number>();
    for (let index = 0; index * status.blockBytes < status.length; index++) {
      const fate = blockHosts.fate(status.id, index);
      if (blockHosts.holders(status.id, index, fate?.generation).length > 0) continue;
      if (fate?.by === 'world') lost.add(index);
      else this.complaint = `W3: the last copy of ${status.id}-${index} of ${status.path} was freed: ${JSON.stringify(fate)}`;
    }
    return lost;
  }

  /** Every master knows what every worker has. */
  #tables(): string | undefined {
    const { cluster } = this.#deps;
    for (const { host, worker } of cluster.blockHosts.running()) {
      for (const [name, master] of cluster.openMasters()) {
        const known = master.workers.list().find(({ address }) => address === cluster.blockHosts.address(host));
        if (known === undefined || known.isLost || !known.isWhole) return `${name} does not know ${host}: lost=${known?.isLost}`;
        const differs = differenceOf(
          [...worker.store.blocks()].map(({ id }) => blockName(id)),
          blocksIn(known.blocks).map(({ id }) => blockName(id)),
        );
        if (differs !== undefined) return `what ${name} knows of ${host} is not so: ${differs}`;
      }
    }
    return undefined;
  }

  /** Mounted storage gets what it is to have, and has it as it is. What can be read is not said to be lost. */
  async #stored({ file, status, lost }: Known): Promise<void> {
    if (!status.complete || lost.size > 0) return;
    const { client, process, work } = this.#deps;
    for (;;) {
      const now = await client.files.getStatus(file.path).catch(() => undefined);
      // One that was written to when the storage had it, is not written through again.
      if (now?.persistence === 'NOT_PERSISTED') return;
      if (now?.persistence === 'PERSISTED' && this.#isStored(file, now)) return work.checkStored(file);
      this.complaint = `${file.path} is not in mounted storage: ${now?.persistence}`;
      await sleep(process.clock, LOOK_MS);
    }
  }

  /** Its rename may wait in the mount's queue. */
  #isStored({ storedAs }: WrittenFile, { length }: FileStatus): boolean {
    return this.#deps.cluster.blockHosts.under.nodes.get(storedAs ?? '')?.bytes?.length === length;
  }

  /** Mounted storage has nothing that the namespace does not have. */
  #strangers(known: readonly Known[]): string | undefined {
    const names = new Set(known.map(({ file }) => file.storedAs));
    for (const [name, { bytes }] of this.#deps.cluster.blockHosts.under.nodes)
      if (bytes !== undefined && !isHiddenPath(name) && !names.has(name)) return `mounted storage has a file that is no more: ${name}`;
    return undefined;
  }

  /** What is on disks is what files need, as often as they ask for it. */
  #copies(known: readonly Known[]): string | undefined {
    const { cluster } = this.#deps;
    const byId = new Map(known.map((one) => [one.status.id, one]));
    const orphan = this.#held().find(({ id }) => {
      const file = byId.get(id.inodeId);
      return file === undefined || (file.status.complete && id.index * file.status.blockBytes >= file.status.length);
    });
    if (orphan !== undefined) return `a block of no file is kept: ${blockName(orphan.id)} by ${orphan.host}`;
    for (const { file, status, lost } of known) {
      if (!status.complete || status.persistence === 'PERSISTED') continue;
      for (let index = 0; index * status.blockBytes < status.length; index++) {
        const holders = newest(this.#held().filter(({ id }) => id.inodeId === status.id && id.index === index));
        const wanted = Math.min(Math.max(1, status.replicationMin), cluster.workers.length);
        const isStored = file.storedAs !== undefined && holders.length === 0;
        if (holders.length < wanted && !lost.has(index) && !isStored)
          return `${status.path} wants ${wanted} copies of block ${index}, and has ${holders.length}: ${holders.map(({ host }) => host).join(' ')}`;
      }
    }
    return undefined;
  }

  #held() {
    const { cluster } = this.#deps;
    return cluster.blockHosts.running().flatMap(({ host, worker }) => [...worker.store.blocks()].map((block) => ({ ...block, host })));
  }
}

function newest<T extends StoredBlock>(copies: readonly T[]): readonly T[] {
  const generation = Math.max(...copies.map(({ id }) => id.generation));
  return copies.filter(({ id }) => id.generation === generation);
}

function blocksIn(table: BlockTable): StoredBlock[] {
  return Array.from({ length: BLOCK_SHARDS }, (_, shard) => table.shard(shard)).flat();
}

function differenceOf(has: readonly string[], known: readonly string[]): string | undefined {
  const unknown = has.filter((name) => !known.includes(name));
  const gone = known.filter((name) => !has.includes(name));
  return unknown.length + gone.length === 0 ? undefined : `unknown=${unknown.join(' ')} gone=${gone.join(' ')}`;
}
