/**
 * Reads a checkpoint's bytes, and believes nothing that does not add up: each block's checksum, the order of the keys, the digest of the
 * rows, their number, the SHA-256 of all of it, and its end.
 */
import { createHash } from 'node:crypto';
import { asError, UnderstudyError } from '../base/errors.js';
import type { KvRows } from '../kv/kv-store.js';
import {
  BLOCK_HEADER_BYTES,
  type BlockHeader,
  blockBody,
  type CheckpointHead,
  damaged,
  decodeBlockHeader,
  decodeEnd,
  decodeHead,
  decodeRows,
} from './checkpoint-format.js';
import { DigestSum, sameDigest } from './digest.js';
import { STATE_RANGE } from './keys.js';

interface Block extends BlockHeader {
  readonly body: Buffer;
  readonly bytes: Buffer;
}

export class CheckpointReader implements AsyncDisposable {
  readonly head: CheckpointHead;
  readonly #source: ByteSource;
  readonly #sha = createHash('sha256');

  /** @throws `corrupt`. @throws `failed_precondition` (`needs version`). @throws what `chunks` throws. */
  static async open(chunks: AsyncIterable<Uint8Array>): Promise<CheckpointReader> {
    const source = new ByteSource(chunks);
    try {
      const block = await nextBlock(source);
      if (block.kind !== 'head') throw at(0, damaged('it does not begin with a head'));
      return new CheckpointReader(source, block);
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  private constructor(source: ByteSource, block: Block) {
    this.#source = source;
    this.head = decodeHead(block.body, block.count);
    this.#sha.update(block.bytes);
  }

  /**
   * Yields all rows in key order, once, in chunks of some thousands; they are nobody's to change. What was yielded counts only when this ends
   * without an error.
   *
   * @throws `corrupt`: it is damaged, and names the offset. @throws what the source throws.
   */
  async *rows(): AsyncGenerator<KvRows> {
    const sum = new DigestSum();
    let count = 0;
    let last: Uint8Array = STATE_RANGE.gte;
    for (;;) {
      const offset = this.#source.offset;
      const block = await nextBlock(this.#source);
      try {
        if (block.kind === 'head') throw damaged('a second head');
        if (block.kind === 'end') {
          this.#checkEnd(block, count, sum);
          break;
        }
        const rows = decodeRows(block.body, block.count);
        last = checkOrder(rows, last);
        for (const [key, value] of rows) sum.add(key, value);
        count += rows.length;
        this.#sha.update(block.bytes);
        yield rows;
      } catch (error) {
        throw at(offset, error);
      }
    }
    if (!(await this.#source.isAtEnd())) throw at(this.#source.offset, damaged('more follows its end'));
  }

  /** Lets go of the source. Idempotent. */
  close(): Promise<void> {
    return this.#source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkEnd(block: Block, count: number, sum: DigestSum): void {
    const { rows, sha256 } = decodeEnd(block.body);
    if (rows !== count) throw damaged(`${rows} rows were written and ${count} are there`);
    if (!this.#sha.digest().equals(sha256)) throw damaged('the SHA-256 of all of it is wrong');
    if (!sameDigest(sum.value(), this.head.digest)) throw damaged('the digest of its rows is wrong');
  }
}

/** @returns the last key. @throws `corrupt` where keys do not ascend, or are none of the state's. */
function checkOrder(rows: KvRows, before: Uint8Array): Uint8Array {
  let last = before;
  for (const [key] of rows) {
    if (Buffer.compare(last, key) >= 0) throw damaged('its rows are not in order');
    last = key;
  }
  if (Buffer.compare(last, STATE_RANGE.lt) >= 0) throw damaged('it holds a row that is none of the state');
  return last;
}

async function nextBlock(source: ByteSource): Promise<Block> {
  const { offset } = source;
  try {
    const header = decodeBlockHeader(await source.peek(BLOCK_HEADER_BYTES));
    const bytes = await source.take(BLOCK_HEADER_BYTES + header.storedBytes);
    return { ...header, bytes, body: blockBody(bytes, header) };
  } catch (error) {
    throw at(offset, error);
  }
}

/** Names the place in the file where `error` shows, if it is about the file. */
function at(offset: number, thrown: unknown): UnderstudyError {
  const error = asError(thrown);
  if (error.code !== 'corrupt' || error.message.includes(' offset=')) return error;
  return new UnderstudyError('corrupt', `${error.message} offset=${offset}`, { cause: error.cause });
}

/** Exact numbers of bytes out of chunks of any size. Holds one request's bytes and one chunk at most. */
class ByteSource {
  offset = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #kept: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @returns the next `count` bytes, without passing them. @throws `corrupt` where there are fewer. */
  async peek(count: number): Promise<Buffer> {
    await this.#fill(count);
    if (this.#kept.length < count) throw damaged('it is cut off');
    return this.#kept.subarray(0, count);
  }

  /** As `peek`, and passes them. */
  async take(count: number): Promise<Buffer> {
    const bytes = await this.peek(count);
    this.#kept = this.#kept.subarray(count);
    this.offset += count;
    return bytes;
  }

  async isAtEnd(): Promise<boolean> {
    await this.#fill(1);
    return this.#kept.length === 0;
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#chunks.return?.();
  }

  async #fill(count: number): Promise<void> {
    if (this.#kept.length >= count) return;
    const parts: Uint8Array[] = [this.#kept];
    for (let length = this.#kept.length; length < count && !this.#ended; ) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else {
        parts.push(next.value);
        length += next.value.length;
      }
    }
    this.#kept = Buffer.concat(parts);
  }
}
