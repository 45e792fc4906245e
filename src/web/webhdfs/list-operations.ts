/** LISTSTATUS, which tells a directory of any size piece by piece, and LISTSTATUS_BATCH, which tells a part of it. */
import { Readable } from 'node:stream';
import type { understudy } from '#proto/understudy.js';
import { operations } from '../../metadata/operations.js';
import { fileStatusJson } from './file-status-json.js';
import { renaming } from './remote-exception.js';
import type { OperationsByMethod, WebHdfsAnswer, WebHdfsCall } from './web-hdfs-call.js';

/** As a NameNode has it unless it is told otherwise. */
const BATCH_ENTRIES = 1_000;

type Pages = AsyncGenerator<understudy.ListStatusPage, void, undefined>;
type Entries = readonly understudy.ListEntry.$Properties[];

export const listOperations: OperationsByMethod = { GET: { LISTSTATUS: list, LISTSTATUS_BATCH: listBatch } };

async function list(call: WebHdfsCall): Promise<WebHdfsAnswer> {
  const pages = open(call);
  const first = await firstOf(pages);
  const second = await pages.next();
  const begin = `{"FileStatuses":{"FileStatus":[${entriesJson(first)}`;
  if (second.done) return begin + END;
  const pieces = Readable.from(rest(begin, second.value.entries, pages), { objectMode: false });
  // However the answer ends, the listing is closed.
  return pieces.once('close', () => void pages.return().catch(() => {}));
}

async function listBatch(call: WebHdfsCall): Promise<string> {
  const startAfter = call.parameters.text('startafter') ?? '';
  const pages = open(call, { startAfter, pageEntries: BATCH_ENTRIES + 1 });
  const entries: understudy.ListEntry.$Properties[] = [...(await firstOf(pages))];
  try {
    for (let page = await pages.next(); !page.done && entries.length <= BATCH_ENTRIES; page = await pages.next()) {
      entries.push(...page.value.entries);
    }
  } finally {
    await pages.return();
  }
  const remaining = entries.length <= BATCH_ENTRIES ? 0 : await countRest(call, startAfter);
  const listed = entriesJson(entries.slice(0, BATCH_ENTRIES));
  return `{"DirectoryListing":{"partialListing":{"FileStatuses":{"FileStatus":[${listed}]}},"remainingEntries":${remaining}}}`;
}

const END = ']}}';

function open({ calls, path, user, options }: WebHdfsCall, more: { startAfter?: string; pageEntries?: number } = {}): Pages {
  return calls.stream(operations.listStatus, { path, user, ...more }, options);
}

/** What a directory is refused for is known with its first page, before anything is answered. */
async function firstOf(pages: Pages): Promise<Entries> {
  const first = await renaming({ ENOTDIR: 'FileNotFoundException' }, pages.next());
  return first.done ? [] : first.value.entries;
}

async function* rest(begin: string, second: Entries, pages: Pages): AsyncGenerator<string> {
  yield `${begin},${entriesJson(second)}`;
  for await (const { entries } of pages) yield `,${entriesJson(entries)}`;
  yield END;
}

function entriesJson(entries: Entries): string {
  let json = '';
  for (const { name, inode } of entries) if (inode) json += (json === '' ? '' : ',') + fileStatusJson(inode, name ?? '');
  return json;
}

/** Of the first batch all that follow; of later ones that there are more, for where a name stands among all is kept nowhere. */
async function countRest({ calls, path, user, options }: WebHdfsCall, startAfter: string): Promise<number> {
  if (startAfter !== '') return 1;
  const { inode } = await calls.call(operations.getStatus, { path, user }, options);
  return Math.max((inode?.childCount ?? 0) - BATCH_ENTRIES, 1);
}
