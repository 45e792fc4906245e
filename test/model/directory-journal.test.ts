/**
 * The protocol of design 3.1, explored: sound with every rule, broken without any one of them.
 *
 * Wider bounds are explored, and are tests at all, only in the full mode: `npx vitest run --mode full test/model` (2 to some tens of
 * millions of states each, up to a few GB of memory, half an hour or more).
 */
import { describe, expect, it } from 'vitest';
import { directoryJournal } from './directory-journal.js';
import { describeExploration, explore, type Model } from './explore.js';
import { DURABLE, type JournalState, TORN } from './journal-state.js';
import type { Bounds, Rule } from './rules.js';

const full = (import.meta as { env?: { MODE?: string } }).env?.MODE === 'full';
const MINUTES = 60_000;

const bounds = (given: Partial<Bounds>): Bounds => ({
  epochs: 3,
  appends: 2,
  crashes: ['power'],
  crashesMax: 1,
  rotation: false,
  tornMarks: false,
  reads: false,
  ...given,
});

function expectSound(given: Partial<Bounds>, statesMax?: number): void {
  const found = explore(directoryJournal(bounds(given)), statesMax === undefined ? {} : { statesMax });
  if (found.violation || !found.complete) expect.fail(describeExploration(found));
  console.info(`${JSON.stringify(given)}: ${describeExploration(found)}`);
}

describe('directory journal, all rules', () => {
  const worlds: Record<string, Partial<Bounds>> = {
    'power cut': {},
    'two power cuts': { crashesMax: 2 },
    'file server restart': { crashes: ['server'] },
    'four claimants': { epochs: 4, appends: 1, crashes: ['power', 'server'] },
    'segment rotation': { rotation: true, epochs: 2, appends: 3, crashes: ['power', 'server'] },
    'torn mark pages': { tornMarks: true, epochs: 2, appends: 3, crashes: ['power', 'server'] },
    'damage below marks': { tornMarks: true, epochs: 2, appends: 3, crashes: ['damage'] },
    'damaged copies': { crashes: ['damage'] },
    'an entry goes bad below standbys': { epochs: 2, appends: 3, crashes: ['rot', 'power', 'server'], crashesMax: 2 },
    'an entry goes bad below standbys, torn marks': { epochs: 2, appends: 3, tornMarks: true, crashes: ['rot'] },
    'a copy goes bad below standbys': { crashes: ['rot'] },
    'a copy goes bad below standbys, four epochs': { epochs: 4, appends: 1, crashes: ['rot'] },
    'reads on the leader': { reads: true, epochs: 2 },
    'rotation, torn marks and damage together': { rotation: true, tornMarks: true, epochs: 2, crashes: ['power', 'server', 'damage'] },
  };
  it.each(Object.keys(worlds))('directory journal: %s, no invariant breaks', { timeout: 3 * MINUTES }, (world) =>
    expectSound(worlds[world] ?? {}),
  );
});

if (full) {
  describe('directory journal, all rules, wide', () => {
    const worlds: Record<string, Partial<Bounds>> = {
      'three epochs with rotation': { rotation: true, crashes: ['power', 'server'] },
      'three epochs with torn marks': { tornMarks: true, crashes: ['power', 'server', 'damage'] },
      'three epochs of three batches': { appends: 3 },
      'two epochs of three batches, everything': {
        rotation: true,
        tornMarks: true,
        epochs: 2,
        appends: 3,
        crashes: ['power', 'server', 'damage'],
      },
      'torn marks of four batches, two crashes': {
        tornMarks: true,
        epochs: 2,
        appends: 4,
        crashes: ['power', 'server', 'damage'],
        crashesMax: 2,
      },
      'three epochs with rotation and torn marks': { rotation: true, tornMarks: true, crashes: ['power', 'damage'] },
      'a copy goes bad below standbys, four epochs, two crashes': {
        epochs: 4,
        appends: 1,
        crashes: ['rot', 'power', 'server'],
        crashesMax: 2,
      },
      'four epochs of two batches': { epochs: 4 },
    };
    it.each(Object.keys(worlds))('directory journal: %s, no invariant breaks', { timeout: 60 * MINUTES }, (world) =>
      expectSound(worlds[world] ?? {}, 60_000_000),
    );
  });
}

describe('directory journal, a rule taken away', () => {
  const small = { epochs: 2 };
  const rot: Partial<Bounds> = { epochs: 2, appends: 3, crashes: ['rot', 'power'], crashesMax: 2 };
  const torn = { epochs: 2, appends: 3, tornMarks: true };
  const breaks: Record<Rule, [Partial<Bounds>, invariant: string, detail: RegExp]> = {
    fenceBeforeRead: [small, 'I2', /acknowledged \[1\.1\], the leader has \[2\.1\]/],
    fenceAll: [{}, 'I1', /acknowledged \[1\.1 3\.1\], the leader has \[1\.1\]/],
    fenceKnownCommitted: [small, 'I1', /acknowledged \[1\.1 1\.2 2\.1\], the leader has \[1\.1 1\.2\]/],
    copySuffix: [small, 'I1', /\[2\.1\] builds on epoch 1, whose slot may be lost/],
    copyBeforeSlot: [{}, 'I10', /epoch 2 has 0 entries, its slot promises 1 copies/],
    slotBeforeBatch: [small, 'I10', /epoch 1 has a bad slot above valid batches/],
    ownBatch: [{}, 'I10', /epoch 2 has a bad slot above valid batches/],
    check: [small, 'I1', /acknowledged \[1\.1 2\.1\], the leader has \[1\.1\]/],
    checkAfterSync: [small, 'I1', /acknowledged \[1\.1 2\.1\], the leader has \[1\.1\]/],
    passOver: [rot, 'I10', /epoch 1 has sound batches behind entry 1, which is not/],
    passToApplied: [rot, 'I1', /acknowledged \[1\.1 1\.2 1\.3 2\.1\], storage has \[1\.1 1\.2 gone 2\.1\]/],
    passByHash: [rot, 'I2', /acknowledged \[1\.1\], the leader has \[foreign 1\.2 2\.1\]/],
    repeatSlot: [{ epochs: 4, appends: 1, crashes: ['rot'] }, 'I1', /\[1\.1 2\.1 4\.1\] builds on epoch 3, whose slot may be lost/],
    readCommitted: [{ ...small, reads: true }, 'I6', /a reader was shown \[1\.1 1\.2\], the leader has \[1\.1 2\.1\]/],
    confirmAfterRequest: [{ ...small, reads: true }, 'I6', /is older than what was acknowledged before the read came/],
    marks: [small, 'I4', /the follower applied \[1\.1\], which is not on the chain of epoch 2/],
    ownMark: [{}, 'I4', /the follower applied \[1\.1\], acknowledged is \[3\.1\]/],
    alternatePages: [{ ...torn, crashes: ['damage'] }, 'I2', /acknowledged \[1\.1 1\.2\], the leader has \[2\.1\]/],
    oneMarkAtATime: [torn, 'I10', /both marks of epoch 1 are bad/],
    emptyPageIsNotBad: [torn, 'I10', /both marks of epoch 1 are bad/],
    tearAboveMarks: [{ ...torn, crashes: ['damage'] }, 'I2', /acknowledged \[1\.1\], the leader has \[2\.1\]/],
    copiesCounted: [{ crashes: ['damage'] }, 'I2', /acknowledged \[1\.1\], the leader has \[3\.1\]/],
    segmentBeforeTrailer: [{ ...small, rotation: true }, 'I10', /a trailer of epoch 1 names a segment that is not there/],
    trailerBeforeBatch: [{ ...small, rotation: true }, 'I1', /acknowledged \[1\.1 1\.2\]/],
    highestEpoch: [small, 'I10', /the follower stays at \[1\.1\], epoch 2 has marked \[1\.1 2\.1\]/],
    resumeByHash: [small, 'I4', /the follower applied \[1\.1 1\.1 2\.1\], acknowledged is \[1\.1 2\.1\]/],
    walkDown: [small, 'I4', /the follower applied \[2\.1\], acknowledged is \[1\.1 2\.1\]/],
    stopAtBase: [small, 'I4', /the follower applied \[1\.1 1\.2/],
  };
  it.each(Object.entries(breaks))(
    'directory journal: without %s, an invariant breaks',
    { timeout: MINUTES },
    (rule, [world, invariant, detail]) => {
      const { violation } = explore(directoryJournal(bounds(world), { [rule]: false }));
      expect(violation?.invariant, violation?.detail).toBe(invariant);
      expect(violation?.detail).toMatch(detail);
    },
  );
});

/** The model with a state declared wrong: a violation is the proof that the model gets there. */
function expectReached(given: Partial<Bounds>, wanted: (state: JournalState) => boolean): void {
  const model = directoryJournal(bounds(given));
  const probed: Model<JournalState> = {
    ...model,
    branch(state, branches) {
      if (wanted(state)) branches.violation('is there', 'reached', '');
      model.branch(state, branches);
    },
  };
  expect(explore(probed).violation?.invariant).toBe('reached');
}

describe('directory journal, what the model gets to', () => {
  const acknowledgedBy = (s: JournalState, number: number): boolean => s.acknowledged.at(-1)! >> 4 === number;

  it('directory journal: two slots name one base, both are durable and the later one leads', () => {
    expectReached({}, (s) => {
      const [, second, third] = s.epochs;
      return (
        second?.slot === DURABLE && third?.slot === DURABLE && second.base.epoch === 1 && third.base.epoch === 1 && acknowledgedBy(s, 3)
      );
    });
  });

  it('directory journal: a follower goes from epoch 1 to the end of epoch 3, three slots and copies in between', () => {
    expectReached(
      {},
      (s) => s.applied.join() === [0x11, 0x12, 0x21, 0x31].join() && s.epochs[2]?.base.epoch === 2 && (s.epochs[1]?.copies ?? 0) > 0,
    );
  });

  it('directory journal: an entry of a second segment is adopted after a power cut', () => {
    expectReached(
      { epochs: 2, rotation: true },
      (s) => s.crashes > 0 && s.epochs[0]?.rotatedAt === 1 && s.acknowledged.join() === [0x11, 0x12, 0x21].join(),
    );
  });

  it('directory journal: an entry is bad below a standby, it builds on its own point without a mark page and leads', () => {
    expectReached({ epochs: 2, appends: 3, crashes: ['rot'] }, (s) => {
      const [first, second] = s.epochs;
      const isPassed = first?.bad === 1 && first.pages[0].visible === 0 && second?.from === 2 && second.base.count === 2;
      return isPassed && acknowledgedBy(s, 2);
    });
  });

  it('directory journal: a mark page is torn by a power cut, the other one counts', () => {
    expectReached({ epochs: 2, appends: 3, tornMarks: true }, (s) => {
      const [first] = s.epochs;
      const torn = first?.pages.some((page) => page.visible === TORN && page.durable === TORN);
      return s.crashes > 0 && torn === true && s.epochs[1]?.base.count === 1 && acknowledgedBy(s, 2);
    });
  });
});
