/**
 * Keys of the state's rows in the key-value store: one letter, then the parts in binary so that bytes sort as the parts do.
 *
 *   d  parent id (8, big-endian)  name (UTF-8)      the child inode
 *   p  inode id (8)                                 where it hangs
 *   x  client id (8)  call id mod window (4)        the outcome of that call
 *   c  client id (8)                                a registered client
 *   u  inode id (8)                                 what is below a directory
 *   a  inode id (8)                                 extended attributes
 *   o  client id (8)  inode id (8)                  a file that this client is writing
 *   t  Unix milliseconds (8)  inode id (8)          an inode that expires then
 *   b  inode id (8)                                 a complete file that is to be persisted
 *   g  inode id (8)                                 a detached directory waiting to be reaped
 *   m  mount id (8)                                 a mount point
 *   w  mount id (8)  number (8)                     a change that its under store has yet to see
 *   f  name (UTF-8)                                 a cursor of the change feed
 *   s  name                                         singletons: `next`, `retention`, `cursors`, `config`, `features`, `freeze`, `fork`
 *   !  …                                            this master's own: flush marks, loading; not part of the state, nor of its digest
 */
import { UnderstudyError } from '../base/errors.js';

export const STATE_RANGE = { gte: Uint8Array.of(0x61), lt: Uint8Array.of(0x7b) };

/** Digits of the letters: `d` etc. */
const D = 0x64;
const P = 0x70;
const X = 0x78;
const C = 0x63;
const G = 0x67;
const U = 0x75;
const A = 0x61;
const B = 0x62;
const O = 0x6f;
const T = 0x74;
const M = 0x6d;
const W = 0x77;
const F = 0x66;

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

/** @returns the name in a `d` row's key. @throws `corrupt`: it is none; likewise below. */
export function decodeChildName(key: Uint8Array): string {
  if (key.byteLength < ID_KEY_BYTES) throw damagedKey(key);
  return Buffer.from(key.buffer, key.byteOffset + 9, key.byteLength - 9).toString();
}

/** @returns the range of a directory's children behind `startAfter` that begin with `prefix`; perhaps with its end before its beginning. */
export function childRange(parentId: number, startAfter: string, prefix = ''): { gte: Uint8Array; lt: Uint8Array } {
  const first = encodeChild(parentId, prefix);
  const gte = startAfter === '' ? first : encodeChild(parentId, `${startAfter}\0`);
  return { gte: Buffer.compare(gte, first) < 0 ? first : gte, lt: prefix === '' ? encodeChild(parentId + 1, '') : behindAll(first) };
}

/** @returns the first key behind all that begin with `start`: bytes of UTF-8 are below 0xff. */
function behindAll(start: Uint8Array): Uint8Array {
  const end = Buffer.from(start);
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
  return end;
}

export const encodeParentKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), P, id);
export const encodeSessionKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), C, id);
export const encodeDetachedKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), G, id);
export const encodeUsageKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), U, id);
export const encodeXattrsKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), A, id);
export const encodeToPersistKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), B, id);
export const encodeMountKey = (id: number): Uint8Array => putId(Buffer.allocUnsafe(9), M, id);
export const encodeCursorKey = (name: string): Uint8Array => Buffer.concat([Uint8Array.of(F), Buffer.from(name)]);

/** Key of an `o`, `t` or `w` row inside the program: `<first>/<second>`. */
export type PairKey = string;

export function pairKey(first: number, second: number): PairKey {
  return `${first}/${second}`;
}

export function splitPair(key: PairKey): readonly [first: number, second: number] {
  const slash = key.indexOf('/');
  return [Number(key.slice(0, slash)), Number(key.slice(slash + 1))];
}

const encodePair = (letter: number) => (key: PairKey) => {
  const out = Buffer.allocUnsafe(17);
  const [first, second] = splitPair(key);
  putId(out, letter, first);
  out.writeUInt32BE(Math.floor(second / 2 ** 32), 9);
  out.writeUInt32BE(second >>> 0, 13);
  return out;
};

export const encodeOpenFileKey = encodePair(O);
export const encodeExpiryKey = encodePair(T);
export const encodeWorkKey = encodePair(W);

/** @returns the pair in the key of an `o`, `t` or `w` row. */
export function decodePair(key: Uint8Array): PairKey {
  if (key.byteLength !== PAIR_KEY_BYTES) throw damagedKey(key);
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return pairKey(decodeId(key), readId(view, 9));
}

/** @returns the id in the key of a `p`, `c`, `g`, `u`, `a`, `b` or `m` row; the first of a pair. */
export function decodeId(key: Uint8Array): number {
  if (key.byteLength < ID_KEY_BYTES) throw damagedKey(key);
  return readId(new DataView(key.buffer, key.byteOffset, key.byteLength), 1);
}

function readId(key: DataView, at: number): number {
  const id = key.getUint32(at) * 2 ** 32 + key.getUint32(at + 4);
  if (!Number.isSafeInteger(id)) throw damagedKey(new Uint8Array(key.buffer, key.byteOffset, key.byteLength));
  return id;
}

const ID_KEY_BYTES = 9;
const PAIR_KEY_BYTES = 17;

function damagedKey(key: Uint8Array): UnderstudyError {
  return new UnderstudyError('corrupt', `the key of a stored row is damaged: key=${Buffer.from(key).toString('hex')}`);
}

export const SESSION_RANGE = { gte: Uint8Array.of(C), lt: Uint8Array.of(C + 1) };
export const OPEN_FILE_RANGE = { gte: Uint8Array.of(O), lt: Uint8Array.of(O + 1) };
export const EXPIRY_RANGE = { gte: Uint8Array.of(T), lt: Uint8Array.of(T + 1) };
export const TO_PERSIST_RANGE = { gte: Uint8Array.of(B), lt: Uint8Array.of(B + 1) };
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
export const CURSOR_NAMES_KEY = Buffer.from('scursors');
export const CONFIG_KEY = Buffer.from('sconfig');
export const FEATURES_KEY = Buffer.from('sfeatures');
export const FREEZE_KEY = Buffer.from('sfreeze');
export const FORK_KEY = Buffer.from('sfork');
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
