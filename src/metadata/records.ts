/**
 * The rows of the state as plain values, and their stored form.
 *
 * Values are immutable: a change makes a new one. They are plain objects with all fields set, in one order, so that the hot paths stay
 * monomorphic. Stored bytes are canonical (protobuf, fields ascending, defaults left out): equal values are equal bytes (I4).
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { type InodeMore, moreMessage, moreOf } from './inode-more.js';
import { decodeStrictly } from './strict.js';

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
  /** Bytes; of a file that is not complete, as far as its writer has told; 0 for directories. */
  readonly length: number;
  readonly blockBytes: number;
  readonly complete: boolean;
  /** Entries of a directory. */
  readonly childCount: number;
  readonly persistence: number;
  /** Of a file's contents: raised each time it is reopened, cut or joined. */
  readonly generation: number;
  /** What few have; null: nothing of it. */
  readonly more: InodeMore | null;
}

/** Numbers of `Persistence` in proto/records.proto. */
export const PERSISTENCE = { notPersisted: 0, toBePersisted: 1, persisted: 2, lost: 3 } as const;

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
  /** Of a call of several steps: what each made or changed. */
  readonly inodes: readonly (Inode | null)[];
  /** POSIX's name of the refusal, where it has one, and the path that it is about; else empty. */
  readonly errno: string;
  readonly path: string;
}

export interface NextIds {
  readonly inodeId: number;
  readonly clientId: number;
  /** Clients that are registered. */
  readonly clients: number;
  readonly mountId: number;
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
  encode: (value) => encodeMessage(understudy.Inode, value.more === null ? value : inodeMessage(value)),
  decode: (bytes) => inodeOf(decodeStrictly(understudy.Inode, bytes, 'inode')),
};

export const parentCodec: RecordCodec<Parent> = {
  encode: (value) => encodeMessage(understudy.Parent, value),
  decode(bytes) {
    const { parentId, name } = decodeStrictly(understudy.Parent, bytes, 'parent');
    return { parentId, name };
  },
};

export const sessionCodec: RecordCodec<ClientSession> = {
  encode: (value) => encodeMessage(understudy.ClientSession, value),
  decode(bytes) {
    const { lowestUnanswered, lastUsedMs, highestCall } = decodeStrictly(understudy.ClientSession, bytes, 'client session');
    return { lowestUnanswered, lastUsedMs, highestCall };
  },
};

export const resultCodec: RecordCodec<CallResult> = {
  encode: (value) => encodeMessage(understudy.CallResult, resultMessage(value)),
  decode(bytes) {
    const row = decodeStrictly(understudy.CallResult, bytes, 'call result');
    const { callId, errorCode, errorMessage, sn, errno, path } = row;
    return { callId, errorCode, errorMessage, inode: row.inode ? inodeOf(row.inode) : null, sn, inodes: inodesOf(row.inodes), errno, path };
  },
};

export const nextIdsCodec: RecordCodec<NextIds> = {
  encode: (value) => encodeMessage(understudy.NextIds, value),
  decode(bytes) {
    const { inodeId, clientId, clients, mountId } = decodeStrictly(understudy.NextIds, bytes, 'next ids');
    return { inodeId, clientId, clients, mountId };
  },
};

export const retentionCodec: RecordCodec<RetentionRecord> = {
  encode: (value) => encodeMessage(understudy.Retention, { ...value, checkpoints: [...value.checkpoints] }),
  decode: (bytes) => retentionOf(decodeStrictly(understudy.Retention, bytes, 'retention')),
};

const PRESENT = new Uint8Array(0);

/** Rows whose key says it all. */
export const presenceCodec: RecordCodec<true> = { encode: () => PRESENT, decode: () => true };

/** @returns the plain value of a decoded message. */
export function inodeOf(message: understudy.Inode.$Properties): Inode {
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
    generation: message.generation ?? 0,
    more: message.more ? moreOf(message.more) : null,
  };
}

/** @returns `inode` as a message, to be encoded. */
export function inodeMessage(inode: Inode): understudy.Inode.$Properties {
  return inode.more === null ? (inode as Inode & { more: null }) : { ...inode, more: moreMessage(inode.more) };
}

/** Null has no id as a message. */
export function inodesOf(messages: readonly understudy.Inode.$Properties[] | null | undefined): readonly (Inode | null)[] {
  return (messages ?? []).map((message) => (message.id ? inodeOf(message) : null));
}

export function inodeMessages(inodes: readonly (Inode | null)[]): understudy.Inode.$Properties[] {
  return inodes.map((inode) => (inode === null ? {} : inodeMessage(inode)));
}

function resultMessage(value: CallResult): understudy.CallResult.$Properties {
  const { inode, inodes } = value;
  return { ...value, inode: inode && inodeMessage(inode), inodes: inodes.length === 0 ? NO_INODES : inodeMessages(inodes) };
}

const NO_INODES: understudy.Inode.$Properties[] = [];

/** @returns the plain value of a decoded message. */
export function retentionOf(message: understudy.Retention.$Properties): RetentionRecord {
  return {
    checkpoints: (message.checkpoints ?? []).map(checkpointOf),
    boundaryEpoch: message.boundaryEpoch ?? 0,
    boundarySn: message.boundarySn ?? 0,
    boundaryHash: Uint8Array.from(message.boundaryHash ?? []),
  };
}

/** As `retentionOf`. */
export function checkpointOf(message: understudy.Checkpoint.$Properties): CheckpointRecord {
  return {
    sn: message.sn ?? 0,
    hash: Uint8Array.from(message.hash ?? []),
    id: Uint8Array.from(message.id ?? []),
    epoch: message.epoch ?? 0,
    bytes: message.bytes ?? 0,
    madeMs: message.madeMs ?? 0,
  };
}
