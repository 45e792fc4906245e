/**
 * Whether a claimant can win against a busy leader (design 3.2), as a model in time: one step is one round trip of the leader, which writes
 * a slot in each, or not. The leader wins every race within a step. A claimant's request takes up to `slowness` steps, and it needs several:
 * it reads what follows, re-reads the boundary, applies, and sends its claim, which wins only where nothing was written meanwhile.
 *
 * Only liveness is asked here: what a claim may do was explored in s3-journal.ts.
 */
import type { Branches, Model } from '../explore.js';

export interface Race {
  /** A claimant that lost two slots running puts an intent; the leader pauses where it finds one. */
  readonly intents: boolean;
  /** Steps that a request of the claimant takes at most. */
  readonly slowness: number;
  /** Steps between two looks of the leader for intents. */
  readonly lookEvery: number;
  /** Steps that the leader's first pause for an intent takes. */
  readonly pause: number;
  /** Each later pause for the same intent is twice as long, so many times; after that it is the same. */
  readonly doublings: number;
}

const PHASES = ['reads', 'has read', 'reads the boundary', 'claims', 'has lost', 'leads'] as const;

export interface RaceState {
  phase: (typeof PHASES)[number];
  /** Steps since the request in hand was sent. */
  age: number;
  /** Slots that stand behind what the claimant has applied. */
  behind: number;
  /** Of them, those it has read. */
  read: number;
  /** Slots lost running, up to 2. */
  lost: number;
  /** An intent stands, or is on its way for so many steps. */
  intent: 'none' | 'stands' | number;
  /** Steps until the leader looks for intents; while it pauses, until it writes again. */
  left: number;
  pausing: boolean;
  pauses: number;
}

/** So far behind a claimant never is: it reads everything at a time. */
const BEHIND_MAX = 200;

export function claimRace(race: Race): Model<RaceState> {
  return {
    initial: () => ({
      phase: 'reads',
      age: 0,
      behind: 0,
      read: 0,
      lost: 0,
      intent: 'none',
      left: race.lookEvery,
      pausing: false,
      pauses: 0,
    }),
    encode(s, bytes) {
      const intent = s.intent === 'none' ? 255 : s.intent === 'stands' ? 254 : s.intent;
      bytes.set([PHASES.indexOf(s.phase), s.age, s.behind, s.read, s.lost, intent, s.left, Number(s.pausing), s.pauses]);
      return 9;
    },
    decode(bytes, from) {
      const [phase = 0, age = 0, behind = 0, read = 0, lost = 0, intent = 0, left = 0, pausing = 0, pauses = 0] = bytes.subarray(
        from,
        from + 9,
      );
      return {
        phase: PHASES[phase] ?? 'reads',
        age,
        behind,
        read,
        lost,
        intent: intent === 255 ? 'none' : intent === 254 ? 'stands' : intent,
        left,
        pausing: pausing === 1,
        pauses,
      };
    },
    branch(s, branches) {
      if (s.phase === 'leads') return;
      for (const writes of s.pausing ? [false] : [true, false]) branchRoundTrip(s, race, writes, branches);
    },
  };
}

/** One round trip: the leader's, then what the claimant's request may have come to. */
function branchRoundTrip(s: RaceState, race: Race, writes: boolean, branches: Branches<RaceState>): void {
  const label = s.pausing ? 'the leader pauses' : writes ? 'the leader writes' : 'the leader has nothing to write';
  const step = (what: string, change: (next: RaceState) => void): void =>
    branches.step(`${label}, the claimant ${what}`, (next) => {
      if (writes) next.behind += 1;
      if (next.behind > BEHIND_MAX) throw new RangeError('the claimant is too far behind');
      change(next);
      next.age = next.phase === s.phase ? s.age + 1 : next.age;
      moveIntent(next, s, race);
      moveLeader(next, race);
    });
  const isLast = s.age + 1 >= race.slowness;
  switch (s.phase) {
    case 'reads':
      step('has what stands there', (next) => {
        next.phase = isLast ? 'reads the boundary' : 'has read';
        next.age = isLast ? 0 : s.age + 1;
        next.read = next.behind;
      });
      if (!isLast) step('still reads', () => {});
      break;
    case 'has read':
      branchAnswer(isLast, step, 'is told what stood there', 'reads the boundary');
      break;
    case 'reads the boundary':
      step('applies what it read and sends its claim', (next) => {
        next.behind -= s.read;
        next.read = 0;
        next.phase = 'claims';
        next.age = 0;
      });
      if (!isLast) step('still reads the boundary', () => {});
      break;
    case 'claims':
      step('has its claim there', (next) => {
        if (next.behind === 0) next.phase = 'leads';
        else {
          next.lost = Math.min(2, s.lost + 1);
          next.phase = isLast ? 'reads' : 'has lost';
          next.age = isLast ? 0 : s.age + 1;
        }
      });
      if (!isLast) step('has its claim on the way', () => {});
      break;
    case 'has lost':
      branchAnswer(isLast, step, 'is told that it lost', 'reads');
      break;
  }
}

type Step = (what: string, change: (next: RaceState) => void) => void;

/** The answer to what has taken effect comes now, or later. */
function branchAnswer(isLast: boolean, step: Step, what: string, then: RaceState['phase']): void {
  step(what, (next) => {
    next.phase = then;
    next.age = 0;
  });
  if (!isLast) step('waits for the answer', () => {});
}

/** Put with the second slot lost; there after as long as a request may take. */
function moveIntent(next: RaceState, before: RaceState, race: Race): void {
  if (!race.intents) return;
  if (before.intent === 'none' && next.lost === 2) next.intent = race.slowness;
  else if (typeof before.intent === 'number') next.intent = before.intent > 1 ? before.intent - 1 : 'stands';
}

function moveLeader(next: RaceState, race: Race): void {
  next.left -= 1;
  if (next.left > 0) return;
  if (!next.pausing && next.intent === 'stands') {
    next.pausing = true;
    next.left = race.pause * 2 ** next.pauses;
    next.pauses = Math.min(race.doublings, next.pauses + 1);
  } else {
    next.pausing = false;
    next.left = race.lookEvery;
  }
}
