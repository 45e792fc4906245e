/**
 * Writes a block's file aside. A block of one piece that is no longer than a chunk takes one write, with its footer.
 *
 * The file is made when there is something to write, and is gone again after `drop`, and after a failure. One that is lent is written by others:
 * its length and footer are looked at when it is sealed, its bytes when they are read.
 */
import { UnderstudyError } from '../base/errors.js';
import type { OpenFile } from '../base/files.js';
import { BlockFile, blockFileBytes, encodeTail } from '../blocks/block-file.js';
import { type BlockId, blockName } from '../blocks/block-id.js';
import { type BlockWriter, CHUNK_BYTES, type Piece, type StoredBlock } from '../blocks/block-store.js';
import { firstDamagedChunk } from '../blocks/chunk-checksums.js';
import type { BlockDirectory } from './block-directory.js';

/** What the store does with a writer's file. */
export interface WriterEnds {
  /** Gives the whole file its name, and the block to those who look for it. */
  publish(asidePath: string, length: number): Promise<StoredBlock>;
  /** Called once: nothing more is written, and what there was is gone. */
  dropped(): void;
  /** @returns what to tell of it. */
  failed(error: unknown): UnderstudyError;
}

export interface FileBlockWriterSettings {
  /** Room that is kept. */
  readonly bytesMax: number;
  /** Sealed, it outlives a power cut. */
  readonly durable: boolean;
}

export class FileBlockWriter implements BlockWriter {
  readonly #id: BlockId;
  readonly #directory: BlockDirectory;
  readonly #bytesMax: number;
  readonly #durable: boolean;
  readonly #ends: WriterEnds;
  readonly #path: string;
  readonly #crcs: number[] = [];
  /** There is a file to be removed, unless it gets its name. */
  #isMade = false;
  #isLent = false;
  #file: OpenFile | undefined;
  #written = 0;
  #onDisk = 0;
  /** The first piece, while it may be the only one, with room for what follows it in the file then. */
  #held: Uint8Array | undefined;
  #ended: UnderstudyError | 'sealed' | undefined;
  /** What is under way. */
  #work: Promise<unknown> | undefined;

  constructor(id: BlockId, directory: BlockDirectory, { bytesMax, durable }: FileBlockWriterSettings, ends: WriterEnds) {
    this.#id = id;
    this.#directory = directory;
    this.#bytesMax = bytesMax;
    this.#durable = durable;
    this.#ends = ends;
    this.#path = directory.pathAside();
  }

  async write({ offset, bytes, crcs }: Piece): Promise<void> {
    this.#mustGoOn();
    if (this.#isLent) throw this.#refused('the file is lent', offset);
    if (offset !== this.#written || offset % CHUNK_BYTES !== 0) throw this.#refused('a piece does not follow the one before', offset);
    if (offset + bytes.length > this.#bytesMax) throw this.#tooMuch(offset + bytes.length);
    const chunk = firstDamagedChunk(bytes, crcs);
    if (chunk !== undefined) {
      const message = `a chunk does not fit its checksum: block=${blockName(this.#id)} offset=${offset + chunk * CHUNK_BYTES}`;
      throw new UnderstudyError('corrupt', message);
    }
    for (const crc of crcs) this.#crcs.push(crc);
    this.#written += bytes.length;
    if (offset === 0 && bytes.length <= CHUNK_BYTES) {
      this.#held = Buffer.allocUnsafe(blockFileBytes(bytes.length));
      this.#held.set(bytes);
    } else await this.#orDie(() => this.#append(bytes, offset));
  }

  async lend(proof: string): Promise<string> {
    this.#mustGoOn();
    if (this.#written > 0) throw this.#refused('the block is being written here', 0);
    this.#isLent = true;
    await this.#orDie(() => this.#append(Buffer.from(proof), 0));
    return this.#path;
  }

  noteLent(bytes: number): void {
    this.#mustGoOn();
    if (!this.#isLent) throw this.#refused('the file is not lent', bytes);
    if (bytes > this.#bytesMax) throw this.#tooMuch(bytes);
    if (bytes > this.#onDisk) this.#noteOnDisk(bytes);
  }

  async seal(length: number): Promise<StoredBlock> {
    this.#mustGoOn();
    if (this.#isLent) return this.#orDie(() => this.#takeBack(length));
    if (length !== this.#written) throw this.#refused('that is not the length that was written', length);
    return this.#orDie(async () => {
      const tail = encodeTail(this.#id, length, this.#crcs);
      if (this.#held !== undefined) {
        const whole = this.#held;
        this.#held = undefined;
        whole.set(tail, length);
        await this.#create(whole);
      } else await this.#append(tail, length);
      return this.#publish(length);
    });
  }

  async drop(): Promise<void> {
    await this.#work?.catch(() => {}); // told to who asked for it
    if (this.#ended === undefined)
      await this.#end(new UnderstudyError('cancelled', `the writer was dropped: block=${blockName(this.#id)}`));
  }

  /** @throws `corrupt`: it is not the file of a block of that length. */
  async #takeBack(length: number): Promise<StoredBlock> {
    const { files } = this.#directory;
    const { bytes } = await files.fileSize(this.#path);
    this.#noteOnDisk(bytes);
    if (length > this.#bytesMax || bytes !== blockFileBytes(length)) {
      const message = `the file that was lent has not the length of the block: block=${blockName(this.#id)} bytes=${bytes} length=${length}`;
      throw new UnderstudyError('corrupt', message);
    }
    await (await BlockFile.open(files, this.#path, this.#id, length)).close();
    return this.#publish(length);
  }

  async #publish(length: number): Promise<StoredBlock> {
    if (this.#durable && this.#directory.memory === undefined) await this.#file?.sync();
    await this.#file?.close();
    const block = await this.#ends.publish(this.#path, length);
    this.#ended = 'sealed';
    this.#directory.writtenBytes -= this.#onDisk;
    return block;
  }

  /** The whole file. */
  async #create(contents: Uint8Array): Promise<void> {
    const { memory } = this.#directory;
    if (memory === undefined) return this.#append(contents, 0);
    this.#isMade = true;
    memory.create(this.#path, contents);
    this.#noteOnDisk(contents.length);
  }

  async #append(bytes: Uint8Array, position: number): Promise<void> {
    this.#isMade = true;
    this.#file ??= await this.#directory.files.open(this.#path, { write: true, create: 'exclusive' });
    if (this.#held !== undefined) {
      await this.#file.writeAll(this.#held.subarray(0, position), 0);
      this.#held = undefined;
    }
    await this.#file.writeAll(bytes, position);
    this.#noteOnDisk(position + bytes.length);
  }

  #noteOnDisk(bytes: number): void {
    this.#directory.writtenBytes += bytes - this.#onDisk;
    this.#onDisk = bytes;
  }

  async #orDie<T>(work: () => Promise<T>): Promise<T> {
    try {
      const working = work();
      this.#work = working;
      return await working;
    } catch (error) {
      const told = this.#ends.failed(error);
      await this.#end(told);
      throw told;
    }
  }

  async #end(why: UnderstudyError): Promise<void> {
    this.#ended = why;
    this.#held = undefined;
    try {
      await this.#file?.close();
      if (this.#isMade) await this.#directory.files.removeFile(this.#path);
    } catch (error) {
      this.#ends.failed(error);
    } finally {
      this.#directory.writtenBytes -= this.#onDisk;
      this.#ends.dropped();
    }
  }

  #mustGoOn(): void {
    if (this.#ended === 'sealed') throw this.#refused('the block is sealed', this.#written);
    if (this.#ended !== undefined) throw this.#ended;
  }

  #tooMuch(bytes: number): UnderstudyError {
    const message = `more is written than room was kept for: block=${blockName(this.#id)} bytes=${bytes} room=${this.#bytesMax}`;
    return new UnderstudyError('resource_exhausted', message);
  }

  #refused(why: string, at: number): UnderstudyError {
    return new UnderstudyError('invalid_argument', `${why}: block=${blockName(this.#id)} at=${at} written=${this.#written}`);
  }
}
