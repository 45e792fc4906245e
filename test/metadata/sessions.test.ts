import { beforeEach, describe, expect, it } from 'vitest';
import { CALL_WINDOW, resultSlot } from '../../src/metadata/keys.js';
import { recordedOutcome, refusalOf } from '../../src/metadata/sessions.js';
import { JournaledState, openReplica } from './journaled-state.js';

let journaled: JournaledState;
beforeEach(async () => {
  journaled = await JournaledState.begin((await openReplica()).replica);
});

const look = (callId: number, lowestUnanswered = callId, clientId = 1) =>
  recordedOutcome({ clientId, callId, attempt: 1, lowestUnanswered }, journaled.replica.state);
const make = (callId: number, lowestUnanswered: number) =>
  journaled.append(
    { createDirectory: { parentId: 1, names: [`d${callId}`], inode: { id: journaled.replica.state.nextIds().inodeId, directory: true } } },
    { clientId: 1, callId, lowestUnanswered },
  );
const expired = expect.objectContaining({ code: 'session_expired' });
const invalid = expect.objectContaining({ code: 'invalid_argument' });

describe('exactly-once', () => {
  it('a call that was not seen: may run; one that was: its first outcome', () => {
    expect(look(1)).toBe(null);
    make(1, 1);
    expect(look(1)).toMatchObject({ callId: 1, errorCode: 0, sn: journaled.replica.state.sn, inode: { directory: true } });
    expect(look(2, 1)).toBe(null);
  });

  it('a refusal that was journaled: told again with its code and words', () => {
    journaled.append(
      { refusal: { errorCode: 6, errorMessage: 'path already exists: path=/x' } },
      { clientId: 1, callId: 3, lowestUnanswered: 2 },
    );
    expect(refusalOf(look(3, 2)!)).toMatchObject({ code: 'already_exists', message: 'path already exists: path=/x' });
  });

  it('a call below the lowest unanswered one: never run again, whatever the ring still holds', () => {
    make(1, 1);
    make(2, 2);
    expect(() => look(1, 1)).toThrow(expired);
    expect(look(2)).toMatchObject({ callId: 2 });
  });

  it('a call beyond the window: refused; the client moves it by what it says it has had answered', () => {
    make(1, 1);
    expect(look(CALL_WINDOW, 1)).toBe(null);
    expect(() => look(CALL_WINDOW + 1, 1)).toThrow(expired);
    expect(look(CALL_WINDOW + 1, 2)).toBe(null);
  });

  it('a slot that a later call has taken: the earlier call is not mistaken for it', () => {
    make(1, 1);
    make(CALL_WINDOW + 1, 2);
    expect(look(CALL_WINDOW + 1, 2)).toMatchObject({ callId: CALL_WINDOW + 1 });
    expect(() => look(1, 1)).toThrow(expired);
  });

  it('a forgotten client: nothing of its ring stays, and it no longer counts', () => {
    const { state } = journaled.replica;
    for (const callId of [1, 2, CALL_WINDOW + 2, CALL_WINDOW + 3]) make(callId, Math.max(1, callId - 1));
    expect(state.nextIds().clients).toBe(1);
    journaled.append({ expireClients: { clientIds: [1] } });
    expect(state.nextIds().clients).toBe(0);
    expect([0, 1, 2, 3, 4].filter((slot) => state.hasResultAt(resultSlot(1, slot)))).toEqual([]);
  });

  it('an unknown client, a forgotten one: refused; a malformed caller: said so', () => {
    expect(() => look(1, 1, 99)).toThrow(expired);
    make(1, 1);
    make(2, 1);
    journaled.append({ expireClients: { clientIds: [1, 77] } });
    expect(() => look(2, 1)).toThrow(expired);
    expect(journaled.replica.state.result(1, 2)).toBe(null);
    expect(() => recordedOutcome(undefined, journaled.replica.state)).toThrow(invalid);
    expect(() => look(1, 2)).toThrow(invalid);
    expect(() => look(2 ** 53, 2 ** 53)).toThrow(invalid);
    expect(() => look(1, 1, 2 ** 45)).toThrow(invalid);
    expect(() => recordedOutcome({ clientId: 1, callId: 1, attempt: 0, lowestUnanswered: 1 }, journaled.replica.state)).toThrow(invalid);
  });
});
