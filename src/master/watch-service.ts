/**
 * Serves `watch`: from any master, whatever its role. What a watcher is told depends on committed entries alone; where it begins, and whether
 * it may, is an answer like others, which on a leader waits until all that it saw is committed (I6).
 */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import { abortError } from '../base/wait.js';
import { type ChainPoint, GENESIS } from '../journal/journal.js';
import { checkMayWatch, mayWatch } from '../metadata/change-events.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import { checkCount, checkPrincipal, type NamespaceSettings, type QueryContext } from '../metadata/plan.js';
import { refusal } from '../metadata/refusals.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';
import { ChangeSource, type ChangeSourceDeps } from './change-source.js';
import { behindOldest, ChangeStream, type Watched } from './change-stream.js';
import { rebuilding, type Served } from './namespace-service.js';
import type { Replica } from './replica.js';

export interface WatchServiceDeps extends ChangeSourceDeps {
  readonly served: Pick<Served, 'replica' | 'leadership' | 'applied' | 'identities'>;
  readonly settings: NamespaceSettings;
}

const WATCHERS_MAX = 256;
/** A standby that has not come so far within this sends the watcher elsewhere. */
const CATCH_UP_MS = 5_000;

export class WatchService {
  readonly #deps: WatchServiceDeps;
  #source: ChangeSource | null = null;
  #watchers = 0;

  constructor(deps: WatchServiceDeps) {
    this.#deps = deps;
  }

  /** The handlers by method number. */
  methods(): ReadonlyMap<number, CallHandler> {
    return new Map<number, CallHandler>([[operations.watch.method, (call) => this.#watch(call)]]);
  }

  async #watch(call: ServerCall): Promise<void> {
    const request = decodeRequest(operations.watch.request, call.body);
    // Another master may have room.
    if (this.#watchers >= WATCHERS_MAX)
      throw new UnderstudyError('unavailable', `this master has too many watchers: watchers=${this.#watchers}`);
    this.#watchers += 1;
    try {
      const { replica, watched } = await this.#begin(request, call);
      await replica.during(call.signal, async (signal) => {
        await new ChangeStream(call, watched, this.#sourceOf(replica)).run(signal);
        throw call.signal.aborted ? abortError(call.signal) : rebuilding();
      });
    } finally {
      this.#watchers -= 1;
    }
  }

  /** @throws EACCES, EINVAL, ENOENT: no such cursor; `out_of_range`; `unavailable`, `not_leader`. */
  async #begin(request: understudy.WatchRequest, call: ServerCall): Promise<{ replica: Replica; watched: Watched }> {
    const { served, settings } = this.#deps;
    const fromSn = checkCount(request.fromSn, 'from_sn');
    const identity = await served.identities.identify(checkPrincipal(request.user || 'nobody', 'user'));
    if (served.leadership === null && fromSn > 1) await this.#reached(fromSn - 1, call.signal);
    const { replica, leadership } = served;
    if (replica === null) throw rebuilding();
    if (!replica.state.hasRoot()) throw new UnderstudyError('unavailable', 'this master has nothing of the namespace yet');
    const look = (): Watched => {
      try {
        return begin(request, replica, leadership !== null, { identity, settings });
      } catch (error) {
        throw replica.checked(error);
      }
    };
    if (leadership === null) return { replica, watched: look() };
    let watched: Watched | null = null;
    let error: unknown;
    try {
      watched = look();
    } catch (thrown) {
      error = thrown;
    }
    await new Promise<void>((resolve, reject) => leadership.release((refused) => (refused === null ? resolve() : reject(refused))));
    if (watched === null) throw error;
    return { replica, watched };
  }

  #reached(sn: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#deps.served.applied.wait(sn, { signal, waitMs: CATCH_UP_MS }, (refused) => (refused === null ? resolve() : reject(refused)));
    });
  }

  /** One for all that watch the same replica. */
  #sourceOf(replica: Replica): ChangeSource {
    if (this.#source?.replica !== replica) this.#source = new ChangeSource(replica, this.#deps);
    return this.#source;
  }
}

/** Where a watcher begins, as the state is now. */
function begin(request: understudy.WatchRequest, replica: Replica, leads: boolean, context: QueryContext): Watched {
  const { state } = replica;
  const cursor = request.cursor === '' ? null : state.cursors.get(request.cursor);
  if (request.cursor !== '' && cursor === null)
    throw refusal('ENOENT', 'no such cursor', request.path, `cursor=${JSON.stringify(request.cursor)}`);
  const path = checkMayWatch(request.path || (cursor?.path ?? ''), state, context);
  const fromSn = cursor === null ? request.fromSn || state.sn + 1 : cursor.sn + 1;
  if (leads && fromSn > state.sn + 1) {
    throw new UnderstudyError('out_of_range', `the journal does not go so far: from_sn=${fromSn} newest=${state.sn}`);
  }
  return { path, fromSn, start: startBefore(fromSn, replica), maySee: context.identity.isSuperuser ? null : sight(replica, context) };
}

function sight(replica: Replica, context: QueryContext): (place: string) => boolean {
  return (place) => {
    try {
      return mayWatch(place, replica.state, context);
    } catch (error) {
      throw replica.checked(error);
    }
  };
}

/** @returns the newest place before the entry that is known. @throws `out_of_range`. */
function startBefore(fromSn: number, { state, recent, end }: Replica): ChainPoint {
  if (fromSn > end.sn) return end;
  const inMemory = recent.before(fromSn);
  if (inMemory !== null) return inMemory;
  const { checkpoints, boundarySn, boundaryHash } = state.retention();
  const boundary = boundarySn === 0 ? GENESIS : { sn: sequence(boundarySn), hash: boundaryHash };
  if (boundary.sn >= fromSn) throw behindOldest(fromSn, boundary.sn + 1);
  // Newest first.
  const found = checkpoints.find(({ sn }) => sn < fromSn && sn > boundary.sn);
  return found === undefined ? boundary : { sn: sequence(found.sn), hash: found.hash };
}
