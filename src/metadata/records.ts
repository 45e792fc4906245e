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
import { needsVersionFor } from '../base/needs-version.js';

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

/** A checkpoint beside the journal. */
export interface CheckpointRecord {
  /** Last entry it holds. */
  readonly sn: number;
  /** Hash of the batch that ends at `sn`. */
  readonly hash: Uint8Array;
  /** 16 bytes: with `sn`, its name. */
  readonly id: Uint8Array;
  /** Of that batch. */
  readonly epoch: number;
  /** Size of the file. */
  readonly bytes: number;
  /** Leader's time when it was published, Unix milliseconds. */
  readonly madeMs: number;
}

/** What the journal keeps. */
export interface RetentionRecord {
  /** Published ones, newest first. */
  readonly checkpoints: readonly CheckpointRecord[];
  /** End of the batch up to which entries may be collected; sn 0: none may. */
  readonly boundaryEpoch: number;
  readonly boundarySn: number;
  readonly boundaryHash: Uint8Array;
}

export const NO_RETENTION: RetentionRecord = { checkpoints: [], boundaryEpoch: 0, boundarySn: 0, boundaryHash: new Uint8Array(0) };

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

export const retentionCodec: RecordCodec<RetentionRecord> = {
  encode: (value) => encodeMessage(understudy.Retention, { ...value, checkpoints: [...value.checkpoints] }),
  decode: (bytes) => retentionOf(strictly(() => understudy.Retention.decode(strictReader(bytes)), 'retention')),
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

/** @returns the plain value of a decoded message. @throws `failed_precondition` when it has fields of a later version. */
export function retentionOf(message: understudy.Retention.$Properties): RetentionRecord {
  refuseUnknown(message, 'retention');
  return {
    checkpoints: (message.checkpoints ?? []).map(checkpointOf),
    boundaryEpoch: message.boundaryEpoch ?? 0,
    boundarySn: message.boundarySn ?? 0,
    boundaryHash: Uint8Array.from(message.boundaryHash ?? []),
  };
}

/** As `retentionOf`. */
export function checkpointOf(message: understudy.Checkpoint.$Properties): CheckpointRecord {
  refuseUnknown(message, 'checkpoint');
  return {
    sn: message.sn ?? 0,
    hash: Uint8Array.from(message.hash ?? []),
    id: Uint8Array.from(message.id ?? []),
    epoch: message.epoch ?? 0,
    bytes: message.bytes ?? 0,
    madeMs: message.madeMs ?? 0,
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
    throw needsVersionFor(`field in ${what}`);
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
