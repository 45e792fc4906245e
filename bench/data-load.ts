/** What the process that reads and writes bytes is asked, and answers. */

export type DataWork =
  | 'write'
  | 'write-over-socket'
  | 'read'
  | 'read-over-socket'
  | 'read-lent'
  | 'read-plain'
  | 'random-reads'
  | 'small-writes'
  | 'small-reads';

export interface DataRequest {
  readonly work: DataWork;
  /** `host:port` of masters. */
  readonly masters: readonly string[];
  /** Of the file, or the directory of small ones; with `read-plain`, on this machine. */
  readonly path: string;
  /** Of the file. */
  readonly bytes: number;
  /** Small files, or random reads. */
  readonly count: number;
  readonly inFlight: number;
  /** With `write` and `read`: this process is killed when half of the bytes have gone. */
  readonly killAtHalf?: number;
}

export interface DataMeasured {
  readonly bytes: number;
  readonly units: number;
  readonly seconds: number;
  /** Of single reads. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** With `write` and `read`: the longest time without a byte, up to the last one, and how long closing took after that. */
  readonly gapMs?: number;
  readonly closeMs?: number;
}

export type DataAnswer = { readonly measured: DataMeasured } | { readonly error: string };
