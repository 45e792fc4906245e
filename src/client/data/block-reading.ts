/**
 * Reads parts of one block: from this host's worker's file, over a connection, from whoever holds it; what fails or is damaged is read
 * elsewhere, and where nobody gives it the masters are asked anew, for a bounded time.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../../base/encode-message.js';
import { isError, UnderstudyError } from '../../base/errors.js';
import { orAborted, sleep, throwIfAborted } from '../../base/wait.js';
import { blockName } from '../../blocks/block-id.js';
import type { Piece } from '../../blocks/block-store.js';
import { dataOperations } from '../../blocks/data-operations.js';
import { checkPiece, pieceIn } from '../../blocks/pieces.js';
import type { BlockLocation } from '../block-locations.js';
import { type Part, partsOf } from './block-part.js';
import type { DataAccess } from './data-access.js';
import type { WorkerConnection } from './worker-connections.js';

/** First pause before the masters are asked anew; doubles with each time. */
const RETRY_BASE_MS = 20;
const RETRY_MAX_MS = 1_000;

const { readBlock } = dataOperations;

export interface BlockReadingDeps {
  readonly access: DataAccess;
  /** @returns where the block is; asked anew after it could not be had. */
  locate(anew: boolean): Promise<BlockLocation>;
  /** How any worker fetches it from mounted storage; undefined: it stands in none. */
  under(block: BlockLocation): UnderSource | undefined;
  /** It came from one that nobody had told of: it may be there now. */
  fetched(block: BlockLocation, workers: readonly string[]): void;
}

/** What a worker is told that may not have the block. */
export type UnderSource = Required<Pick<understudy.ReadBlockRequest.$Properties, 'under' | 'readType'>>;

/**
 * @returns the part, in runs of bytes.
 * @throws `unavailable`: no worker gives it; `failed_precondition`: it has changed in mounted storage; as `signal` was aborted; as `locate`.
 */
export async function readPart(deps: BlockReadingDeps, part: Part, signal: AbortSignal): Promise<Uint8Array[]> {
  const { access } = deps;
  const { clock, settings } = access;
  const endMs = clock.monotonicMs() + settings.readRetryMs;
  let last: unknown;
  for (let pauseMs = RETRY_BASE_MS, anew = false; ; pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS), anew = true) {
    const block = await deps.locate(anew);
    const under = deps.under(block);
    const holders = access.inOrder(block.workers);
    const fetchers = under !== undefined && (anew || holders.length === 0) ? await fetchersOf(access, block, anew, signal) : [];
    for (const address of [...holders, ...fetchers]) {
      try {
        const bytes = await readFrom(access, await access.connections.open(address, signal), block, part, under, signal);
        if (fetchers.includes(address) && under?.readType !== 'NO_CACHE') deps.fetched(block, [address]);
        return bytes;
      } catch (error) {
        throwIfAborted(signal);
        throwIfAborted(access.life);
        if (!isError(error) || error.code === 'failed_precondition') throw error;
        last = error;
      }
    }
    if (clock.monotonicMs() + pauseMs > endMs) throw unread(block, last);
    await sleep(clock, pauseMs, signal);
  }
}

/** @returns workers that do not hold the block: this host's first, the others in an order that all readers of the block have. */
async function fetchersOf(access: DataAccess, block: BlockLocation, anew: boolean, signal: AbortSignal): Promise<readonly string[]> {
  const others = (await orAborted(access.workers(anew), signal))
    .map(({ address }) => address)
    .filter((each) => !block.workers.includes(each));
  const first = others.length === 0 ? 0 : (block.inodeId + block.index) % others.length;
  const sorted = others.sort();
  const turned = [...sorted.slice(first), ...sorted.slice(0, first)];
  const rank = (address: string) => (access.connections.isSuspect(address) ? 2 : 0) + (access.isLocal(address) ? 0 : 1);
  return turned.sort((one, other) => rank(one) - rank(other));
}

async function readFrom(
  access: DataAccess,
  connection: WorkerConnection,
  block: BlockLocation,
  part: Part,
  under: UnderSource | undefined,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const { local, settings } = access;
  if (local !== undefined && block.length >= settings.shortCircuitBytesMin && access.isLocal(connection.address)) {
    const parts = await local.read(connection, block, part);
    if (parts !== undefined) return parts;
  }
  const { inodeId, index, generation } = block;
  const request = { block: { inodeId, index, generation }, offset: part.from, length: part.to - part.from };
  const body = encodeMessage(readBlock.request, { ...request, ...under });
  return partsOf(received(connection.stream(readBlock.method, body, { timeoutMs: settings.workerTimeoutMs, signal })), part);
}

/** @throws `corrupt`: a chunk does not fit its checksum. */
async function* received(bodies: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void, undefined> {
  for await (const body of bodies) {
    const piece = pieceIn(understudy.BlockPiece.decode(body));
    checkPiece(piece);
    yield piece;
  }
}

function unread(block: BlockLocation, cause: unknown): UnderstudyError {
  const why = isError(cause) ? cause.message : 'no worker holds it';
  const values = `block=${blockName(block)} workers=${block.workers.join(',')} reason=${why}`;
  return new UnderstudyError('unavailable', `a block cannot be read from any worker: ${values}`, { cause });
}
