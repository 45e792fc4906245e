/**
 * The checksum of a file as HDFS tells it, so that a file there and one here can be compared without moving them: `MD5-of-<n>MD5-of-512CRC32`.
 *
 * CRC-32 of every 512 bytes; MD5 of those of a block, big-endian; MD5 of those of all blocks. HDFS takes the last MD5 over its buffer, zeros behind
 * what was written among it (`DataOutputBuffer.getData`, of 32 bytes and twice as much each time it is full), and so does this.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export interface HadoopChecksum {
  /** `MD5-of-0MD5-of-512CRC32`; the first number says how many checksums a block has, where there are several blocks. */
  readonly algorithm: string;
  /** In hexadecimal: bytes of a checksum (4), checksums of a block (8), MD5 (16). */
  readonly bytes: string;
  readonly length: number;
}

const BYTES_PER_CRC = 512;
const BUFFER_BYTES = 32;
const MD5_BYTES = 16;

/** @param runs the file's bytes in order. @param blockBytes a multiple of 512. */
export async function hadoopChecksum(runs: AsyncIterable<Uint8Array>, blockBytes: number): Promise<HadoopChecksum> {
  const sum = new FileSum(blockBytes);
  for await (const run of runs) sum.add(run);
  return sum.end();
}

class FileSum {
  readonly #blockBytes: number;
  readonly #blocks: Buffer[] = [];
  #block = createHash('md5');
  #blockLength = 0;
  /** Of the chunk that is not full yet. */
  #crc = 0;
  #chunkLength = 0;

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  add(run: Uint8Array): void {
    const crcs: number[] = [];
    for (let at = 0; at < run.length; ) {
      const room = Math.min(BYTES_PER_CRC - this.#chunkLength, this.#blockBytes - this.#blockLength);
      const part = run.subarray(at, at + room);
      this.#crc = crc32(part, this.#crc);
      this.#chunkLength += part.length;
      this.#blockLength += part.length;
      at += part.length;
      if (this.#chunkLength === BYTES_PER_CRC || this.#blockLength === this.#blockBytes) this.#endChunk(crcs);
      if (this.#blockLength === this.#blockBytes) {
        this.#put(crcs.splice(0));
        this.#endBlock();
      }
    }
    this.#put(crcs);
  }

  end(): HadoopChecksum {
    const crcs: number[] = [];
    if (this.#chunkLength > 0) this.#endChunk(crcs);
    this.#put(crcs);
    if (this.#blockLength > 0) this.#endBlock();
    const crcsPerBlock = this.#blocks.length > 1 ? this.#blockBytes / BYTES_PER_CRC : 0;
    const md5s = Buffer.concat(this.#blocks);
    const head = Buffer.alloc(12);
    // HDFS has a fixed one for what has no blocks.
    const bytesPerCrc = this.#blocks.length > 0 ? BYTES_PER_CRC : 0;
    head.writeInt32BE(bytesPerCrc, 0);
    head.writeBigInt64BE(BigInt(crcsPerBlock), 4);
    const md5 = createHash('md5').update(asBuffered(md5s)).digest();
    const bytes = Buffer.concat([head, md5]);
    return { algorithm: `MD5-of-${crcsPerBlock}MD5-of-${bytesPerCrc}CRC32`, bytes: bytes.toString('hex'), length: bytes.length };
  }

  #endChunk(crcs: number[]): void {
    crcs.push(this.#crc);
    this.#crc = 0;
    this.#chunkLength = 0;
  }

  #put(crcs: readonly number[]): void {
    if (crcs.length === 0) return;
    const bytes = Buffer.allocUnsafe(4 * crcs.length);
    for (const [at, crc] of crcs.entries()) bytes.writeUInt32BE(crc, 4 * at);
    this.#block.update(bytes);
  }

  #endBlock(): void {
    this.#blocks.push(this.#block.digest());
    this.#block = createHash('md5');
    this.#blockLength = 0;
  }
}

function asBuffered(md5s: Buffer): Buffer {
  let size = BUFFER_BYTES;
  for (let written = MD5_BYTES; written <= md5s.length; written += MD5_BYTES) if (written > size) size = Math.max(2 * size, written);
  return Buffer.concat([md5s], size);
}
