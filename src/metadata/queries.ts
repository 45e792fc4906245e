/**
 * Questions to the state. A query looks once, synchronously, and says what it saw; when the answer may leave is the master's matter (I6).
 */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import type { KvStore } from '../kv/kv-store.js';
import { checkAccess, EXECUTE, READ } from './access.js';
import { heldBytes } from './held-bytes.js';
import { encodeChild } from './keys.js';
import { encodeListPage, encodeListPages } from './list-page.js';
import { type ChildRow, Listing } from './listing.js';
import { shownInode } from './lost-files.js';
import { mountPlace, underUri } from './mount-place.js';
import { type QueryContext, type ReadContext, resolve, resolveExisting, resolveInode } from './plan.js';
import { inodeCodec, PERSISTENCE } from './records.js';
import type { State, StateView } from './state.js';
import { RowTelling, type ToldRow } from './told-rows.js';
import { TreeListing } from './tree-listing.js';

export function getStatus(
  request: understudy.GetStatusRequest,
  state: StateView,
  context: ReadContext,
): understudy.GetStatusResponse.$Properties {
  const { inodeId } = request;
  const resolved = inodeId === 0 ? resolveExisting(request.path, state, context) : resolveInode(inodeId, state, context);
  const place = mountPlace(resolved.path, state);
  const path = inodeId === 0 ? '' : resolved.path;
  const { inode } = resolved;
  const persistTrouble = inode.persistence === PERSISTENCE.toBePersisted ? context.troubles.ofFile(inode.id) : '';
  return {
    inode: shownInode(inode, context.copies),
    sn: state.sn,
    path,
    underUri: place === null ? '' : underUri(place),
    persistTrouble,
    heldBytes: request.withHeld ? heldBytes(inode, context.copies) : 0,
  };
}

export function exists(request: understudy.ExistsRequest, state: StateView, context: QueryContext): understudy.ExistsResponse.$Properties {
  return { exists: resolve(request.path, state, context).missing.length === 0, sn: state.sn };
}

/** The answer to a stream query, sent page by page: taken as of the moment of asking, and of later ones that it tells of. */
export interface Pages extends AsyncDisposable {
  /** @param looked is called with each later look at the state; a page is made only once what it has looked at may leave. */
  pages(looked: () => Promise<void>): AsyncIterable<Uint8Array>;
}

/** A directory of a thousand fits in one page, with room to see that it ends there. */
const PAGE_ENTRIES = 1024;
const LIST_PAGE_ENTRIES_MAX = 10_000;

/** Lists a directory, or all below it; a file lists as itself, under an empty name. */
export function listStatus(request: understudy.ListStatusRequest, state: State, kv: KvStore, context: ReadContext): Pages {
  const resolved = resolveExisting(request.path, state, context);
  const { inode } = resolved;
  const entries = request.pageEntries || PAGE_ENTRIES;
  if (entries > LIST_PAGE_ENTRIES_MAX) {
    const message = `a page has up to ${LIST_PAGE_ENTRIES_MAX} entries: page_entries=${entries}`;
    throw new UnderstudyError('invalid_argument', message, { errno: 'EINVAL' });
  }
  const telling = new RowTelling(context.copies, request.withHeld);
  const shown = (rows: readonly ChildRow[]) => telling.tell(rows);
  if (!inode.directory) return onePage(shown([[encodeChild(0, ''), inodeCodec.encode(inode)]]), state.sn);
  checkAccess(inode, context.identity, READ | EXECUTE, request.path);
  if (request.recursive) return treePages(new TreeListing(request, resolved, kv, state, context), { entries, shown }, state);
  return directoryPages(new Listing(kv, state, inode.id, request.startAfter, request.prefix), { entries, shown }, state.sn);
}

interface PageOptions {
  readonly entries: number;
  readonly shown: (rows: readonly ChildRow[]) => Promise<readonly ToldRow[]>;
}

function directoryPages(listing: Listing, { entries, shown }: PageOptions, sn: number): Pages {
  return {
    async *pages() {
      let empty = true;
      for await (const rows of listing.chunks(entries)) {
        empty = false;
        yield* encodeListPages(await shown(rows), sn);
      }
      if (empty) yield encodeListPage([], sn);
    },
    [Symbol.asyncDispose]: () => listing[Symbol.asyncDispose](),
  };
}

function treePages(listing: TreeListing, { entries, shown }: PageOptions, state: State): Pages {
  let { sn } = state;
  return {
    async *pages(looked) {
      let looks: Promise<void>[] = [];
      const look = () => {
        sn = state.sn;
        const released = looked();
        released.catch(() => {});
        looks.push(released);
      };
      let empty = true;
      for await (const rows of listing.chunks(entries, look)) {
        empty = false;
        await Promise.all(looks);
        looks = [];
        yield* encodeListPages(await shown(rows), sn);
      }
      if (empty) yield encodeListPage([], sn);
    },
    [Symbol.asyncDispose]: () => listing[Symbol.asyncDispose](),
  };
}

function onePage(rows: Promise<readonly ToldRow[]>, sn: number): Pages {
  return {
    async *pages() {
      yield encodeListPage(await rows, sn);
    },
    async [Symbol.asyncDispose]() {},
  };
}
