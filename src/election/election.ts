/**
 * The election seam: says who *should* lead, and tells clients where the leader is. The journal alone decides who may write, so nothing
 * here is part of the safety argument; two candidates that are both told `elected` cost time, never data.
 * Every implementation passes test/contract/election-contract.ts.
 */
import type { Epoch } from '../base/ids.js';

/** What the serving leader publishes about itself. */
export interface LeaderRecord {
  /** `host:port` that clients call. */
  readonly rpcAddress: string;
  /** `host:port` for people and scripts. */
  readonly webAddress: string;
  readonly epoch: Epoch;
}

export type ElectionEvent =
  /** This candidate should lead. */
  | { readonly type: 'elected' }
  /** It should not lead any longer (session lost, or somebody else's turn). It stays a candidate and registers again by itself. */
  | { readonly type: 'deposed'; readonly reason: string };

/** A master's side. */
export interface Election extends AsyncDisposable {
  /**
   * Joins the candidates, under `rpcAddress`, and reports until `leave`. Survives any loss of the service: it reconnects, registers again
   * at the tail and reports. `elected` and `deposed` alternate, `elected` first. Called once.
   */
  join(rpcAddress: string, report: (event: ElectionEvent) => void): void;
  /**
   * Goes to the tail of the candidates: after a claim failed, or the journal's fence showed that another leads. Reports `deposed` before it
   * returns, if it was elected. @throws `unavailable` when the service does not answer; it will be done once it does.
   */
  requeue(): Promise<void>;
  /**
   * Makes `record` known to clients until `withdraw` or `leave`, elected or not; replaces what this candidate published before. It lives with
   * the session, and is made again by itself after a lost one: readers take the highest epoch. @throws `unavailable` when the service does
   * not answer; it will be published once it does.
   */
  publish(record: LeaderRecord): Promise<void>;
  /** Takes back what was published. Idempotent. @throws `unavailable` as `publish`. */
  withdraw(): Promise<void>;
  /**
   * Brings the next election forward: takes the candidates of that address which are seen now out of the queue, because their process is
   * known to be gone. One that lives after all registers again, at the tail; one that registers later is not touched. Done once or not at all.
   *
   * @returns whether there was one. @throws `unavailable` when the service does not answer; it is not tried again.
   */
  expel(rpcAddress: string): Promise<boolean>;
  /**
   * @returns RPC addresses of the candidates as they are now, itself perhaps among them, for people: all of a queue; where there is none, the
   *   one elected. @throws `unavailable` when the service does not answer.
   */
  candidates(): Promise<readonly string[]>;
  /**
   * Leaves the candidates at once, withdrawing too, so that the next one is elected without waiting for a time-out. Nothing is reported any
   * more. Does not wait long for a service that is away. Idempotent.
   */
  leave(): Promise<void>;
  /** `leave`, then lets go of the service. Idempotent. */
  close(): Promise<void>;
}

/** A client's side. */
export interface LeaderDirectory extends AsyncDisposable {
  /** @returns what serving leaders have published, highest epoch first; empty when nobody serves. @throws `unavailable` when the service does not answer. */
  leaders(signal?: AbortSignal): Promise<readonly LeaderRecord[]>;
  /** @returns RPC addresses of all candidates, the elected one first. @throws `unavailable`. */
  candidates(signal?: AbortSignal): Promise<readonly string[]>;
  close(): Promise<void>;
}
