/**
 * The rules of the directory journal (design 3.1) that the model can do without, and how far it is explored.
 *
 * Every rule is there because something breaks without it: the tests take each away in turn and name what breaks.
 */
export interface Rules {
  // Claiming.
  /** Fence earlier epochs, then read ledger and log. */
  readonly fenceBeforeRead: boolean;
  /** Fence every earlier epoch that may be alive, not only the newest number taken. */
  readonly fenceAll: boolean;
  /** Fence down to the highest epoch known committed *inclusive*: it is the one that may still lead. */
  readonly fenceKnownCommitted: boolean;
  /** Copy what no mark covers into our own segment: what could be read need not have been durable. */
  readonly copySuffix: boolean;
  /** The copies are durable before the slot that promises them. */
  readonly copyBeforeSlot: boolean;
  /** The slot is durable before the first batch of its epoch. */
  readonly slotBeforeBatch: boolean;
  /** A bad slot is damage only where its epoch's segment holds a batch of that very epoch; copies prove nothing. */
  readonly ownBatch: boolean;
  /** Damage before what the claimant has applied is passed over: where its own point is found, it reads on, and that is its base. */
  readonly passOver: boolean;
  /** … but only what it has applied, so a mark covered it, not what it merely read. */
  readonly passToApplied: boolean;
  /** … and it is found by sn and hash, not by sn alone. */
  readonly passByHash: boolean;
  /** … and the head's slot is written once more, with the bytes that were read: its holder may not have made it durable. */
  readonly repeatSlot: boolean;

  // Appending and reading on the leader.
  /** Read our own fence page before acknowledging. */
  readonly check: boolean;
  /** … and only once the batch is durable. */
  readonly checkAfterSync: boolean;
  /** A read is answered when what it saw is committed, not merely durable. */
  readonly readCommitted: boolean;
  /** … and for a confirm that began after the request arrived. */
  readonly confirmAfterRequest: boolean;

  // Marks.
  /** A standby applies only what a mark covers. */
  readonly marks: boolean;
  /** … and believes an epoch only on a mark made in that epoch, not on the header of its claim. */
  readonly ownMark: boolean;
  /** The two mark pages are written in turn. */
  readonly alternatePages: boolean;
  /** One mark is durable before the other page is written. */
  readonly oneMarkAtATime: boolean;
  /** A torn page beside one never written is a first mark that did not come to be; only two bad pages are damage. */
  readonly emptyPageIsNotBad: boolean;
  /** A log that ends below a mark is damaged, not torn. */
  readonly tearAboveMarks: boolean;
  /** The slot says where its copies end: a segment that ends before is damaged, not torn. */
  readonly copiesCounted: boolean;

  // Segments within an epoch.
  /** The new segment is durable before the trailer that names it is written. */
  readonly segmentBeforeTrailer: boolean;
  /** The trailer is durable before the first batch behind it is written. */
  readonly trailerBeforeBatch: boolean;

  // Following.
  /** A follower goes to the highest epoch with a believable mark; the one it follows has no preference. */
  readonly highestEpoch: boolean;
  /** It finds its place again by sn and hash, not by a remembered segment and offset. */
  readonly resumeByHash: boolean;
  /** It walks slots down until it meets what it has applied. */
  readonly walkDown: boolean;
  /** Of an epoch that a slot builds on it takes what lies before the base, not all that is there. */
  readonly stopAtBase: boolean;
}

export type Rule = keyof Rules;

export const ALL_RULES: Rules = {
  fenceBeforeRead: true,
  fenceAll: true,
  fenceKnownCommitted: true,
  copySuffix: true,
  copyBeforeSlot: true,
  slotBeforeBatch: true,
  ownBatch: true,
  passOver: true,
  passToApplied: true,
  passByHash: true,
  repeatSlot: true,
  check: true,
  checkAfterSync: true,
  readCommitted: true,
  confirmAfterRequest: true,
  marks: true,
  ownMark: true,
  alternatePages: true,
  oneMarkAtATime: true,
  emptyPageIsNotBad: true,
  tearAboveMarks: true,
  copiesCounted: true,
  segmentBeforeTrailer: true,
  trailerBeforeBatch: true,
  highestEpoch: true,
  resumeByHash: true,
  walkDown: true,
  stopAtBase: true,
};

/** How much of the world is explored. Every exploration has claims, appends, stops of any length and a follower. */
export interface Bounds {
  /** Candidates; each takes one epoch. Up to 7. */
  readonly epochs: number;
  /** Own batches of each epoch, its claim included. Together with `epochs` at most 15 entries in the log. */
  readonly appends: number;
  /**
   * What may happen, `crashesMax` times in all. `power`: everything stops, and what was not durable is gone. `server`: the same loss, but the processes live
   * on and send what they were sending once more. `damage`: power, and one epoch's entries go bad from one on that a durable mark or slot
   * covers: it looks like a tear, and must not be taken for one. `rot`: nothing stops, but one entry that was promised can no longer be read where it
   * stands; those behind it can. Claimants are then standbys too, that have applied any part of what the follower has, or something else.
   */
  readonly crashes: readonly Crash[];
  readonly crashesMax: number;
  /** Epochs may go on in a second segment. */
  readonly rotation: boolean;
  /** Mark pages can be seen, and left, half written. Otherwise a mark is there or not. */
  readonly tornMarks: boolean;
  /** The leader answers reads. */
  readonly reads: boolean;
}

type Crash = 'power' | 'server' | 'damage' | 'rot';
