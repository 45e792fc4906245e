/**
 * What the process that makes the load is told, and what it answers: one request at a time, each answered once, but for `mark`.
 */

/** The load itself: what each of the calls in flight does over and over, with a number of its own each time. */
export type Operation =
  | 'create'
  | 'create-then-complete'
  | 'create-completed'
  | 'add-blocks'
  | 'create-directory'
  | 'get-status'
  | 'list'
  | 'rename'
  | 'remove'
  | 'remove-tree'
  | 'echo';

export interface Load {
  readonly operation: Operation;
  /** Folder below which all of it is. */
  readonly base: string;
  /** Files of one directory. */
  readonly perDirectory: number;
  /** Numbers [from, to) are used once each; with `around`, over and over. */
  readonly from: number;
  readonly to: number;
  readonly around?: boolean;
  readonly inFlight: number;
  /** Each of them rests so long after a call; not at all without it. */
  readonly restMs?: number;
  readonly warmUpMs: number;
  /** Ends after this time, warm-up not counted, or when the numbers are used up. */
  readonly measureMs: number;
}

export interface Measured {
  /** Calls that were counted, and what they handled: entries of listings, else one each. */
  readonly calls: number;
  readonly units: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  /** First number that was not used. */
  readonly next: number;
}

/** Creates at an even pace. */
export interface Pace {
  readonly base: string;
  readonly perDirectory: number;
  readonly perSecond: number;
  readonly forMs: number;
  /** `host:port` of standbys whose lag is measured. */
  readonly standbys: readonly string[];
}

export interface Paced {
  readonly offered: number;
  /** In time. */
  readonly done: number;
  readonly seconds: number;
  /** Ascending. */
  readonly lagsMs: readonly number[];
}

/** Where the load goes: the masters of a cluster, its ZooKeeper, or (for `echo`) an echoing server. */
export interface Place {
  readonly masters: readonly string[];
  readonly zookeeper?: string;
  /** In whose name; the one who runs the bench, and the masters, where it is not said. */
  readonly user?: string;
}

/** The longest time without an acknowledged write since the mark. */
export interface Silence {
  /** From the mark to the write that ended it. */
  readonly endsAfterMs: number;
  readonly lengthMs: number;
}

export type LoadRequest =
  | { readonly kind: 'connect'; readonly place: Place }
  | { readonly kind: 'run'; readonly load: Load }
  | { readonly kind: 'pace'; readonly pace: Pace }
  /** Begins to write, again and again, until `silence` asks for the result. */
  | { readonly kind: 'write'; readonly base: string; readonly writers: number }
  /** Silence counts from here. Monotonic time of the machine, milliseconds. */
  | { readonly kind: 'mark'; readonly atMs: number }
  | { readonly kind: 'silence' };

export type LoadAnswer =
  | { readonly error: string }
  | { readonly measured: Measured }
  | { readonly paced: Paced }
  | { readonly silence: Silence }
  | { readonly done: true };

/** Monotonic time that all processes of this machine share, milliseconds. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
