import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, UnderstudyError } from '../../src/base/errors.js';
import { type Role, type RoleInput, step } from '../../src/master/role-machine.js';

const error = (code: ErrorCode) => new UnderstudyError(code, code);
const FOLLOWING: Role = { name: 'following' };

const INPUTS: Record<string, RoleInput> = {
  elected: { type: 'elected' },
  deposed: { type: 'deposed' },
  'told to lead': { type: 'told to lead' },
  'handed over': { type: 'handed over' },
  claimed: { type: 'claimed', epoch: 7 },
  'claim fenced': { type: 'claim failed', error: error('fenced') },
  'claim unavailable': { type: 'claim failed', error: error('unavailable') },
  'claim corrupt': { type: 'claim failed', error: error('corrupt') },
  'claim diverged': { type: 'claim failed', error: error('diverged') },
  'claim behind': { type: 'claim failed', error: error('out_of_range') },
  fenced: { type: 'writer ended', error: error('fenced') },
  'write failed': { type: 'writer ended', error: error('outcome_unknown') },
  'stood back': { type: 'stood back' },
  yielded: { type: 'yielded' },
  'replica failed': { type: 'replica failed', error: error('corrupt') },
  rebuilt: { type: 'rebuilt' },
  'rebuild failed': { type: 'rebuild failed', error: error('unavailable') },
  'nothing left': { type: 'rebuild failed', error: error('data_loss') },
  'replay behind': { type: 'replay failed', error: error('out_of_range') },
  'replay corrupt': { type: 'replay failed', error: error('corrupt') },
  'replay diverged': { type: 'replay failed', error: error('diverged') },
  'replay unavailable': { type: 'replay failed', error: error('unavailable') },
  stop: { type: 'stop' },
};

/** Feeds the inputs in. @returns a line for each: the role after it, and its effects. */
function play(inputs: readonly string[]): string[] {
  let role: Role = FOLLOWING;
  return inputs.map((name) => {
    const input = INPUTS[name];
    if (input === undefined) throw new Error(`no such input: ${name}`);
    const { role: next, effects } = step(role, input);
    role = next;
    return `${name} -> ${role.name}${effects.length === 0 ? '' : `: ${effects.map(({ type }) => type).join(', ')}`}`;
  });
}

const scenario = (...lines: readonly string[]) => expect(play(lines.map((line) => line.split(' -> ')[0] as string))).toEqual(lines);

describe('role machine', () => {
  it('elected, fenced, elected again: one process, no restart', () =>
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'fenced -> yielding: yield, requeue',
      'yielded -> following: follow',
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
    ));

  it('told to lead: claims without the election, which elects it afterwards, or another one first', () => {
    scenario(
      'told to lead -> claiming: claim',
      'elected -> claiming',
      'deposed -> claiming',
      'claimed -> leading: serve, publish',
      'elected -> leading: publish',
    );
    scenario('elected -> claiming: claim', 'told to lead -> claiming: cancel claim, claim', 'claimed -> leading: serve, publish');
  });

  it('told to lead, and a claim that fails: not tried again, and any place in the election is given up', () => {
    scenario('told to lead -> claiming: claim', 'claim unavailable -> following: requeue, follow');
    scenario(
      'told to lead -> claiming: claim',
      'elected -> claiming',
      'claim fenced -> following: requeue, follow',
      'deposed -> following',
    );
    scenario('told to lead -> claiming: claim', 'claim corrupt -> halted: leave election', 'told to lead -> halted');
  });

  it('handed over: yields, goes to the tail, follows', () => {
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'told to lead -> leading',
      'handed over -> yielding: yield, requeue',
      'fenced -> yielding',
      'yielded -> following: follow',
      'handed over -> following',
    );
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'write failed -> suspended: claim, pass on',
      'handed over -> yielding: cancel claim, yield, requeue',
    );
  });

  it('a leader that the election deposes: goes on, and publishes itself anew', () =>
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'deposed -> leading: publish',
      'elected -> leading: publish',
    ));

  it('elected while a healthy leader serves: back to the tail', () =>
    scenario('elected -> claiming: claim', 'stood back -> following: requeue, follow', 'deposed -> following'));

  it('deposed while it claims: the claim is given up', () =>
    scenario('elected -> claiming: claim', 'deposed -> following: cancel claim, follow', 'claimed -> following'));

  it('a claim that loses the race: back to the tail; one that cannot write: tried again, then others are let try', () => {
    scenario('elected -> claiming: claim', 'claim fenced -> following: requeue, follow');
    scenario(
      'elected -> claiming: claim',
      'claim unavailable -> claiming: claim',
      'claim unavailable -> claiming: claim',
      'claim unavailable -> following: requeue, follow',
    );
  });

  it('a journal that fails under a leader: it stays, claims again until it can, and meanwhile lets others try', () =>
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'write failed -> suspended: claim, pass on',
      'deposed -> suspended',
      'claim unavailable -> suspended: claim, pass on',
      'elected -> suspended',
      'claim unavailable -> suspended: claim, pass on',
      'deposed -> suspended',
      'claim unavailable -> suspended: claim, pass on',
      'claimed -> leading: serve, publish',
    ));

  it('suspended and superseded: it does not claim the lead back', () =>
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'write failed -> suspended: claim, pass on',
      'claim fenced -> yielding: cancel claim, yield, requeue',
      'yielded -> following: follow',
    ));

  it('a metastore that fails: yields first when it leads, rebuilds, follows', () => {
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'replica failed -> yielding: cancel claim, yield, requeue',
      'yielded -> rebuilding: rebuild',
      'elected -> rebuilding: pass on',
      'rebuild failed -> rebuilding',
      'deposed -> rebuilding',
      'elected -> rebuilding: pass on',
      'rebuilt -> following: requeue, follow',
    );
    scenario('replica failed -> rebuilding: requeue, rebuild', 'rebuilt -> following: follow');
    scenario('replay diverged -> rebuilding: rebuild', 'rebuilt -> following: follow');
  });

  it('a place in the journal that was collected: rebuilds, from a checkpoint; none left: halts', () => {
    scenario('replay behind -> rebuilding: rebuild', 'rebuilt -> following: follow');
    scenario('elected -> claiming: claim', 'claim behind -> rebuilding: requeue, rebuild', 'nothing left -> halted: leave election');
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'write failed -> suspended: claim, pass on',
      'claim behind -> yielding: cancel claim, yield, requeue',
    );
  });

  it('a damaged journal: halts and leaves the election; one that does not answer: tried again', () => {
    scenario(
      'replay corrupt -> halted: leave election',
      'elected -> halted',
      'replica failed -> halted',
      'stop -> stopping: cancel claim, leave election',
    );
    scenario('replay unavailable -> following: follow');
    scenario('elected -> claiming: claim', 'claim corrupt -> halted: leave election');
    scenario('elected -> claiming: claim', 'claim diverged -> rebuilding: requeue, rebuild');
  });

  it('told to stop: yields when it leads, leaves, and hears nothing more', () => {
    scenario(
      'elected -> claiming: claim',
      'claimed -> leading: serve, publish',
      'stop -> stopping: cancel claim, yield, leave election',
      'yielded -> stopping',
      'elected -> stopping',
    );
    scenario('stop -> stopping: cancel claim, leave election', 'stop -> stopping');
  });

  it('any inputs in any order: one that is elected claims, leads, or gives its place up; the stopped and halted have left', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.keys(INPUTS)), { maxLength: 40 }), (names) => {
        let role: Role = FOLLOWING;
        let elected = false; // as the election sees it
        let left = false;
        for (const name of names) {
          if (name === (elected ? 'elected' : 'deposed')) continue; // they alternate
          if (name === 'elected' && left) continue;
          const { role: next, effects } = step(role, INPUTS[name] as RoleInput);
          role = next;
          if (name === 'elected') elected = true;
          if (name === 'deposed') elected = false;
          left ||= effects.some(({ type }) => type === 'leave election');
          if (effects.some(({ type }) => type === 'requeue' || type === 'leave election')) elected = false;
          const atWork = ['claiming', 'leading', 'suspended', 'yielding', 'rebuilding'].includes(role.name);
          expect(elected && !atWork, `${name} leaves an elected master ${role.name}`).toBe(false);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('any inputs in any order: it serves only what it has just claimed, and follows or claims only with a replica', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.keys(INPUTS)), { maxLength: 40 }), (names) => {
        let role: Role = FOLLOWING;
        let rebuilding = false;
        for (const name of names) {
          const input = INPUTS[name] as RoleInput;
          const { role: next, effects } = step(role, input);
          for (const { type } of effects) {
            if (type === 'serve') expect(input.type).toBe('claimed');
            if (type === 'rebuild') rebuilding = true;
            if (type === 'follow' || type === 'claim') expect(rebuilding && input.type !== 'rebuilt').toBe(false);
          }
          if (input.type === 'rebuilt' && role.name === 'rebuilding') rebuilding = false;
          if (role.name === 'stopping') expect(next).toBe(role);
          role = next;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
