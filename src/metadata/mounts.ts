/**
 * Rows about mount points: the mount table (`m`) and the work that under stores have yet to see (`w`).
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import type { RecordCodec } from './records.js';
import { decodeStrictly } from './strict.js';

export interface Mount {
  readonly id: number;
  /** Of the directory that it hangs at. */
  readonly inodeId: number;
  /** Of the under store, without a slash at its end. */
  readonly uri: string;
  /** In byte order of their keys. Secrets among them are never shown. */
  readonly options: readonly { readonly key: string; readonly value: string }[];
  readonly readOnly: boolean;
  /** Users other than the superuser may use what is mounted. */
  readonly shared: boolean;
  readonly mountedMs: number;
  /** Number of the newest work for it; 0: none yet. */
  readonly workSeq: number;
  /** Number up to which all of it is done: work of one mount is done in order. */
  readonly workDone: number;
  /** How much of that the under store has refused for good. */
  readonly workRefused: number;
}

export const UNDER_WORK = { rename: 0, deleteTree: 1, makeDirectory: 2, setAttributes: 3, delete: 4 } as const;
type UnderWorkKind = (typeof UNDER_WORK)[keyof typeof UNDER_WORK];

/** One change that an under store has yet to see. Paths are relative to the mount's uri. */
export interface UnderWork {
  readonly kind: UnderWorkKind;
  readonly path: string;
  /** Of a rename. */
  readonly to: string;
  readonly directory: boolean;
  /** Of `setAttributes` and `makeDirectory`; null and empty: stays. */
  readonly mode: number | null;
  readonly owner: string;
  readonly group: string;
}

export const mountCodec: RecordCodec<Mount> = {
  encode: (value) => encodeMessage(understudy.Mount, mountMessage(value)),
  decode: (bytes) => mountOf(decodeStrictly(understudy.Mount, bytes, 'mount')),
};

export const underWorkCodec: RecordCodec<UnderWork> = {
  encode: (value) => encodeMessage(understudy.UnderWork, value),
  decode: (bytes) => underWorkOf(decodeStrictly(understudy.UnderWork, bytes, 'under work')),
};

export function mountMessage(mount: Mount): understudy.Mount.$Properties {
  return { ...mount, options: [...mount.options] };
}

export function mountOf(message: understudy.Mount.$Properties): Mount {
  return {
    id: message.id ?? 0,
    inodeId: message.inodeId ?? 0,
    uri: message.uri ?? '',
    options: (message.options ?? []).map(({ key, value }) => ({ key: key ?? '', value: value ?? '' })),
    readOnly: message.readOnly ?? false,
    shared: message.shared ?? false,
    mountedMs: message.mountedMs ?? 0,
    workSeq: message.workSeq ?? 0,
    workDone: message.workDone ?? 0,
    workRefused: message.workRefused ?? 0,
  };
}

export function underWorkOf(message: understudy.UnderWork.$Properties): UnderWork {
  return {
    kind: (message.kind ?? 0) as UnderWorkKind,
    path: message.path ?? '',
    to: message.to ?? '',
    directory: message.directory ?? false,
    mode: message.mode ?? null,
    owner: message.owner ?? '',
    group: message.group ?? '',
  };
}
