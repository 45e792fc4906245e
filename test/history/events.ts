/**
 * A history: what the clients of a cluster called, what they were told, and when. One JSON object an event, one event a line, in the order in
 * which they happened (docs/history-format.md). The first event is the `run`.
 */

/** What describes a run. */
export interface RunEvent {
  readonly event: 'run';
  /** Of this format. */
  readonly format: 1;
  /** What `at` is read from: milliseconds, with fractions, of one clock that never goes back. */
  readonly clock: string;
  readonly versions?: Readonly<Record<string, string>>;
  /** Whatever else there is to know: seed, settings. */
  readonly about?: Readonly<Record<string, unknown>>;
}

export type Mutation =
  | {
      readonly kind: 'createFile';
      readonly path: string;
      readonly mode: number;
      /** Absent: it is written until completeFile. */
      readonly completeLength?: number;
      readonly overwrite?: boolean;
    }
  | { readonly kind: 'createDirectory'; readonly path: string; readonly mode: number; readonly allowExists?: boolean }
  | { readonly kind: 'remove'; readonly path: string; readonly recursive?: boolean }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly overwrite?: boolean }
  | { readonly kind: 'setMode'; readonly path: string; readonly mode: number }
  | { readonly kind: 'setXattr'; readonly path: string; readonly value: string; readonly only?: 'create' | 'replace' }
  | { readonly kind: 'setQuota'; readonly path: string; readonly namesMax: number }
  | { readonly kind: 'addBlocks'; readonly path: string; readonly blocks: number }
  | { readonly kind: 'completeFile'; readonly path: string; readonly length: number };

/** Its steps happen in order, as one, or none does. */
export interface BatchOperation {
  readonly kind: 'batch';
  readonly steps: readonly Mutation[];
}

export type Read =
  | { readonly kind: 'getStatus'; readonly path: string }
  | { readonly kind: 'list'; readonly path: string }
  | { readonly kind: 'getXattr'; readonly path: string }
  | { readonly kind: 'countTree'; readonly path: string };

export type Operation = Mutation | BatchOperation | Read;

/**
 * How fresh the answer of a read had to be. `session`: any master's, that is no older than what this client was told before. A mutation, and a
 * read that does not say, is linearizable.
 */
export type Consistency = 'linearizable' | 'session' | 'stale' | { readonly atLeastSn: number };

/** What is told of a file or directory. */
export interface Seen {
  readonly id: number;
  readonly directory: boolean;
  readonly mode: number;
  /** Of a complete file; absent of others. */
  readonly length?: number;
  /** Of a directory. */
  readonly children?: number;
}

export interface SeenEntry extends Seen {
  readonly name: string;
}

/** One page of a listing: the entries behind the last one of the page before it. Pages as of one `sn` are one look. */
export interface SeenPage {
  readonly sn: number;
  readonly entries: readonly SeenEntry[];
}

/** What an operation that was done answers with. */
export interface Value {
  /** Of a mutation of one path: the inode made or changed. */
  readonly id?: number;
  /** Of addBlocks: how many the file has then. */
  readonly blocks?: number;
  /** Of a batch: for each step the inode made or changed, null where it tells none. */
  readonly ids?: readonly (number | null)[];
  /** Of getStatus. */
  readonly seen?: Seen;
  /** Of list. */
  readonly pages?: readonly SeenPage[];
  /** Of getXattr. */
  readonly xattr?: string;
  /** Of countTree: what is below, the directory itself included. */
  readonly files?: number;
  readonly directories?: number;
}

export interface CallEvent {
  readonly event: 'call';
  /** Of the operation; its `return` has the same. */
  readonly id: number;
  /** Who calls: one thing after the other. What stands before the last dot is the client, which its processes share. */
  readonly process: string;
  readonly at: number;
  readonly operation: Operation;
  /** Of a read. */
  readonly consistency?: Consistency;
}

/**
 * `ok`: done. `failed`: it certainly had no effect; with an `errno` the namespace itself refused it, else nothing was said of the namespace.
 * `unknown`: it may have had an effect, or have it at any later time, or never. An operation without a return is `unknown` too.
 */
export interface ReturnEvent {
  readonly event: 'return';
  readonly id: number;
  readonly at: number;
  readonly outcome: 'ok' | 'failed' | 'unknown';
  /** The code of the error. */
  readonly error?: string;
  /** POSIX's name of the refusal. */
  readonly errno?: string;
  /** The error's message, for people. */
  readonly message?: string;
  readonly value?: Value;
  /** The answer holds as of this entry of the journal: it sees all mutations up to it, and none behind. */
  readonly sn?: number;
  /** `host:port` of the master that answered a read. */
  readonly master?: string;
}

/** A watch of what is at and below a path begins: from the entry `fromSn`. Its `return` says how it ended. */
export interface WatchEvent {
  readonly event: 'watch';
  readonly id: number;
  readonly process: string;
  readonly at: number;
  readonly path: string;
  readonly fromSn: number;
}

export interface ToldChange {
  readonly sn: number;
  readonly step: number;
  readonly kind: string;
  readonly path: string;
  readonly toPath?: string;
}

/** What a watch was told at once: these changes, and that there are no others up to `throughSn`. */
export interface ToldEvent {
  readonly event: 'told';
  readonly id: number;
  readonly at: number;
  readonly changes: readonly ToldChange[];
  readonly throughSn: number;
}

/** From here on nothing at or below `path` is called: what is recorded of it can be checked. */
interface DoneEvent {
  readonly event: 'done';
  readonly path: string;
  readonly at: number;
}

/** What else happened: faults. */
interface NoteEvent {
  readonly event: 'note';
  readonly at: number;
  readonly text: string;
}

export type HistoryEvent = RunEvent | CallEvent | ReturnEvent | WatchEvent | ToldEvent | DoneEvent | NoteEvent;

export function isRead(operation: Operation): operation is Read {
  return ['getStatus', 'list', 'getXattr', 'countTree'].includes(operation.kind);
}
