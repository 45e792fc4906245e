/**
 * Encodes pages of a listing (message ListStatusPage in proto/rpc.proto) straight from stored rows: an inode's stored form is its wire form.
 */
import type { ToldRow } from './told-rows.js';

const NAME_OFFSET = 9;
/** Of an entry, beside its name and its inode. */
const ENTRY_BYTES_MAX = 24;
const ENTRIES = 0x0a;
const NAME = 0x0a;
const INODE = 0x12;
const HELD = 0x18;
const SN = 0x10;

/** Most pages are far smaller; few inodes, or long paths from where the listing began, could make one larger than a frame. */
const PAGE_BYTES_MAX = 1024 * 1024;

/** Yields these children, as of `sn`, on one page, or on several where they are large. */
export function* encodeListPages(rows: readonly ToldRow[], sn: number): Generator<Uint8Array> {
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < rows.length; at++) {
    const [key, inode] = rows[at] as ToldRow;
    bytes += key.length + inode.length;
    if (bytes < PAGE_BYTES_MAX) continue;
    yield encodeListPage(rows.slice(from, at + 1), sn);
    from = at + 1;
    bytes = 0;
  }
  if (from < rows.length) yield encodeListPage(from === 0 ? rows : rows.slice(from), sn);
}

/** @returns a page with these children, as of `sn`. */
export function encodeListPage(rows: readonly ToldRow[], sn: number): Uint8Array {
  let bytes = 12;
  for (const [key, inode] of rows) bytes += key.length + inode.length + ENTRY_BYTES_MAX;
  const out = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const [key, inode, heldBytes = 0] of rows) {
    const nameBytes = key.length - NAME_OFFSET;
    const held = heldBytes === 0 ? 0 : 1 + varintBytes(heldBytes);
    const named = nameBytes === 0 ? 0 : 1 + varintBytes(nameBytes) + nameBytes;
    out[at] = ENTRIES;
    at = putVarint(out, at + 1, named + 1 + varintBytes(inode.length) + inode.length + held);
    if (nameBytes > 0) {
      out[at] = NAME;
      at = putVarint(out, at + 1, nameBytes);
      out.set(key.subarray(NAME_OFFSET), at);
      at += nameBytes;
    }
    out[at] = INODE;
    at = putVarint(out, at + 1, inode.length);
    out.set(inode, at);
    at += inode.length;
    if (heldBytes > 0) {
      out[at] = HELD;
      at = putVarint(out, at + 1, heldBytes);
    }
  }
  out[at] = SN;
  at = putVarint(out, at + 1, sn);
  return out.subarray(0, at);
}

/** @returns how many bytes `value`, below 2^53, takes. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

/** @returns the offset behind it. `value` below 2^53. */
function putVarint(out: Buffer, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest >= 0x80) {
    out[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[end++] = rest;
  return end;
}
