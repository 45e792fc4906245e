/**
 * The rows of the state as plain values, and their stored form.
 *
 * Values are immutable: a change makes a new one. They are plain objects with all fields set, in one order, so that the hot paths stay
 * monomorphic. Stored bytes are canonical (protobuf, fields ascending, defaults left out): equal values are equal bytes (I4).
 */
import protobuf from 'protobufjs/minimal.js';
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';

export interface Inode {
  readonly id: number;
  readonly directory: boolean;
  readonly owner: string;
  readonly group: string;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Times are Unix milliseconds. */
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly accessedMs: number;
  /** Bytes; 0 for directories and incomplete files. */
  readonly length: number;
  readonly blockBytes: number;
  readonly complete: boolean;
  /** Entries of a directory. */
  readonly childCount: number;
  readonly persistence: number;
}

/** Where an inode hangs. */
export interface Parent {
  readonly parentId: number;
  readonly name: string;
}

export interface ClientSession {
  readonly lowestUnanswered: number;
  readonly lastUsedMs: number;
  readonly highestCall: number;
}

export interface CallResult {
  readonly callId: number;
  /** 0: it succeeded; else the number of an error code. */
  readonly errorCode: number;
  readonly errorMessage: string;
  readonly inode: Inode | null;
  /** Sequence of the entry that holds the outcome. */
  readonly sn: number;
}

export interface NextIds {
  readonly inodeId: number;
  readonly clientId: number;
  /** Clients that are registered. */
  readonly clients: number;
}

/** How the values of one kind of row are stored. */
export interface RecordCodec<V> {
  encode(value: V): Uint8Array;
  /** @throws `corrupt`: not a record. @throws `failed_precondition` (`needs version`): made by a later version. */
  decode(bytes: Uint8Array): V;
}

export const inodeCodec: RecordCodec<Inode> = {
  encode: (value) => encodeMessage(understudy.Inode, value),
  decode: (bytes) => inodeOf(strictly(() => understudy.Inode.decode(strictReader(bytes)), 'inode')),
};

export const parentCodec: RecordCodec<Parent> = {
  encode: (value) => encodeMessage(understudy.Parent, value),
  decode(bytes) {
    const { parentId, name } = strictly(() => understudy.Parent.decode(strictReader(bytes)), 'parent');
    return { parentId, name };
  },
};

export const sessionCodec: RecordCodec<ClientSession> = {
  encode: (value) => encodeMessage(understudy.ClientSession, value),
  decode(bytes) {
    const { lowestUnanswered, lastUsedMs, highestCall } = strictly(
      () => understudy.ClientSession.decode(strictReader(bytes)),
      'client session',
    );
    return { lowestUnanswered, lastUsedMs, highestCall };
  },
};

export const resultCodec: RecordCodec<CallResult> = {
  encode: (value) => encodeMessage(understudy.CallResult, value),
  decode(bytes) {
    const row = strictly(() => understudy.CallResult.decode(strictReader(bytes)), 'call result');
    const inode = row.inode ? inodeOf(row.inode) : null;
    return { callId: row.callId, errorCode: row.errorCode, errorMessage: row.errorMessage, inode, sn: row.sn };
  },
};

export const nextIdsCodec: RecordCodec<NextIds> = {
  encode: (value) => encodeMessage(understudy.NextIds, value),
  decode(bytes) {
    const { inodeId, clientId, clients } = strictly(() => understudy.NextIds.decode(strictReader(bytes)), 'next ids');
    return { inodeId, clientId, clients };
  },
};

const PRESENT = new Uint8Array(0);

/** Rows whose key says it all. */
export const presenceCodec: RecordCodec<true> = { encode: () => PRESENT, decode: () => true };

/** @returns the plain value of a decoded message. @throws `failed_precondition` when it has fields of a later version. */
export function inodeOf(message: understudy.Inode.$Properties): Inode {
  refuseUnknown(message, 'inode');
  return {
    id: message.id ?? 0,
    directory: message.directory ?? false,
    owner: message.owner ?? '',
    group: message.group ?? '',
    mode: message.mode ?? 0,
    createdMs: message.createdMs ?? 0,
    modifiedMs: message.modifiedMs ?? 0,
    accessedMs: message.accessedMs ?? 0,
    length: message.length ?? 0,
    blockBytes: message.blockBytes ?? 0,
    complete: message.complete ?? false,
    childCount: message.childCount ?? 0,
    persistence: message.persistence ?? 0,
  };
}

/** @returns a reader that keeps unknown fields, for `refuseUnknown` to find; by itself protobufjs drops them. */
export function strictReader(bytes: Uint8Array): protobuf.Reader {
  const reader = protobuf.Reader.create(bytes);
  reader.discardUnknown = false;
  return reader;
}

/** @throws `failed_precondition` when `message` carries fields that this version does not know: to skip them would break I4. */
export function refuseUnknown(message: { readonly $unknowns?: readonly Uint8Array[] }, what: string): void {
  if (message.$unknowns !== undefined) {
    throw new UnderstudyError('failed_precondition', `stored data needs version newer than this one: unknown field in ${what}`);
  }
}

function strictly<M extends { $unknowns?: Uint8Array[] }>(decode: () => M, what: string): M {
  let message: M;
  try {
    message = decode();
  } catch (cause) {
    throw new UnderstudyError('corrupt', `stored record is damaged: record=${what}`, { cause });
  }
  refuseUnknown(message, what);
  return message;
}
