/**
 * A block in a file of its own. The bytes come first, so that whoever knows the length needs nothing else to read them:
 *
 *     bytes      of the block
 *     4 × n      CRC-32 of each chunk of 64 KiB, the last of which may be shorter
 *     footer     36 bytes:
 *        0   8   inode id
 *        8   4   index
 *       12   4   generation
 *       16   8   length of the block
 *       24   4   bytes of a chunk
 *       28   4   magic "UBF", version 1
 *       32   4   CRC-32 of the checksums and of the footer before this
 *
 * All numbers are little-endian. It is written aside and renamed when it is whole, and never changes: its length and name are known to those
 * who open it, and held against the footer.
 */
import { crc32 } from 'node:zlib';
import { isError, UnderstudyError } from '../base/errors.js';
import { errnoOf, type Files, type MemoryFiles, type OpenFile } from '../base/files.js';
import { needsVersion } from '../base/needs-version.js';
import { pieceMemory } from '../base/piece-memory.js';
import { type BlockId, blockName } from './block-id.js';
import { CHUNK_BYTES, type Piece } from './block-store.js';
import { chunksOf, firstDamagedChunk } from './chunk-checksums.js';

const FOOTER_BYTES = 36;
const MAGIC = Buffer.from('UBF');
const VERSION = 1;
/** A piece that is read at once. */
const PIECE_BYTES = 1 << 20;

/** @returns bytes of the file of a block of this length. */
export function blockFileBytes(length: number): number {
  return length + 4 * chunksOf(length) + FOOTER_BYTES;
}

/** @returns what follows the bytes of the block in its file. @param crcs of its chunks, in order. */
export function encodeTail({ inodeId, index, generation }: BlockId, length: number, crcs: readonly number[]): Buffer {
  const tail = Buffer.allocUnsafe(4 * crcs.length + FOOTER_BYTES);
  let at = 0;
  for (const crc of crcs) at = tail.writeUInt32LE(crc, at);
  at = tail.writeBigUInt64LE(BigInt(inodeId), at);
  at = tail.writeUInt32LE(index, at);
  at = tail.writeUInt32LE(generation, at);
  at = tail.writeBigUInt64LE(BigInt(length), at);
  at = tail.writeUInt32LE(CHUNK_BYTES, at);
  at += MAGIC.copy(tail, at);
  at = tail.writeUInt8(VERSION, at);
  tail.writeUInt32LE(crc32(tail.subarray(0, at)), at);
  return tail;
}

/** @returns the checksums of the chunks. @throws `corrupt`: it is not whole, or another block's; `failed_precondition`: of a later version. */
function decodeTail(tail: Buffer, id: BlockId, length: number, filePath: string): Uint32Array {
  const footer = tail.length - FOOTER_BYTES;
  if (!tail.subarray(footer + 28, footer + 31).equals(MAGIC)) throw damaged('it has no footer', filePath, length);
  if (crc32(tail.subarray(0, footer + 32)) !== tail.readUInt32LE(footer + 32)) throw damaged('its footer is damaged', filePath, length);
  const version = tail.readUInt8(footer + 31);
  if (version !== VERSION) throw needsVersion('block file', version, VERSION, `file=${filePath}`);
  const found = encodeTail(id, length, []).compare(tail, footer, footer + 32, 0, 32);
  if (found !== 0) throw damaged(`it is not that of ${blockName(id)}`, filePath, length);
  const crcs = new Uint32Array(footer / 4);
  for (let chunk = 0; chunk < crcs.length; chunk++) crcs[chunk] = tail.readUInt32LE(4 * chunk);
  return crcs;
}

/** A block's file, open for reading. Calls may overlap, `close` with none. */
export class BlockFile implements AsyncDisposable {
  readonly path: string;
  readonly id: BlockId;
  /** Of the block. */
  readonly bytes: number;
  /** The whole of a block that is no longer than a chunk, which came with the footer, or else the file. */
  readonly #contents: Buffer | OpenFile;
  readonly #crcs: Uint32Array;

  private constructor(filePath: string, id: BlockId, bytes: number, contents: Buffer | OpenFile, crcs: Uint32Array) {
    this.path = filePath;
    this.id = id;
    this.bytes = bytes;
    this.#contents = contents;
    this.#crcs = crcs;
  }

  /**
   * @param bytes length of the block. @param memory where the file lies in memory.
   * @throws `corrupt`: the file is damaged, or not that block's. @throws `unavailable`: it cannot be read; with ENOENT: it is not there.
   */
  static async open(files: Files, filePath: string, id: BlockId, bytes: number, memory?: MemoryFiles): Promise<BlockFile> {
    if (bytes <= CHUNK_BYTES && memory !== undefined) {
      return BlockFile.#small(filePath, id, bytes, readAtOnce(memory, filePath, blockFileBytes(bytes)));
    }
    const file = await files.open(filePath);
    try {
      const from = bytes <= CHUNK_BYTES ? 0 : bytes;
      const read = Buffer.allocUnsafeSlow(blockFileBytes(bytes) - from);
      await readWhole(file, read, from);
      if (from > 0) return new BlockFile(filePath, id, bytes, file, decodeTail(read, id, bytes, filePath));
      await file.close();
      return BlockFile.#small(filePath, id, bytes, read);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  static #small(filePath: string, id: BlockId, bytes: number, whole: Buffer): BlockFile {
    return new BlockFile(filePath, id, bytes, whole.subarray(0, bytes), decodeTail(whole.subarray(bytes), id, bytes, filePath));
  }

  /**
   * The chunks that hold [offset, offset + length), in pieces of up to 1 MiB; one is read ahead. Their buffers are the receiver's.
   *
   * @throws `corrupt`: a chunk does not fit its checksum. @throws `unavailable`: it cannot be read.
   */
  async *pieces(offset: number, length: number): AsyncGenerator<Piece, void, undefined> {
    const end = Math.min(this.bytes, chunksOf(offset + length) * CHUNK_BYTES);
    let at = Math.floor(offset / CHUNK_BYTES) * CHUNK_BYTES;
    let next = this.#readAhead(at, end);
    try {
      while (at < end) {
        const bytes = await next;
        const piece = this.#checked(at, bytes);
        at += bytes.length;
        next = this.#readAhead(at, end);
        yield piece;
      }
    } finally {
      await next.catch(() => {}); // nobody wants it; the file must not be closed before
    }
  }

  async close(): Promise<void> {
    if (!(this.#contents instanceof Uint8Array)) await this.#contents.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #readAhead(at: number, end: number): Promise<Uint8Array> {
    const reading = this.#read(at, Math.min(PIECE_BYTES, end - at));
    reading.catch(() => {}); // it is told to who waits for it
    return reading;
  }

  async #read(at: number, count: number): Promise<Uint8Array> {
    if (count <= 0) return new Uint8Array(0);
    if (this.#contents instanceof Uint8Array) return new Uint8Array(this.#contents);
    const bytes = pieceMemory.take(count);
    await readWhole(this.#contents, bytes, at);
    return bytes;
  }

  #checked(offset: number, bytes: Uint8Array): Piece {
    const first = offset / CHUNK_BYTES;
    const crcs = this.#crcs.subarray(first, first + chunksOf(bytes.length));
    const chunk = firstDamagedChunk(bytes, crcs);
    if (chunk !== undefined) throw damaged('a chunk does not fit its checksum', this.path, offset + chunk * CHUNK_BYTES);
    return { offset, bytes, crcs: Array.from(crcs) };
  }
}

/** @throws `corrupt`: the file ends before. */
async function readWhole(file: OpenFile, buffer: Uint8Array, position: number): Promise<void> {
  try {
    await file.readExactly(buffer, position);
  } catch (error) {
    throw tooShort(error, file.path, position);
  }
}

/** @throws likewise. */
function readAtOnce(memory: MemoryFiles, filePath: string, bytes: number): Buffer {
  try {
    return memory.read(filePath, bytes);
  } catch (error) {
    throw tooShort(error, filePath, 0);
  }
}

/** @returns what to tell of a read that failed. */
function tooShort(error: unknown, filePath: string, position: number): unknown {
  const isShort = isError(error, 'unavailable') && errnoOf(error) === undefined;
  return isShort ? damaged('it is too short', filePath, position, error) : error;
}

function damaged(what: string, filePath: string, offset: number, cause?: unknown): UnderstudyError {
  return new UnderstudyError('corrupt', `a block's file is damaged: ${what}: file=${filePath} offset=${offset}`, { cause });
}
