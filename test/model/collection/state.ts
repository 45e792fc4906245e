/**
 * One state of a directory journal that is being collected: what the ledger and the folders hold, and what each process is about to do.
 *
 * Simpler than the model of the protocol itself (../journal-state.ts), which it takes for granted: a written entry is durable at once, and
 * stands in a segment of its own, so that anything can be collected that ever could be. An entry is `epoch * 16 + number`, wherever it stands,
 * copied or not. The second entry that an epoch writes is a retention: a checkpoint holds all before it, and that is the boundary.
 */
export type Entry = number;

const STEPS = ['fence', 'ledger', 'read', 'deliver', 'slot', 'write', 'check', 'dead'] as const;
type NextStep = (typeof STEPS)[number];

/** What is under way with a retention: nothing; its mark can be seen; is durable; the fence was clean after that, and files are deleted. */
export const [IDLE, SEEN, KNOWN, DELETING] = [0, 1, 2, 3];

/** Covers so many entries of its epoch's segments (0: there is none), and makes a boundary known. */
interface MarkPage {
  entries: number;
  boundary: number;
}

export interface EpochState {
  doing: NextStep;
  /** The epoch to fence next; once the ledger was read, the head. */
  target: number;
  fenced: boolean;
  slotted: boolean;
  base: { epoch: number; count: number; sn: number };
  /** How much of the log the claimant has applied. */
  from: number;
  /** It lacks a part of what it believes to have. */
  hole: boolean;
  /** Copies, then its own. */
  entries: Entry[];
  copies: number;
  /** A bit for each entry whose segment is deleted. */
  gone: number;
  seen: MarkPage;
  durable: MarkPage;
  /** The boundary that its next mark makes known. */
  boundary: number;
  retaining: number;
  committed: number;
}

export interface CollectionState {
  acknowledged: Entry[];
  /** A bit for each sequence number that a stored checkpoint is of. */
  checkpoints: number;
  /** Index 0 is epoch 1. */
  epochs: EpochState[];
  /** What the reader applied, and where it goes on: up to entry `to` of an epoch. Epoch 0: it has to look. */
  applied: Entry[];
  plan: { epoch: number; index: number; to: number };
}

export const noEpochs = (): CollectionState => ({
  acknowledged: [],
  checkpoints: 0,
  epochs: [],
  applied: [],
  plan: { epoch: 0, index: 0, to: 0 },
});

export const newEpoch = (number: number, from: number, boundary: number): EpochState => ({
  doing: number > 1 ? 'fence' : 'ledger',
  target: number - 1,
  fenced: false,
  slotted: false,
  base: { epoch: 0, count: 0, sn: 0 },
  from,
  hole: false,
  entries: [],
  copies: 0,
  gone: 0,
  seen: { entries: 0, boundary: 0 },
  durable: { entries: 0, boundary: 0 },
  boundary,
  retaining: IDLE,
  committed: 0,
});

/** @returns the length in bytes. */
export function encodeState(s: CollectionState, bytes: Uint8Array): number {
  let at = 0;
  const put = (...values: number[]): void => {
    for (const value of values) bytes[at++] = value;
  };
  const putEntries = (list: readonly Entry[]): void => put(list.length, ...list);
  put(s.epochs.length, s.checkpoints & 255, s.checkpoints >> 8, s.plan.epoch, s.plan.index, s.plan.to);
  putEntries(s.acknowledged);
  putEntries(s.applied);
  for (const e of s.epochs) {
    put(STEPS.indexOf(e.doing), e.target, Number(e.fenced) | (Number(e.slotted) << 1) | (Number(e.hole) << 2), e.retaining);
    put(e.base.epoch, e.base.count, e.base.sn, e.from, e.copies, e.gone & 255, e.gone >> 8);
    put(e.seen.entries, e.seen.boundary, e.durable.entries, e.durable.boundary, e.boundary, e.committed);
    putEntries(e.entries);
  }
  return at;
}

export function decodeState(bytes: Uint8Array, from: number): CollectionState {
  let at = from;
  const get = (): number => bytes[at++] ?? 0;
  const getEntries = (): Entry[] => Array.from({ length: get() }, get);
  const count = get();
  const checkpoints = get() | (get() << 8);
  const plan = { epoch: get(), index: get(), to: get() };
  const s: CollectionState = { acknowledged: getEntries(), applied: getEntries(), checkpoints, plan, epochs: [] };
  for (let left = count; left > 0; left--) {
    const doing = STEPS[get()] ?? 'dead';
    const target = get();
    const flags = get();
    const retaining = get();
    const base = { epoch: get(), count: get(), sn: get() };
    const applied = get();
    const copies = get();
    const gone = get() | (get() << 8);
    const seen = { entries: get(), boundary: get() };
    const durable = { entries: get(), boundary: get() };
    const [boundary, committed] = [get(), get()];
    const flag = { fenced: (flags & 1) !== 0, slotted: (flags & 2) !== 0, hole: (flags & 4) !== 0 };
    const rest = { retaining, base, from: applied, copies, gone, seen, durable, boundary, committed };
    s.epochs.push({ doing, target, ...flag, ...rest, entries: getEntries() });
  }
  return s;
}
