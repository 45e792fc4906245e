/**
 * Keys of the state's rows in the key-value store: one letter, then the parts in binary so that bytes sort as the parts do.
 *
 *   d  parent id (8, big-endian)  name (UTF-8)      the child inode
 *   p  inode id (8)                                 where it hangs
 *   x  client id (8)  call id mod window (4)        the outcome of that call
 *   c  client id (8)                                a registered client
 *   g  inode id (8)                                 a detached directory waiting to be reaped
 *   s  name                                         singletons: `next`, `retention`
 *   !  …                                            this master's own: flush marks, loading; not part of the state, nor of its digest
 *
 * Letters `t` (expiry) and `m` (mounts) are taken.
 */
export const STATE_RANGE = { gte: Uint8Array.of(0x61), lt: Uint8Array.of(0x7b) };

/** Digits of the letters: `d` etc. */
const D = 0x64;
const P = 0x70;
const X = 0x78;
const C = 0x63;
const G = 0x67;

/** Key of a `d` row inside the program: `<parent id>/<name>`. */
export type ChildKey = string;

export function childKey(parentId: number, name: string): ChildKey {
  return `${parentId}/${name}`;
}

export function encodeChildKey(key: ChildKey): Uint8Array {
  const slash = key.indexOf('/');
  return encodeChild(Number(key.slice(0, slash)), key.slice(slash + 1));
}

export function encodeChild(parentId: number, name: string): Uint8Array {
  const out = Buffer.allocUnsafe(9 + name.length * 3);
  putId(out, D, parentId);
  return out.subarray(0, 9 + out.write(name, 9));
}

/** @returns the name in a `d` row's key. */
export function decodeChildName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 9, key.byteLength - 9).toString();
}

/** @returns the range of a directory's children behind `startAfter`; all of them where that is empty. */
export function childRange(parentId: number, startAfter: string): { gte: Uint8Array; lt: Uint8Array } {
  const gte = startAfter === '' ? encodeChild(parentId, '') : encodeChild(parentId, `${startAfter}\0`);
  return { gte, lt: encodeChild(parentId + 1, '') };
}

export const encodeParentKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), P, id);
export const encodeSessionKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), C, id);
export const encodeDetachedKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), G, id);

/** @returns the id in the key of a `p`, `c` or `g` row. */
export function decodeId(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getUint32(1) * 2 ** 32 + view.getUint32(5);
}

export const SESSION_RANGE = { gte: Uint8Array.of(C), lt: Uint8Array.of(C + 1) };
export const DETACHED_RANGE = { gte: Uint8Array.of(G), lt: Uint8Array.of(G + 1) };

/** Most calls of one client whose outcomes are kept; the stored keys depend on it, so it is fixed. */
export const CALL_WINDOW = 4096;

/** Key of an `x` row inside the program: client id and slot in one number (client ids stay below 2^41). */
export function resultSlot(clientId: number, callId: number): number {
  return clientId * CALL_WINDOW + (callId % CALL_WINDOW);
}

export function encodeResultKey(slot: number): Uint8Array {
  const out = Buffer.allocUnsafe(13);
  putId(out, X, Math.floor(slot / CALL_WINDOW));
  out.writeUInt32BE(slot % CALL_WINDOW, 9);
  return out;
}

export const NEXT_IDS_KEY = Buffer.from('snext');
export const RETENTION_KEY = Buffer.from('sretention');
export const APPLIED_KEY = Buffer.from('!applied');
/** Stands while a checkpoint is being loaded. */
export const LOADING_KEY = Buffer.from('!loading');

/** Flush marks kept, by number mod this. */
export const RING_SLOTS = 16;

export function ringKey(flush: number): Uint8Array {
  return Buffer.from(`!ring/${String(flush % RING_SLOTS).padStart(2, '0')}`);
}

function putId(out: Buffer, letter: number, id: number): Buffer {
  out[0] = letter;
  out.writeUInt32BE(Math.floor(id / 2 ** 32), 1);
  out.writeUInt32BE(id >>> 0, 5);
  return out;
}
