/**
 * What the process that makes the load of HTTP is told, and what it answers: one request at a time, each answered once.
 */
export interface HttpLoad {
  readonly port: number;
  /** Targets of the requests, all GET, one after the other, over and over. */
  readonly targets: readonly string[];
  /** Kept alive; each has one request in flight at most. */
  readonly connections: number;
  /** At an even pace; without it each connection asks as soon as it was answered. */
  readonly perSecond?: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface HttpMeasured {
  readonly answers: number;
  /** Answers other than 200, those of the warm-up too. */
  readonly refusals: number;
  /** Of those, all headers and bodies. */
  readonly bytes: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the process that made the load, as a share of one processor. */
  readonly processors: number;
}

export type HttpLoadAnswer = HttpMeasured | { readonly error: string };
