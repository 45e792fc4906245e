/**
 * A block of a worker on this host, written into the file that the worker lends for it (short-circuit). The worker is told how far it is, and looks at
 * the file's length and footer when the block is sealed; its bytes are held against their checksums whenever they are read.
 *
 * Nothing is done to the file once the block is dropped, and it is closed only when nothing is under way: a descriptor's number may be another file's
 * right after. No step takes longer than `timeoutMs`; one that hangs keeps the file open until it ends.
 */
import type { Clock } from '../../base/clock.js';
import { isError, UnderstudyError } from '../../base/errors.js';
import type { OpenFile } from '../../base/files.js';
import { within } from '../../base/wait.js';
import { encodeTail } from '../../blocks/block-file.js';
import type { BlockId } from '../../blocks/block-id.js';
import type { Piece } from '../../blocks/block-store.js';
import type { OpenWriting } from './open-writing.js';
import type { RemoteWriting } from './remote-writing.js';

export interface LocalWritingDeps {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Told when the file is not what the worker sees, or cannot be written. */
  readonly unusable: () => void;
  /** Told when it is sealed or dropped. */
  readonly ended: () => void;
}

export class LocalWriting implements OpenWriting {
  readonly #remote: RemoteWriting;
  readonly #file: OpenFile;
  readonly #block: BlockId;
  readonly #deps: LocalWritingDeps;
  readonly #crcs: number[] = [];
  /** Steps under way. */
  #steps = 0;
  #dropping: Promise<void> | undefined;

  constructor(remote: RemoteWriting, file: OpenFile, block: BlockId, deps: LocalWritingDeps) {
    this.#remote = remote;
    this.#file = file;
    this.#block = block;
    this.#deps = deps;
  }

  get address(): string {
    return this.#remote.address;
  }

  /** @throws `unavailable`: the disk fails, is full or hangs; `cancelled`: dropped; as `RemoteWriting.write`. */
  async write({ offset, bytes, crcs }: Piece): Promise<void> {
    for (const crc of crcs) this.#crcs.push(crc);
    await this.#step(() => this.#file.writeAll(bytes, offset));
    await this.#remote.noteLent(offset + bytes.length);
  }

  async seal(length: number): Promise<readonly string[]> {
    await this.#step(() => this.#file.writeAll(encodeTail(this.#block, length, this.#crcs), length));
    await this.#step(() => this.#file.close());
    try {
      const workers = await this.#remote.seal(length);
      this.#deps.ended();
      return workers;
    } catch (error) {
      if (isError(error, 'corrupt')) this.#deps.unusable();
      throw error;
    }
  }

  drop(): Promise<void> {
    this.#dropping ??= this.#drop();
    return this.#dropping;
  }

  async #drop(): Promise<void> {
    this.#deps.ended();
    this.#closeIfIdle();
    await this.#remote.drop();
  }

  async #step<T>(work: () => Promise<T>): Promise<T> {
    if (this.#dropping !== undefined) throw new UnderstudyError('cancelled', 'the block was dropped');
    this.#steps += 1;
    const step = work().finally(() => {
      this.#steps -= 1;
      if (this.#dropping !== undefined) this.#closeIfIdle();
    });
    const { clock, timeoutMs, unusable } = this.#deps;
    try {
      return await within(clock, timeoutMs, step, `a disk does not answer in time: file=${this.#file.path}`);
    } catch (error) {
      unusable(); // the worker itself finds out, and tells, what its disk has
      throw error;
    }
  }

  #closeIfIdle(): void {
    if (this.#steps === 0) this.#file.close().catch(() => {}); // what was written to it is not wanted
  }
}
