/** A frozen namespace as state: one row, written once, gone when it is unfrozen; which entries pass; what is refused, and how. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/metadata/entries.js';
import { checkThawed, freezeCodec } from '../../src/metadata/freeze.js';
import { planFreeze, planUnfreeze } from '../../src/metadata/plan-freeze.js';
import { Calls, errnoOf } from './calls.js';
import { JournaledState, openReplica } from './journaled-state.js';

let calls: Calls;
const AT_MS = 1_800_000_000_000;
const ROOTS = { user: 'root', reason: 'disks' };

beforeEach(async () => {
  calls = new Calls(await JournaledState.begin((await openReplica()).replica));
});
afterEach(() => calls.journaled.replica.close());

const freeze = (asked = ROOTS, atMs = AT_MS) => {
  const entry = planFreeze(asked, calls.state, atMs);
  if (entry !== null) calls.journaled.append(entry);
  return entry;
};
const unfreeze = () => {
  const entry = planUnfreeze(calls.state);
  if (entry !== null) calls.journaled.append(entry);
  return entry;
};

describe('freeze', () => {
  it('is state: who, why and since when; another one changes nothing, until it is unfrozen', () => {
    expect(calls.state.frozenBy()).toBeNull();
    expect(unfreeze()).toBeNull();
    freeze();
    const holds = { user: 'root', reason: 'disks', sinceMs: AT_MS };
    expect(calls.state.frozenBy()).toEqual(holds);
    expect(freeze({ user: 'eve', reason: 'mine' }, AT_MS + 1)).toBeNull();
    expect(calls.state.frozenBy()).toEqual(holds);
    expect(freezeCodec.decode(freezeCodec.encode(holds))).toEqual(holds);
    unfreeze();
    expect(calls.state.frozenBy()).toBeNull();
  });

  it('has a reason of bounded length', () => {
    expect(errnoOf(() => planFreeze({ user: 'root', reason: 'ü'.repeat(501) }, calls.state, AT_MS))).toBe('E2BIG');
    expect(freeze({ user: 'root', reason: 'ü'.repeat(500) })).not.toBeNull();
  });

  const passing: Entry[] = [
    { unfreeze: {} },
    { refusal: {} },
    { registerClient: { clientId: 1 } },
    { expireClients: { clientIds: [1] } },
    { renewLease: {} },
    { load: {} },
    { group: { entries: [{ load: {} }, { workDone: {} }] } },
    { digest: {} },
    { retention: {} },
  ];
  const refused: Entry[] = [
    { createFile: {} },
    { reap: {} },
    { group: { entries: [{ load: {} }, { reap: {} }] } },
    { setConfig: {} },
    { setCursor: {} },
    { touch: {} },
    { remove: {} },
    { freeze: {} },
    {},
  ];

  it('lets nothing pass that changes the namespace, in groups neither', () => {
    const holds = { user: 'root', reason: 'new "disks"', sinceMs: AT_MS };
    for (const entry of passing) expect(errnoOf(() => checkThawed(entry, holds))).toBe('done');
    for (const entry of refused) {
      expect(errnoOf(() => checkThawed(entry, holds))).toBe('EROFS');
      expect(errnoOf(() => checkThawed(entry, null))).toBe('done');
    }
    expect(() => checkThawed({ touch: {} }, holds)).toThrow(
      'the namespace is frozen for maintenance: by=root since=2027-01-15T08:00:00.000Z reason="new \\"disks\\""',
    );
  });
});
