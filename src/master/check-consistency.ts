/**
 * Compares what the namespace shows of an under store with what the under store has, one directory at a time.
 *
 * Only what is persisted is compared, and nothing is changed: `loadMetadata -F` brings the namespace up to date. Work that the under store has
 * yet to see is waited for; what changes meanwhile may be told though it is no difference any longer.
 */
import { pathOf } from '../metadata/describe-entry.js';
import { decodeChildName } from '../metadata/keys.js';
import { Listing } from '../metadata/listing.js';
import { isMirrored } from '../metadata/plan-load.js';
import { type Inode, inodeCodec } from '../metadata/records.js';
import { type MetadataLoader, pagesOf } from './metadata-loader.js';
import { NameSet } from './name-set.js';
import type { Replica } from './replica.js';

export interface Difference {
  readonly path: string;
  readonly reason: string;
}

export interface Differences {
  readonly differences: readonly Difference[];
  /** Entries of the under store that were looked at since the last part. */
  readonly looked: number;
}

const ROWS_PER_CHUNK = 1_000;

/** Yields what differs among the children of a directory, in parts. @throws what the under store refuses with. */
export async function* findDifferences(
  directoryId: number,
  loader: MetadataLoader,
  { kv, state }: Replica,
  signal: AbortSignal,
): AsyncGenerator<Differences, void, void> {
  const there = await loader.settledStore(directoryId);
  if (there === null) return;
  const names = new NameSet();
  const contents = new NameSet();
  for await (const entries of pagesOf(there, signal)) {
    for (const { name, isDirectory, length } of entries) {
      names.add(name);
      contents.add(contentOf(name, isDirectory, length));
    }
    yield { differences: [], looked: entries.length };
  }
  await using listing = new Listing(kv, state, directoryId, '');
  for await (const rows of listing.chunks(ROWS_PER_CHUNK)) {
    const differences: Difference[] = [];
    for (const [key, bytes] of rows) {
      const inode = inodeCodec.decode(bytes);
      if (!isMirrored(inode)) continue;
      const name = decodeChildName(key);
      const reason = reasonOf(name, inode, names, contents);
      if (reason !== null) differences.push({ path: pathOf({ parentId: directoryId, name }, state), reason });
    }
    yield { differences, looked: 0 };
  }
}

function reasonOf(name: string, inode: Inode, names: NameSet, contents: NameSet): string | null {
  if (contents.has(contentOf(name, inode.directory, inode.length))) return null;
  if (!names.has(name)) return 'the under store does not have it';
  return inode.directory ? 'the under store has a file there' : 'the under store has another length, or a directory';
}

function contentOf(name: string, isDirectory: boolean, length: number): string {
  return isDirectory ? `${name}/` : `${name}/${length}`;
}
