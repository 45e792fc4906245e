/**
 * Rows `a`: the extended attributes of an inode, in byte order of their names.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import type { RecordCodec } from './records.js';
import { decodeStrictly } from './strict.js';

export interface Xattr {
  /** With its namespace: `user.…`, `trusted.…`. */
  readonly name: string;
  readonly value: Uint8Array;
}

export type Xattrs = readonly Xattr[];

export const xattrsCodec: RecordCodec<Xattrs> = {
  encode: (value) => encodeMessage(understudy.Xattrs, xattrsMessage(value)),
  decode: (bytes) => xattrsOf(decodeStrictly(understudy.Xattrs, bytes, 'xattrs')),
};

export function xattrsOf(message: understudy.Xattrs.$Properties): Xattrs {
  return (message.xattrs ?? []).map(({ name, value }) => ({ name: name ?? '', value: Uint8Array.from(value ?? []) }));
}

export function xattrsMessage(xattrs: Xattrs): understudy.Xattrs.$Properties {
  return { xattrs: [...xattrs] };
}
