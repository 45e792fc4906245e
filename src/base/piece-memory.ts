/**
 * Memory for pieces of about a mebibyte, used again. New memory for each costs a page fault for every 4 KiB, and collections of the whole
 * heap: those go by the bytes that are held outside of it.
 *
 * Whoever is the last to use a piece may give its memory back; what is not given back is collected like any other. So nobody has to, and
 * where two might use it nobody does.
 */
/** A piece and the message around it. */
const ROOM_BYTES = 1024 * 1024 + 4096;
/** Kept beside what is in use, for good: about one block of the usual size. */
const KEPT_MAX = 64;

class PieceMemory {
  readonly #kept: ArrayBuffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** @returns `bytes` of memory with any contents; such as is used again where they take more than half of it. */
  take(bytes: number): Uint8Array {
    if (bytes > ROOM_BYTES || bytes <= ROOM_BYTES / 2) return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
    const memory = this.#kept.pop() ?? (Buffer.allocUnsafeSlow(ROOM_BYTES).buffer as ArrayBuffer);
    this.#lent.add(memory);
    return new Uint8Array(memory, 0, bytes);
  }

  /** Takes back the memory that `bytes` lie in: nobody, sockets included, uses any of it any more. Does nothing with other memory. */
  give({ buffer }: Uint8Array): void {
    // One that was transferred to another thread has no bytes any more.
    if (this.#lent.delete(buffer) && buffer.byteLength === ROOM_BYTES && this.#kept.length < KEPT_MAX)
      this.#kept.push(buffer as ArrayBuffer);
  }
}

/** Of this thread. */
export const pieceMemory = new PieceMemory();
