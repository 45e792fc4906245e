/** Blocks for tests: bytes that tell where they are, written and read through the seam. */
import { type BlockId, blockName } from '../../src/blocks/block-id.js';
import { type BlockReader, type BlockStore, CHUNK_BYTES, type CreateOptions, type StoredBlock } from '../../src/blocks/block-store.js';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';

export const blockId = (inodeId: number, index = 0, generation = 1): BlockId => ({ inodeId, index, generation });

/** @returns the bytes that tests give the block: others for each name. */
export function contentsOf(id: BlockId, length: number): Buffer {
  const pattern = Buffer.from(`${blockName(id)} `);
  const bytes = Buffer.alloc(length, pattern);
  for (let at = 0; at + 4 <= length; at += 4096) bytes.writeUInt32LE(at, at);
  return bytes;
}

export async function writeBlock(
  store: BlockStore,
  id: BlockId,
  bytes: Uint8Array,
  options: Partial<CreateOptions> & { readonly pieceBytes?: number } = {},
): Promise<StoredBlock> {
  const { pieceBytes = 4 * CHUNK_BYTES, ...create } = options;
  const writer = await store.create(id, { bytesMax: bytes.length, ...create });
  try {
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
      const piece = bytes.subarray(offset, offset + pieceBytes);
      await writer.write({ offset, bytes: piece, crcs: checksumsOf(piece) });
    }
    return await writer.seal(bytes.length);
  } finally {
    await writer.drop();
  }
}

/** @returns the bytes of [offset, offset + length). */
export async function readFrom(reader: BlockReader, offset = 0, length = reader.block.bytes - offset): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of reader.pieces(offset, length)) {
    const from = Math.max(0, offset - piece.offset);
    parts.push(piece.bytes.subarray(from, Math.max(from, offset + length - piece.offset)));
  }
  return Buffer.concat(parts);
}

export async function readBlock(store: BlockStore, id: BlockId): Promise<Buffer> {
  await using reader = await store.open(id);
  return await readFrom(reader);
}
