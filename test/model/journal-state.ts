/**
 * One state of the modelled directory journal: what is on storage, what each candidate is about to do, and what the world was promised.
 *
 * Candidate n takes epoch n, so an epoch's files and its holder's progress are one record. A write is *visible* to every reader at some
 * moment between its call and the return of its sync, and *durable* when the sync has returned. An entry is named `epoch * 16 + number`
 * wherever it stands, copied or not; a name stands for its hash too, for an epoch builds on one log only. Every number is below 16, so
 * that a state packs into a few dozen bytes.
 */
export type Entry = number;

/** Stands where the log should have an entry and storage has none. */
export const GONE: Entry = 0xff;
/** An entry of another log, in the state of a claimant that has no business here. */
export const FOREIGN: Entry = 0xf0;
/** What a mark page holds that is half written. */
export const TORN = 15;

/** How far a write has come. A crash turns a `visible` slot into `bad`. */
export const NONE = 0;
export const VISIBLE = 1;
export const DURABLE = 2;
export const BAD = 3;

const STEPS = ['fence', 'ledger', 'read', 'repeat', 'copy', 'slot', 'write', 'sync', 'check', 'create', 'trailer', 'dead'] as const;
/** What a candidate does next. It may also never do it: a stop needs no step of its own. */
export type NextStep = (typeof STEPS)[number];

/** A mark covers that many entries of its epoch's segments; 0 where there is none. Marks only grow, so the value stands for the counter too. */
interface MarkPage {
  durable: number;
  visible: number;
  /** What is being written, 0 where nothing is. */
  writing: number;
}

export interface EpochState {
  doing: NextStep;
  /** The epoch to fence next; once the ledger was read, the head. */
  target: number;
  fenced: boolean;
  slot: number;
  /** What the slot says, known to its holder before it is written: how many entries of which epoch lie below, and the sn and entry there. */
  base: { epoch: number; count: number; sn: number; last: Entry };
  copies: number;
  /** How much of what the follower applied the claimant may have; once it has read, how much it has, or 0 where storage had it all. */
  from: number;
  /** … and of another log instead. */
  stranger: boolean;
  /** Copies, then the epoch's own; as written by its holder. */
  entries: Entry[];
  visible: number;
  durable: number;
  /** The entry, counted from 1, that can no longer be read though those behind it can; 0 where there is none. */
  bad: number;
  /** Entries before the second segment; 0 while there is one only. */
  rotatedAt: number;
  successor: number;
  trailer: number;
  pages: [MarkPage, MarkPage];
  /** The highest mark that was ever durable. */
  everMarked: number;
  /** Entries that the holder knows committed. */
  committed: number;
  /** The read in hand on this leader: entries it saw (0: none in hand), whether a confirm came back, and whether it misses what was acknowledged before. */
  saw: number;
  confirmed: boolean;
  stale: boolean;
}

export interface JournalState {
  /** How often the world struck. */
  crashes: number;
  damaged: boolean;
  /** Index 0 is epoch 1. Only epochs that were taken are here. */
  epochs: EpochState[];
  /** The longest log that any leader acknowledged. */
  acknowledged: Entry[];
  /** What the follower applied. */
  applied: Entry[];
  /** The longest log that any read was answered from. */
  answered: Entry[];
  /** Where the follower was last; kept only where a rule taken away makes it matter. */
  followed: { epoch: number; offset: number };
}

export const noEpochs = (): JournalState => ({
  crashes: 0,
  damaged: false,
  epochs: [],
  acknowledged: [],
  applied: [],
  answered: [],
  followed: { epoch: 0, offset: 0 },
});

export const newEpoch = (number: number): EpochState => ({
  doing: 'fence',
  target: number - 1,
  fenced: false,
  slot: NONE,
  base: { epoch: 0, count: 0, sn: 0, last: 0 },
  copies: 0,
  from: 0,
  stranger: false,
  entries: [],
  visible: 0,
  durable: 0,
  bad: 0,
  rotatedAt: 0,
  successor: NONE,
  trailer: NONE,
  pages: [
    { durable: 0, visible: 0, writing: 0 },
    { durable: 0, visible: 0, writing: 0 },
  ],
  everMarked: 0,
  committed: 0,
  saw: 0,
  confirmed: false,
  stale: false,
});

export const entryOf = (epoch: number, number: number): Entry => epoch * 16 + number;
export const epochOf = (entry: Entry): number => entry >> 4;
export const showEntries = (entries: readonly Entry[]): string =>
  `[${entries.map((e) => (e === GONE ? 'gone' : e === FOREIGN ? 'foreign' : `${epochOf(e)}.${e & 15}`)).join(' ')}]`;

/** @returns whether one of the logs only goes on where the other ends. */
export function agree(a: readonly Entry[], b: readonly Entry[]): boolean {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const stepNumber = Object.fromEntries(STEPS.map((step, i) => [step, i])) as Record<NextStep, number>;

/** @returns the length in bytes. */
export function encodeState(s: JournalState, bytes: Uint8Array): number {
  let at = 0;
  bytes[at++] = s.epochs.length | (s.damaged ? 8 : 0) | (s.crashes << 4);
  bytes[at++] = pair(s.followed.epoch, s.followed.offset);
  for (const list of [s.acknowledged, s.applied, s.answered]) at = encodeEntries(list, bytes, at);
  for (const e of s.epochs) {
    bytes[at++] = stepNumber[e.doing] | (e.slot << 4) | (e.fenced ? 64 : 0) | (e.confirmed ? 128 : 0);
    bytes[at++] = pair(e.target, e.copies);
    bytes[at++] = pair(e.base.epoch, e.base.count);
    bytes[at++] = e.base.last;
    bytes[at++] = pair(e.base.sn, e.saw);
    bytes[at++] = pair(e.visible, e.durable);
    bytes[at++] = pair(e.rotatedAt, (e.successor << 2) | e.trailer);
    for (const page of e.pages) {
      bytes[at++] = pair(page.durable, page.visible);
      bytes[at++] = page.writing | (e.stranger ? 64 : 0) | (e.stale ? 128 : 0);
    }
    bytes[at++] = pair(e.everMarked, e.committed);
    bytes[at++] = pair(e.bad, e.from);
    at = encodeEntries(e.entries, bytes, at);
  }
  return at;
}

export function decodeState(bytes: Uint8Array, from: number): JournalState {
  let at = from;
  const byte = (): number => bytes[at++] ?? 0;
  const entries = (): Entry[] => {
    const list: Entry[] = [];
    for (let left = byte(); left > 0; left--) list.push(byte());
    return list;
  };
  const flags = byte();
  const followed = byte();
  const s: JournalState = {
    crashes: flags >> 4,
    damaged: (flags & 8) !== 0,
    epochs: [],
    followed: { epoch: followed >> 4, offset: followed & 15 },
    acknowledged: entries(),
    applied: entries(),
    answered: entries(),
  };
  for (let left = flags & 7; left > 0; left--) {
    const [first, target, base, last, sn, written, rotation] = [byte(), byte(), byte(), byte(), byte(), byte(), byte()];
    const [page0, writing0, page1, writing1, marked, bad] = [byte(), byte(), byte(), byte(), byte(), byte()];
    s.epochs.push({
      doing: STEPS[first & 15] ?? 'dead',
      slot: (first >> 4) & 3,
      fenced: (first & 64) !== 0,
      confirmed: (first & 128) !== 0,
      target: target >> 4,
      copies: target & 15,
      base: { epoch: base >> 4, count: base & 15, sn: sn >> 4, last },
      saw: sn & 15,
      visible: written >> 4,
      durable: written & 15,
      rotatedAt: rotation >> 4,
      successor: (rotation >> 2) & 3,
      trailer: rotation & 3,
      pages: [
        { durable: page0 >> 4, visible: page0 & 15, writing: writing0 & 15 },
        { durable: page1 >> 4, visible: page1 & 15, writing: writing1 & 15 },
      ],
      stale: (writing0 & 128) !== 0,
      stranger: (writing0 & 64) !== 0,
      bad: bad >> 4,
      from: bad & 15,
      everMarked: marked >> 4,
      committed: marked & 15,
      entries: entries(),
    });
  }
  return s;
}

function pair(high: number, low: number): number {
  if (high > 15 || low > 15) throw new RangeError(`the bounds are too wide to encode high=${high} low=${low}`);
  return (high << 4) | low;
}

function encodeEntries(list: readonly Entry[], bytes: Uint8Array, from: number): number {
  bytes[from] = list.length;
  for (let i = 0; i < list.length; i++) bytes[from + 1 + i] = list[i] ?? 0;
  return from + 1 + list.length;
}
