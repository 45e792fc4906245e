/**
 * Has workers give up the blocks of a file that mounted storage has, too: when an operator or a program wants their room. Of the leader.
 *
 * Which copies there are is looked up first, some blocks in each turn of the event loop. Only then it is confirmed that the file is the one that was
 * persisted before: what is appended later has blocks of another generation, and none of those that were found.
 */
import type { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../../base/encode-message.js';
import { UnderstudyError } from '../../base/errors.js';
import type { BlockId } from '../../blocks/block-id.js';
import { checkAccess, WRITE } from '../../metadata/access.js';
import { blocksWithin } from '../../metadata/extents.js';
import { decodeRequest } from '../../metadata/operation.js';
import { operations } from '../../metadata/operations.js';
import { checkPrincipal, type NamespaceSettings, type QueryContext, resolveExisting } from '../../metadata/plan.js';
import { type Inode, PERSISTENCE } from '../../metadata/records.js';
import { refusal } from '../../metadata/refusals.js';
import type { State } from '../../metadata/state.js';
import type { CallHandler } from '../../rpc/rpc.js';
import { confirmed } from '../confirmed.js';
import type { Served } from '../namespace-service.js';
import { isPartQueued } from '../persisted-parts.js';
import type { KnownWorker } from './known-worker.js';
import type { WorkerRoster } from './worker-roster.js';

/** Of one file. */
const BLOCKS_MAX = 65_536;
/** Found copies that wait for being confirmed. */
const FOUND_MAX = 16_384;

/** @returns the handlers by method number. */
export function freeMethods(master: Served, settings: NamespaceSettings): ReadonlyMap<number, CallHandler> {
  const { method, request, response } = operations.free;
  return new Map<number, CallHandler>([
    [
      method,
      async (call) => {
        const { path, forced, user } = decodeRequest(request, call.body);
        const identity = await master.identities.identify(checkPrincipal(user || 'nobody', 'user'));
        const { leadership } = master;
        if (leadership === null) throw master.notLeader();
        const look = (): Inode => {
          if (master.leadership !== leadership || master.replica === null) throw master.notLeader();
          return givenUp(path, forced, master.replica.state, { identity, settings });
        };
        const inode = look();
        const confirm = async () => {
          await confirmed(leadership, call.signal);
          const { id, generation } = look();
          if (id === inode.id && generation === inode.generation) return;
          throw new UnderstudyError('unavailable', `another file is there by now, or other contents: path=${path}`, { path });
        };
        call.reply(encodeMessage(response, await giveUp(inode, master.workers, confirm)));
      },
    ],
  ]);
}

/** @returns the file whose blocks may be given up. @throws why not. */
function givenUp(path: string, forced: boolean, state: State, context: QueryContext): Inode {
  const { inode } = resolveExisting(path, state, context);
  if (inode.directory) throw refusal('EISDIR', 'the blocks of one file are given up, not of a directory', path);
  checkAccess(inode, context.identity, WRITE, path);
  checkGivenUp(inode, forced, path);
  if (isPartQueued(inode.id, state)) {
    throw new UnderstudyError('unavailable', `mounted storage does not have the file yet: path=${path}`, { path });
  }
  return inode;
}

/** @throws `failed_precondition`. */
function checkGivenUp(inode: Inode, forced: boolean, path: string): void {
  const refuse = (why: string) => new UnderstudyError('failed_precondition', `${why}: path=${path}`, { path });
  if (!inode.complete) throw refuse('a file that is being written has its blocks nowhere else');
  if (inode.persistence !== PERSISTENCE.persisted) throw refuse('a file that mounted storage does not have has its blocks nowhere else');
  if (inode.more?.pinned === true && !forced) throw refuse('a pinned file keeps its blocks, unless it is forced');
}

type Found = Map<KnownWorker, BlockId[]>;

/** @param confirm resolves where all that was found before may go. @throws `unavailable`: a worker has too much to do. */
async function giveUp(inode: Inode, workers: WorkerRoster, confirm: () => Promise<void>): Promise<understudy.FreeResponse.$Properties> {
  const blocks = blocksWithin(inode, 0, Number.POSITIVE_INFINITY, BLOCKS_MAX);
  let [copies, bytes, waiting] = [0, 0, 0];
  let found: Found = new Map();
  let at = 0;
  do {
    const end = at + workers.blocksAtOnce;
    for (const worker of workers.list()) {
      if (worker.isLost) continue;
      const held = found.get(worker) ?? [];
      for (const { inodeId, index } of blocks.slice(at, end)) {
        for (const block of worker.blocks.every(inodeId, index)) {
          held.push(block.id);
          bytes += block.bytes;
          waiting += 1;
        }
      }
      found.set(worker, held);
    }
    at = end;
    if (waiting >= FOUND_MAX || at >= blocks.length) {
      await confirm();
      command(found, workers);
      copies += waiting;
      [found, waiting] = [new Map(), 0];
    }
    if (at < blocks.length) await workers.turn();
  } while (at < blocks.length);
  return { copies, bytes };
}

function command(found: Found, workers: WorkerRoster): void {
  for (const [worker, held] of found) {
    if (!workers.free(worker, held)) {
      throw new UnderstudyError('unavailable', `a worker has too many blocks to give up already: worker=${worker.address}`);
    }
  }
}
