/**
 * One state of the modelled journal on S3: what stands in the bucket, what is under way to it, what each master is about to do, and what
 * the world was promised.
 *
 * An object's name stands for its put id and its bytes: the master, which claim of its, which batch of that claim (0: the claim itself).
 * `truth` remembers the first object ever made in each slot; nobody may apply, lead from or acknowledge anything else there.
 */
export type ObjectId = number;

export const NOTHING: ObjectId = 0;

const DOING = ['standby', 'putting', 'claimed', 'leading', 'gaveUp'] as const;
/**
 * What a master does. It may also never do anything more: a stop needs no step of its own. `putting`: a PUT for the next slot was sent, and
 * its outcome is not known. `gaveUp`: it has stopped asking for the outcome of a batch, and its dead writer still confirms.
 */
type Doing = (typeof DOING)[number];

/** The read in hand on a leader. */
export interface Read {
  /** The last slot that it saw; 0 where there is none in hand. */
  saw: number;
  /** It misses something that was acknowledged or shown before it came. */
  stale: boolean;
  /** The next slot was found empty. */
  looked: boolean;
  /** An append under way will confirm it. */
  rides: boolean;
  confirmed: boolean;
}

export interface MasterState {
  doing: Doing;
  /** The last slot it has applied, which is its writer's end. What it puts is for the next. */
  applied: number;
  /** Claims and, since the last, batches that it has sent. */
  claims: number;
  batches: number;
  /** The object whose outcome it does not know. */
  put: ObjectId;
  /** The store has made it: its answer may come, however late. */
  made: boolean;
  /** What was fetched of the slots behind `applied`. */
  got: [ObjectId, ObjectId];
  /** The boundary was re-read since, and lay below them. */
  checked: boolean;
  read: Read;
}

export interface S3State {
  /** Index is the slot; 0 is not used. */
  at: ObjectId[];
  truth: ObjectId[];
  /** PUTs that may reach the store at any time, any number of times, or never: slot and object, sorted. */
  net: (readonly [slot: number, id: ObjectId])[];
  /** Slots below it may be gone. */
  boundary: number;
  /** Boundaries that may still reach the store. */
  boundaries: number[];
  /** The last slot that the newest checkpoint holds. */
  checkpoint: number;
  /** The last slot that was acknowledged, or shown to a reader. */
  acknowledged: number;
  isFormatted: boolean;
  /** Slots whose deletion by the format may still reach the store. */
  doomed: number[];
  masters: MasterState[];
}

export const noRead = (): Read => ({ saw: 0, stale: false, looked: false, rides: false, confirmed: false });

export const newState = (masters: number, slots: number): S3State => ({
  at: Array(slots + 3).fill(NOTHING),
  truth: Array(slots + 3).fill(NOTHING),
  net: [],
  boundary: 1,
  boundaries: [],
  checkpoint: 0,
  acknowledged: 0,
  isFormatted: false,
  doomed: [],
  masters: Array.from({ length: masters }, () => ({
    doing: 'standby',
    applied: 0,
    claims: 0,
    batches: 0,
    put: NOTHING,
    made: false,
    got: [NOTHING, NOTHING],
    checked: false,
    read: noRead(),
  })),
});

export const objectOf = (master: number, claim: number, batch: number): ObjectId => ((master + 1) << 6) | (claim << 4) | batch;
export const isClaim = (id: ObjectId): boolean => id !== NOTHING && (id & 15) === 0;
export const show = (id: ObjectId): string => (id === NOTHING ? 'nothing' : `${(id >> 6) - 1}.${(id >> 4) & 3}.${id & 15}`);
export const isWriter = ({ doing, put }: MasterState): boolean =>
  doing === 'leading' || doing === 'gaveUp' || (doing === 'putting' && !isClaim(put));

/** @returns the length in bytes. */
export function encodeState(s: S3State, bytes: Uint8Array): number {
  let at = 0;
  bytes[at++] = (s.masters.length << 4) | s.at.length;
  for (let slot = 1; slot < s.at.length; slot++) {
    bytes[at++] = s.at[slot] ?? NOTHING;
    bytes[at++] = s.truth[slot] ?? NOTHING;
  }
  bytes[at++] = (s.boundary << 4) | s.checkpoint;
  bytes[at++] = (s.acknowledged << 4) | s.boundaries.length;
  for (const boundary of s.boundaries) bytes[at++] = boundary;
  bytes[at++] = (s.isFormatted ? 16 : 0) | s.doomed.length;
  for (const slot of s.doomed) bytes[at++] = slot;
  bytes[at++] = s.net.length;
  for (const [slot, id] of s.net) {
    bytes[at++] = slot;
    bytes[at++] = id;
  }
  for (const m of s.masters) {
    bytes[at++] = DOING.indexOf(m.doing) | (m.applied << 4);
    bytes[at++] = m.claims | (m.batches << 2) | (m.made ? 64 : 0) | (m.checked ? 128 : 0);
    bytes[at++] = m.put;
    bytes[at++] = m.got[0];
    bytes[at++] = m.got[1];
    const { saw, stale, looked, rides, confirmed } = m.read;
    bytes[at++] = saw | (stale ? 16 : 0) | (looked ? 32 : 0) | (rides ? 64 : 0) | (confirmed ? 128 : 0);
  }
  return at;
}

export function decodeState(bytes: Uint8Array, from: number): S3State {
  let next = from;
  const byte = (): number => bytes[next++] ?? 0;
  const sizes = byte();
  const [at, truth] = [[NOTHING], [NOTHING]];
  for (let slot = 1; slot < (sizes & 15); slot++) {
    at.push(byte());
    truth.push(byte());
  }
  const [collected, promised] = [byte(), byte()];
  const boundaries = Array.from({ length: promised & 15 }, byte);
  const formatted = byte();
  const doomed = Array.from({ length: formatted & 15 }, byte);
  const net = Array.from({ length: byte() }, () => [byte(), byte()] as const);
  const masters = Array.from({ length: sizes >> 4 }, (): MasterState => {
    const [first, counts, put, got0, got1, read] = [byte(), byte(), byte(), byte(), byte(), byte()];
    return {
      doing: DOING[first & 15] ?? 'standby',
      applied: first >> 4,
      claims: counts & 3,
      batches: (counts >> 2) & 15,
      put,
      made: (counts & 64) !== 0,
      got: [got0, got1],
      checked: (counts & 128) !== 0,
      read: {
        saw: read & 15,
        stale: (read & 16) !== 0,
        looked: (read & 32) !== 0,
        rides: (read & 64) !== 0,
        confirmed: (read & 128) !== 0,
      },
    };
  });
  return {
    at,
    truth,
    net,
    boundary: collected >> 4,
    boundaries,
    checkpoint: collected & 15,
    acknowledged: promised >> 4,
    isFormatted: (formatted & 16) !== 0,
    doomed,
    masters,
  };
}

export function masterAt(s: S3State, index: number): MasterState {
  const found = s.masters[index];
  if (!found) throw new RangeError(`no master ${index}`);
  return found;
}
