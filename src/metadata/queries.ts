/**
 * Questions to the state. A query looks once, synchronously, and says what it saw; when the answer may leave is the master's matter (I6).
 */
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import type { KvStore } from '../kv/kv-store.js';
import { checkAccess, EXECUTE, READ } from './access.js';
import { encodeChild } from './keys.js';
import { encodeListPage } from './list-page.js';
import { Listing } from './listing.js';
import { type QueryContext, resolve, resolveExisting } from './plan.js';
import { inodeCodec, inodeMessage } from './records.js';
import type { State, StateView } from './state.js';

export function getStatus(
  request: understudy.GetStatusRequest,
  state: StateView,
  context: QueryContext,
): understudy.GetStatusResponse.$Properties {
  return { inode: inodeMessage(resolveExisting(request.path, state, context).inode), sn: state.sn };
}

export function exists(request: understudy.ExistsRequest, state: StateView, context: QueryContext): understudy.ExistsResponse.$Properties {
  return { exists: resolve(request.path, state, context).missing.length === 0, sn: state.sn };
}

/** The answer to a stream query: taken as of the moment of asking, sent page by page. */
export interface Pages extends AsyncDisposable {
  pages(): AsyncIterable<Uint8Array>;
}

/** A directory of a thousand fits in one page, with room to see that it ends there. */
const PAGE_ENTRIES = 1024;
const LIST_PAGE_ENTRIES_MAX = 10_000;

/** Lists a directory; a file lists as itself, under an empty name. */
export function listStatus(request: understudy.ListStatusRequest, state: State, kv: KvStore, context: QueryContext): Pages {
  const { inode } = resolveExisting(request.path, state, context);
  if (inode.directory) checkAccess(inode, context.identity, READ | EXECUTE, request.path);
  const sn = state.sn;
  const entries = request.pageEntries || PAGE_ENTRIES;
  if (entries > LIST_PAGE_ENTRIES_MAX) {
    throw new UnderstudyError('invalid_argument', `a page has up to ${LIST_PAGE_ENTRIES_MAX} entries: page_entries=${entries}`);
  }
  if (!inode.directory) return onePage(encodeListPage([[encodeChild(0, ''), inodeCodec.encode(inode)]], sn));
  const listing = new Listing(kv, state, inode.id, request.startAfter);
  return {
    async *pages() {
      let empty = true;
      for await (const rows of listing.chunks(entries)) {
        empty = false;
        yield encodeListPage(rows, sn);
      }
      if (empty) yield encodeListPage([], sn);
    },
    [Symbol.asyncDispose]: () => listing[Symbol.asyncDispose](),
  };
}

function onePage(page: Uint8Array): Pages {
  return {
    async *pages() {
      yield page;
    },
    async [Symbol.asyncDispose]() {},
  };
}
