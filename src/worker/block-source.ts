/**
 * Whole blocks, from this worker's store or from other workers that hold them: to be copied, or written to mounted storage.
 */
import { encodeMessage } from '../base/encode-message.js';
import { isError, UnderstudyError } from '../base/errors.js';
import { throwIfAborted } from '../base/wait.js';
import { type BlockId, blockName } from '../blocks/block-id.js';
import type { BlockStore, Piece } from '../blocks/block-store.js';
import { dataOperations } from '../blocks/data-operations.js';
import { checkPiece, pieceIn } from '../blocks/pieces.js';
import type { WorkerConnections } from '../client/data/worker-connections.js';

export interface BlockSourceDeps {
  readonly store: BlockStore;
  readonly connections: WorkerConnections;
}

const READ_TIMEOUT_MS = 60_000;
const { readBlock } = dataOperations;

/**
 * In order, each held against its checksums. A worker that fails in the middle is left for the next one.
 *
 * @throws `unavailable`: nobody gives it; as `signal` was aborted.
 */
export async function* wholeBlock(
  { store, connections }: BlockSourceDeps,
  id: BlockId,
  length: number,
  workers: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Piece, void, undefined> {
  let at = 0;
  let cause: unknown;
  const sources = [
    () => fromStore(store, id, at, length),
    ...workers.map((address) => async () => {
      const connection = await connections.open(address, signal);
      const request = { block: id, offset: at, length: length - at };
      const body = encodeMessage(readBlock.request, request);
      return checked(connection.stream(readBlock.method, body, { timeoutMs: READ_TIMEOUT_MS, signal }));
    }),
  ];
  for (const source of sources) {
    if (at >= length) return;
    try {
      for await (const piece of await source()) {
        if (piece.offset !== at) throw new UnderstudyError('unavailable', `a piece of a block is missing: offset=${at}`);
        yield piece;
        at += piece.bytes.length;
      }
    } catch (error) {
      throwIfAborted(signal);
      if (!isError(error)) throw error;
      cause = error;
    }
  }
  if (at >= length) return;
  const values = `block=${blockName(id)} workers=${workers.join(',')}`;
  throw new UnderstudyError('unavailable', `a block cannot be read from any worker: ${values}`, { cause });
}

async function fromStore(store: BlockStore, id: BlockId, at: number, length: number): Promise<AsyncIterable<Piece>> {
  const reader = await store.open(id);
  return closing(reader, reader.pieces(at, length - at));
}

async function* closing(reader: AsyncDisposable, pieces: AsyncIterable<Piece>): AsyncGenerator<Piece, void, undefined> {
  await using _reader = reader;
  yield* pieces;
}

async function* checked(bodies: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void, undefined> {
  for await (const body of bodies) {
    const piece = pieceIn(readBlock.response.decode(body));
    checkPiece(piece);
    yield piece;
  }
}
