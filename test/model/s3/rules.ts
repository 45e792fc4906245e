/**
 * The rules of the journal on S3 (design 3.2) that the model can do without, and how far it is explored.
 *
 * Every rule is there because something breaks without it: the tests take each away in turn and name what breaks.
 */
export interface Rules {
  // Slots.
  /** The store creates an object only where none stands. */
  readonly ifNoneMatch: boolean;
  /** Every object carries a random put id, by which a writer knows its own. */
  readonly compareIds: boolean;
  /** A writer never sends other bytes to a slot whose outcome is unknown to it: the same, or it gives up. */
  readonly sameBytes: boolean;
  /** … and never goes on to the next slot. */
  readonly neverSkip: boolean;
  /** A writer's first object is a claim. */
  readonly claimFirst: boolean;

  // Answering reads on the leader.
  /** A read waits until nothing stands in the next slot. */
  readonly confirm: boolean;
  /** … as seen after the request arrived. */
  readonly confirmAfterRequest: boolean;
  /** Our own late batch in the next slot fails a confirm like anything else. */
  readonly confirmOwnFails: boolean;
  /** Where the outcome of an own batch for the next slot is unknown, an empty slot counts only if the boundary, read after it, is not above it. */
  readonly confirmBoundary: boolean;
  /** An append confirms reads that came before it was sent, not those that came while it flew. */
  readonly joinOnlyLater: boolean;
  /** … and it was sent when its bytes were first sent, not when they were sent again. */
  readonly firstSendCounts: boolean;

  // Collection.
  /** Claim objects are never deleted. */
  readonly keepClaims: boolean;
  /** After its claim has succeeded a claimant re-reads the boundary. */
  readonly checkAfterClaim: boolean;
  /** After reading a run of slots, and before applying it, a reader re-reads the boundary. */
  readonly checkAfterRead: boolean;
  /** … after all of the run, not after its first slot. */
  readonly checkWholeRun: boolean;
  /** A reader that finds the next slot empty reads the boundary too. */
  readonly checkAtEnd: boolean;
  /** Boundaries are immutable objects and the highest counts; else one object, overwritten, perhaps late. */
  readonly boundaryObjects: boolean;
  /** A boundary is made before anything below it is deleted. */
  readonly boundaryFirst: boolean;
  /** … and lies at most one above what a published checkpoint holds. */
  readonly boundaryByCheckpoint: boolean;

  // Formatting anew.
  /** The keys of everything but FORMAT carry the incarnation: nothing that was on its way to the older journal can reach the new one. */
  readonly keysByIncarnation: boolean;
}

export type Rule = keyof Rules;

export const ALL_RULES: Rules = {
  ifNoneMatch: true,
  compareIds: true,
  sameBytes: true,
  neverSkip: true,
  claimFirst: true,
  confirm: true,
  confirmAfterRequest: true,
  confirmOwnFails: true,
  confirmBoundary: true,
  joinOnlyLater: true,
  firstSendCounts: true,
  keepClaims: true,
  checkAfterClaim: true,
  checkAfterRead: true,
  checkWholeRun: true,
  checkAtEnd: true,
  boundaryObjects: true,
  boundaryFirst: true,
  boundaryByCheckpoint: true,
  keysByIncarnation: true,
};

/** How much of the world is explored. */
export interface Bounds {
  /** Up to 3. Each is a standby that may claim, lead, give up, and be a standby again. */
  readonly masters: number;
  /** Up to 7. */
  readonly slots: number;
  /** Claims that each master may send, by master; up to 3. One with none is a standby for ever. */
  readonly claims: readonly number[];
  /** Slots that a reader fetches at a time, in any order: 1 or 2. */
  readonly prefetch: number;
  /** Checkpoints, boundaries and deletions happen. */
  readonly collection: boolean;
  /** Leaders answer reads, one at a time. */
  readonly reads: boolean;
  /** Once, the journal is formatted anew by force: all is deleted, and every master begins again. */
  readonly format: boolean;
}
