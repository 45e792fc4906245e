/**
 * The protocol of design 3.2, explored: sound with every rule, broken without any one of them.
 *
 * Wider bounds are explored, and are tests at all, only in the full mode: `npx vitest run --mode full test/model`.
 */
import { describe, expect, it } from 'vitest';
import { describeExploration, explore, type Model } from '../explore.js';
import { deadEnd } from '../liveness.js';
import type { Bounds, Rule, Rules } from './rules.js';
import { s3Journal } from './s3-journal.js';
import { isClaim, type S3State } from './state.js';

const full = (import.meta as { env?: { MODE?: string } }).env?.MODE === 'full';
const MINUTES = 60_000;

const bounds = (given: Partial<Bounds>): Bounds => ({
  masters: 2,
  slots: 3,
  claims: [1, 1],
  prefetch: 1,
  collection: true,
  reads: false,
  format: false,
  ...given,
});

function expectSound(given: Partial<Bounds>, statesMax?: number): void {
  const found = explore(s3Journal(bounds(given)), statesMax === undefined ? {} : { statesMax });
  if (found.violation || !found.complete) expect.fail(describeExploration(found));
  console.info(`S3 ${JSON.stringify(given)}: ${describeExploration(found)}`);
}

describe('S3 journal, all rules', () => {
  const worlds: Record<string, Partial<Bounds>> = {
    'claims and appends': { collection: false, slots: 4, claims: [2, 2] },
    'reads on the leader': { collection: false, reads: true, claims: [2, 1] },
    collection: { claims: [2, 1] },
    'collection and reads': { reads: true },
    'a reader that fetches ahead': { prefetch: 2, masters: 3, slots: 2, claims: [1, 1, 0] },
    'formatted anew': { format: true, claims: [2, 0] },
  };
  it.each(Object.keys(worlds))('S3 journal: %s, no invariant breaks', { timeout: 3 * MINUTES }, (world) =>
    expectSound(worlds[world] ?? {}),
  );
});

if (full) {
  describe('S3 journal, all rules, wide', () => {
    const worlds: Record<string, Partial<Bounds>> = {
      'two claims each, four slots': { slots: 4, claims: [2, 2] },
      'two claims each, reads': { claims: [2, 2], reads: true },
      'three claims of one master, reads': { claims: [3, 1], reads: true },
      'three masters': { masters: 3, claims: [1, 1, 1] },
      'three masters, four slots': { masters: 3, slots: 4, claims: [1, 1, 1] },
      'a reader that fetches ahead, three slots': { prefetch: 2, masters: 3, claims: [1, 1, 0] },
      'formatted anew under two leaders': { format: true, claims: [2, 1], reads: true },
    };
    it.each(Object.keys(worlds))('S3 journal: %s, no invariant breaks', { timeout: 60 * MINUTES }, (world) =>
      expectSound(worlds[world] ?? {}, 60_000_000),
    );
  });
}

describe('S3 journal, a rule taken away', () => {
  const plain = { collection: false };
  const reads = { collection: false, reads: true };
  const breaks: Record<Exclude<Rule, 'checkAtEnd'>, [Partial<Bounds>, invariant: string, detail: RegExp]> = {
    ifNoneMatch: [plain, 'I2', /leads from slot 1, where the log has 0\.1\.0/],
    compareIds: [plain, 'I2', /leads from slot 1, where the log has 0\.1\.0/],
    sameBytes: [{}, 'I2', /acknowledged 0\.1\.2 in slot 2, where the log has 0\.1\.1/],
    neverSkip: [plain, 'I1', /acknowledged slot 3, and slot 2 is empty/],
    claimFirst: [{}, 'I2', /acknowledged 1\.1\.1 in slot 1, where the log has 0\.1\.1/],
    confirm: [reads, 'I6', /shows slot 1, 2 was known/],
    confirmAfterRequest: [reads, 'I6', /shows slot 1, 3 was known/],
    confirmOwnFails: [reads, 'I6', /shows slot 1, 3 was known/],
    confirmBoundary: [{ reads: true }, 'I6', /shows slot 1, 3 was known/],
    joinOnlyLater: [reads, 'I6', /shows slot 2, 3 was known/],
    firstSendCounts: [reads, 'I6', /shows slot 2, 3 was known/],
    keepClaims: [{}, 'I2', /acknowledged 0\.1\.1 in slot 2, where the log has 1\.1\.0/],
    checkAfterClaim: [{}, 'I2', /leads from slot 2, where the log has 0\.1\.1/],
    checkAfterRead: [{}, 'I4', /applied 1\.1\.0 at 2, the log has 0\.1\.1/],
    checkWholeRun: [{ prefetch: 2, masters: 3, slots: 2, claims: [1, 1, 0] }, 'I4', /applied 1\.1\.0 at 2, the log has 0\.1\.1/],
    boundaryObjects: [{}, 'I2', /leads from slot 2, where the log has 0\.1\.1/],
    boundaryFirst: [{}, 'I2', /leads from slot 2, where the log has 0\.1\.1/],
    boundaryByCheckpoint: [{}, 'I1', /slot 2 was acknowledged, checkpoint 0 does not hold it, and it is gone/],
    keysByIncarnation: [{ format: true, claims: [2, 0] }, 'I1', /slot 1 was acknowledged, checkpoint 0 does not hold it, and it is gone/],
  };
  it.each(Object.entries(breaks))(
    'S3 journal: without %s, an invariant breaks',
    { timeout: MINUTES },
    (rule, [world, invariant, detail]) => {
      const { violation } = explore(s3Journal(bounds(world), { [rule]: false }));
      expect(violation?.invariant, violation?.detail).toBe(invariant);
      expect(violation?.detail).toMatch(detail);
    },
  );
});

describe('S3 journal, a standby that only follows', () => {
  const given = bounds({ claims: [2, 0] });
  const hasAll = (s: S3State): boolean => (s.masters[1]?.applied ?? 0) >= s.truth.filter((id) => id !== 0).length;
  const stuck = (without: Partial<Rules>) => deadEnd(s3Journal(given, without), hasAll, (label) => label.startsWith('1 '));

  it('S3 journal: whatever has happened, a standby gets to the end of the log by its own steps', () => {
    expect(stuck({})).toBeUndefined();
  });

  it('S3 journal: without checkAtEnd, a standby behind the boundary takes an empty slot for the end for ever', () => {
    expect(stuck({ checkAtEnd: false })?.at(-1)).toMatch(/^slot \d is deleted$/);
  });
});

/** The model with a state declared wrong: a violation is the proof that the model gets there. */
function expectReached(given: Partial<Bounds>, wanted: (state: S3State) => boolean): void {
  const model = s3Journal(bounds(given));
  const probed: Model<S3State> = {
    ...model,
    branch(state, branches) {
      if (wanted(state)) branches.violation('is there', 'reached', '');
      model.branch(state, branches);
    },
  };
  expect(explore(probed).violation?.invariant).toBe('reached');
}

describe('S3 journal, what the model gets to', () => {
  const isLeading = (s: S3State, index: number): boolean => s.masters[index]?.doing === 'leading';

  it('S3 journal: a batch given up lands late, its own master applies it and leads behind it', () => {
    expectReached({ collection: false, claims: [2, 0] }, (s) => s.truth[2] === 0x51 && s.truth[3] === 0x60 && isLeading(s, 0));
  });

  it('S3 journal: a claim stands in a collected slot, and its master has given it up for a checkpoint', () => {
    expectReached({}, (s) => s.at[2] === 0x80 + 0x10 && s.truth[2] === 0x51 && s.masters[1]?.applied === 2 && !isLeading(s, 1));
  });

  it('S3 journal: everything but claims is collected, and a later leader goes on', () => {
    expectReached(
      { slots: 4 },
      (s) => s.at[2] === 0 && isClaim(s.truth[3] ?? 0) && s.boundary === 4 && s.acknowledged === 4 && isLeading(s, 1),
    );
  });
});
