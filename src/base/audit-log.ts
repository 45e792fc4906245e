/** Tells who changed what: one record for each change that somebody asked the leader for, made or refused. */
export interface AuditRecord {
  /** In whose name; empty where the request does not say it legibly. */
  readonly user: string;
  /** The caller's `host:port`. */
  readonly from: string;
  /** Name of the operation. */
  readonly what: string;
  /** That the request names, in its order: as many, and so much of each, as a record has room for. */
  readonly paths: readonly string[];
  /** How many more it names; absent: none. */
  readonly more?: number;
  /** `client/call`, the same of each attempt of a change; absent where it was made in no session. */
  readonly call?: string;
  /** `ok`, or the code of the refusal. */
  readonly result: string;
  /** Entry as of which the answer holds; 0: of a refusal that has none. */
  readonly sn: number;
}

export interface AuditLog {
  /** Never waits, and never throws: where there is no room the record is lost, and that is told. */
  note(record: AuditRecord): void;
}
