/**
 * The files of blocks that workers of this host lend to this client: opened, held against what only their worker can have written, and closed at the
 * latest with the client or the worker's connection.
 *
 * A worker whose files could not be written is not asked for any for a while: its blocks go over the connection.
 */
import type { Clock } from '../../base/clock.js';
import { isError } from '../../base/errors.js';
import type { Files, OpenFile } from '../../base/files.js';
import { within } from '../../base/wait.js';
import type { BlockId } from '../../blocks/block-id.js';
import { LocalWriting } from './local-writing.js';
import { type LentFile, RemoteWriting, type RemoteWritingOptions } from './remote-writing.js';
import type { WorkerConnection } from './worker-connections.js';

export interface LentFilesDeps {
  readonly files: Files;
  readonly clock: Clock;
}

const UNUSABLE_MS = 60_000;
const UNUSABLE_MAX = 1_024;
/** A shorter one may be in anybody's file. */
const PROOF_LENGTH_MIN = 32;

export class LentFiles {
  readonly #deps: LentFilesDeps;
  readonly #open = new Set<LocalWriting>();
  /** Until when, by address. */
  readonly #unusable = new Map<string, number>();

  constructor(deps: LentFilesDeps) {
    this.#deps = deps;
  }

  /** Opens a block on a worker of this host. @returns undefined: its files cannot be written from here. @throws as `RemoteWriting.open`. */
  async open(connection: WorkerConnection, block: BlockId, options: RemoteWritingOptions): Promise<LocalWriting | undefined> {
    const { address } = connection;
    const { clock } = this.#deps;
    if ((this.#unusable.get(address) ?? Number.NEGATIVE_INFINITY) > clock.monotonicMs()) return undefined;
    const { remote, lent } = await RemoteWriting.openLent(connection, block, options);
    const { timeoutMs } = options;
    const unusable = () => this.#noteUnusable(address);
    const file = lent === undefined ? undefined : await this.#reach(lent, timeoutMs);
    if (file === undefined) {
      unusable();
      await remote.drop();
      return undefined;
    }
    const lost = () => void writing.drop();
    const ended = () => {
      this.#open.delete(writing);
      connection.lost.removeEventListener('abort', lost);
    };
    const writing: LocalWriting = new LocalWriting(remote, file, block, { clock, timeoutMs, unusable, ended });
    this.#open.add(writing);
    connection.lost.addEventListener('abort', lost, { once: true });
    if (connection.lost.aborted) lost();
    return writing;
  }

  /** Drops what is being written. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((writing) => writing.drop()));
  }

  /** @returns undefined: it cannot be reached, or is another host's of the same name. */
  async #reach({ path, proof }: LentFile, timeoutMs: number): Promise<OpenFile | undefined> {
    if (proof.length < PROOF_LENGTH_MIN) return undefined;
    const opening = this.#proven(path, proof);
    try {
      return await within(this.#deps.clock, timeoutMs, opening, `a disk does not answer in time: file=${path}`);
    } catch (error) {
      opening.then((file) => file?.close()).catch(() => {}); // it came too late
      if (isError(error)) return undefined;
      throw error;
    }
  }

  async #proven(path: string, proof: string): Promise<OpenFile | undefined> {
    const file = await this.#deps.files.open(path, { write: true });
    const begin = Buffer.alloc(proof.length);
    try {
      const count = await file.readSome(begin, 0);
      if (count === begin.length && begin.equals(Buffer.from(proof))) return file;
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return undefined;
  }

  #noteUnusable(address: string): void {
    if (this.#unusable.size >= UNUSABLE_MAX) this.#unusable.clear();
    this.#unusable.set(address, this.#deps.clock.monotonicMs() + UNUSABLE_MS);
  }
}
