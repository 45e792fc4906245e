/**
 * The methods by which the leader goes through whole trees of an under store: to load what it has, and to tell what differs.
 */

import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import { sleep } from '../base/wait.js';
import { checkAccess, EXECUTE, READ } from '../metadata/access.js';
import { mayWatch } from '../metadata/change-events.js';
import { pathTo } from '../metadata/inode-path.js';
import { ANY_LOOK } from '../metadata/load-need.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import { checkPrincipal, type NamespaceSettings, plainPath, resolveExisting } from '../metadata/plan.js';
import type { Inode } from '../metadata/records.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';
import { type Difference, findDifferences } from './check-consistency.js';
import { type MetadataLoader, newProgress } from './metadata-loader.js';
import type { Served } from './namespace-service.js';
import type { Replica } from './replica.js';
import { visitDirectories } from './visit-directories.js';

export interface LoadServiceDeps {
  readonly served: Served;
  readonly clock: Clock;
  readonly settings: NamespaceSettings;
}

interface Walk {
  readonly loader: MetadataLoader;
  readonly replica: Replica;
  readonly inode: Inode;
  /** @returns whether the caller may list the directory, and reach it. */
  maySee(directoryId: number): boolean;
}

/** Directories that are asked for at the same time. */
const PARALLEL = 8;
const TELL_INTERVAL_MS = 500;
/** Walks through trees that may go on at once. */
const WALKS_MAX = 8;
const DIFFERENCES_PER_ITEM = 500;
const WHAT_IT_IS = { children: false, recursive: false, ...ANY_LOOK };

export class LoadService {
  readonly #deps: LoadServiceDeps;
  #walks = 0;

  constructor(deps: LoadServiceDeps) {
    this.#deps = deps;
  }

  /** The handlers by method number. */
  methods(): ReadonlyMap<number, CallHandler> {
    return new Map<number, CallHandler>([
      [operations.loadMetadata.method, (call) => this.#walking(() => this.#load(call))],
      [operations.checkConsistency.method, (call) => this.#walking(() => this.#check(call))],
    ]);
  }

  async #walking(walk: () => Promise<void>): Promise<void> {
    if (this.#walks >= WALKS_MAX) {
      throw new UnderstudyError('resource_exhausted', `too many trees are being gone through already: walks=${this.#walks}`);
    }
    this.#walks += 1;
    try {
      await walk();
    } finally {
      this.#walks -= 1;
    }
  }

  async #load(call: ServerCall): Promise<void> {
    const { request: requestType, response } = operations.loadMetadata;
    const { path, recursive, force, user } = decodeRequest(requestType, call.body);
    const { loader, replica, inode } = await this.#begin(user, path);
    const progress = newProgress();
    const visit = (id: number) => (force || loader.isUnknown(id) ? loader.loadChildren(id, progress) : Promise.resolve());
    const load = async () => {
      if (inode.directory && recursive) await visitDirectories(inode.id, replica, PARALLEL, visit, call.signal);
      else if (inode.directory) await visit(inode.id);
      else if (force) await loader.load({ ...WHAT_IT_IS, path, after: loader.now().number });
    };
    await this.#telling(load(), () => call.item(encodeMessage(response, { ...progress, done: false })));
    await call.item(encodeMessage(response, { ...progress, done: true }));
    call.reply();
  }

  async #check(call: ServerCall): Promise<void> {
    const { request: requestType, response } = operations.checkConsistency;
    const { path, user } = decodeRequest(requestType, call.body);
    const { loader, replica, inode, maySee } = await this.#begin(user, path);
    const found: Difference[] = [];
    let looked = 0;
    let last = Promise.resolve();
    // Items go one after the other, whichever visit has them.
    const tell = (done: boolean) => {
      last = last.then(() => {
        const inconsistencies = found.splice(0, DIFFERENCES_PER_ITEM);
        return call.item(encodeMessage(response, { inconsistencies, looked, done: done && found.length === 0 }));
      });
      return last;
    };
    const visit = async (id: number) => {
      if (!maySee(id)) return;
      for await (const part of findDifferences(id, loader, replica, call.signal)) {
        looked += part.looked;
        found.push(...part.differences);
        while (found.length >= DIFFERENCES_PER_ITEM) await tell(false);
      }
    };
    if (inode.directory) {
      await this.#telling(visitDirectories(inode.id, replica, PARALLEL, visit, call.signal), () => tell(false));
    }
    do await tell(true);
    while (found.length > 0);
    call.reply();
  }

  /** @throws as `resolveExisting`; EACCES; `not_leader`. */
  async #begin(user: string, path: string): Promise<Walk> {
    const { served, settings } = this.#deps;
    const { loader, replica } = served;
    if (loader === null || replica === null) throw served.notLeader();
    await loader.load({ ...WHAT_IT_IS, path });
    const identity = await served.identities.identify(checkPrincipal(user || 'nobody', 'user'));
    const resolved = resolveExisting(path, replica.state, { identity, settings });
    const { inode } = resolved;
    if (inode.directory) checkAccess(inode, identity, READ | EXECUTE, plainPath(resolved));
    const maySee = (id: number): boolean => {
      const at = pathTo(id, replica.state);
      return identity.isSuperuser || (at !== null && mayWatch(at, replica.state, { identity, settings }));
    };
    return { loader, replica, inode, maySee };
  }

  /** Resolves as `work` does; meanwhile `tell` says now and then how far it has come. */
  async #telling(work: Promise<void>, tell: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const telling = async () => {
      for (;;) {
        await sleep(this.#deps.clock, TELL_INTERVAL_MS, over.signal);
        await tell();
      }
    };
    // Whoever is no longer there to be told ends the work by the call's signal.
    const told = telling().catch(() => {});
    try {
      await work;
    } finally {
      over.abort();
      await told;
    }
  }
}
