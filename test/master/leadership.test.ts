import { beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, UnderstudyError } from '../../src/base/errors.js';
import { type Deferred, deferred } from '../../src/base/wait.js';
import type { Appended, AppendOptions, JournalWriter } from '../../src/journal/journal.js';
import { Leadership, type SubmissionCaller } from '../../src/master/leadership.js';
import type { EntryBody } from '../../src/metadata/plan.js';
import { refusal } from '../../src/metadata/refusals.js';
import { JournaledState, openReplica, stillClock } from '../metadata/journaled-state.js';

/** A writer whose appends and confirms end when and how the test says. */
class ScriptedWriter implements Pick<JournalWriter, 'append' | 'confirm' | 'dead'> {
  readonly ending = new AbortController();
  readonly dead = this.ending.signal;
  readonly appends: { entries: readonly Uint8Array[]; end: Deferred<Appended>; options: AppendOptions }[] = [];
  readonly confirms: Deferred<void>[] = [];
  confirmAlways = true;

  append(entries: readonly Uint8Array[], _timeMs: number, options: AppendOptions = {}): Promise<Appended> {
    const end = deferred<Appended>();
    this.appends.push({ entries, end, options });
    return end.promise;
  }

  confirm(): Promise<void> {
    if (this.confirmAlways) return Promise.resolve();
    const landed = deferred<void>();
    this.confirms.push(landed);
    return landed.promise;
  }
}

const SETTINGS = {
  batchBytesMax: 64 * 1024,
  queueMax: 3,
  digestIntervalBatches: 1_000_000,
  namespace: { blockBytesDefault: 1, trashIntervalMs: 0 },
};
const turn = async (turns = 4) => {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
};

let journaled: JournaledState;
let writer: ScriptedWriter;
let leadership: Leadership;
let ended: UnderstudyError[];
let settled: string[];
let failures: unknown[];
let deps: ConstructorParameters<typeof Leadership>[1];
let nowMs = 0;
let timers: Set<{ readonly delayMs: number; readonly fn: () => void }>;

beforeEach(async () => {
  const opened = await openReplica();
  failures = opened.failures;
  journaled = await JournaledState.begin(opened.replica);
  writer = new ScriptedWriter();
  ended = [];
  settled = [];
  nowMs = 0;
  timers = new Set();
  const setTimer = (delayMs: number, fn: () => void) => {
    const timer = { delayMs, fn, cancel: () => timers.delete(timer) };
    timers.add(timer);
    return timer;
  };
  const clock = { ...stillClock, monotonicMs: () => nowMs, setTimer };
  deps = {
    replica: journaled.replica,
    writer: writer as unknown as JournalWriter,
    clock,
    ended: (error: UnderstudyError) => ended.push(error),
  };
  leadership = new Leadership(SETTINGS, deps);
});

const caller = (callId: number, attempt = 1): SubmissionCaller => ({
  clientId: 1,
  callId,
  attempt,
  lowestUnanswered: 1,
  identity: { user: 'u', group: 'g', groups: new Set(['g']), isSuperuser: true },
});

function mkdir(name: string, call: SubmissionCaller | null = null, nameBytes = 0): void {
  leadership.submit({
    caller: call,
    plan(state) {
      if (state.child(1, name) !== null) throw new UnderstudyError('already_exists', 'exists');
      const entry: EntryBody = {
        createDirectory: { parentId: 1, names: [name.padEnd(nameBytes, 'x')], inode: { id: state.nextIds().inodeId, directory: true } },
      };
      return { entry };
    },
    settle: (refused, answer) => settled.push(`${name}: ${refused === null ? `ok ${answer.sn}` : refused.code}`),
  });
}

/** Commits the append in flight. */
function commit(): Promise<void> {
  const { end } = writer.appends.at(-1)!;
  end.resolve({ sn: (sealedTo() as never) ?? 0, hash: new Uint8Array(32).fill(writer.appends.length), sealed: new Uint8Array(0) });
  return turn();
}

const base = () => 2;
const sealedTo = () => base() + writer.appends.reduce((sum, { entries }) => sum + entries.length, 0);
const fail = async (code: ErrorCode) => {
  writer.appends.at(-1)!.end.reject(new UnderstudyError(code, code));
  await turn();
};

describe('group commit', () => {
  it('what one tick brings: one batch; what comes while it flies: the next one; answers when committed', async () => {
    mkdir('a');
    mkdir('b');
    await turn();
    mkdir('c');
    await turn();
    expect(writer.appends.map(({ entries }) => entries.length)).toEqual([2]);
    expect(settled).toEqual([]);
    await commit();
    expect(settled).toEqual(['a: ok 3', 'b: ok 4']);
    expect(writer.appends.map(({ entries }) => entries.length)).toEqual([2, 1]);
    await commit();
    expect(settled.at(-1)).toBe('c: ok 5');
  });

  it('a digest with every so many batches, but where the batch has one: the last of a batch is the one that counts', async () => {
    leadership = new Leadership({ ...SETTINGS, digestIntervalBatches: 1 }, deps);
    void leadership.append(() => ({ digest: { ofSn: 1, low: 1, high: 1 } }));
    await turn();
    expect(writer.appends.map(({ entries }) => entries.length)).toEqual([1]);
    mkdir('a');
    await commit();
    expect(writer.appends.map(({ entries }) => entries.length)).toEqual([1, 2]);
  });

  it('more than fits in a batch: waits its turn, in a queue that is bounded', async () => {
    for (let i = 0; i < 8; i++) mkdir(`n${i}`, null, 10_000);
    await turn();
    const first = writer.appends[0]!.entries.length;
    expect(first).toBeLessThan(8);
    expect(writer.appends[0]!.entries.reduce((sum, bytes) => sum + bytes.length, 0)).toBeLessThanOrEqual(SETTINGS.batchBytesMax);
    await commit();
    for (let i = 0; i < 4 && settled.length < 8; i++) await commit();
    expect(settled.filter((line) => line.includes('resource_exhausted')).length).toBe(8 - first - SETTINGS.queueMax);
    expect(settled.filter((line) => line.includes('ok')).length).toBe(first + SETTINGS.queueMax);
  });

  it('an operation larger than half a batch: refused, and nothing has changed', async () => {
    mkdir('huge', null, 40_000);
    await turn();
    expect(settled).toEqual(['huge: resource_exhausted']);
    expect(writer.appends).toEqual([]);
    expect(journaled.replica.state.sn).toBe(2);
  });
});

describe('answers without an entry (I6)', () => {
  const look = (name: string) => {
    const seen = journaled.replica.state.child(1, name) !== null;
    leadership.release((refused) => settled.push(`saw ${name}=${seen}: ${refused === null ? 'ok' : refused.code}`));
  };

  it('a read of what is pending: answered when that is committed', async () => {
    mkdir('a');
    look('a');
    await turn();
    expect(settled).toEqual([]);
    await commit();
    expect(settled.sort()).toEqual(['a: ok 3', 'saw a=true: ok']);
  });

  it('a read: waits for a confirm that began after it, not for one in flight', async () => {
    writer.confirmAlways = false;
    look('a');
    await turn();
    look('b');
    await turn();
    expect(writer.confirms.length).toBe(1);
    writer.confirms[0]!.resolve();
    await turn();
    expect(settled).toEqual(['saw a=false: ok']);
    expect(writer.confirms.length).toBe(2);
    writer.confirms[1]!.resolve();
    await turn();
    expect(settled).toEqual(['saw a=false: ok', 'saw b=false: ok']);
  });

  it('a read that saw what was taken back: refused; one that did not: answered', async () => {
    look('a');
    mkdir('a');
    look('a');
    await turn();
    await fail('outcome_unknown');
    look('a');
    await turn();
    expect(settled.sort()).toEqual(['a: outcome_unknown', 'saw a=false: ok', 'saw a=false: ok', 'saw a=true: unavailable']);
  });

  it('an error answer: waits like a read; on a later attempt it is journaled first', async () => {
    mkdir('a');
    await turn();
    mkdir('a', caller(1));
    mkdir('a', caller(2, 2));
    await turn();
    expect(settled).toEqual([]);
    await commit();
    expect(settled.sort()).toEqual(['a: already_exists', 'a: ok 3']);
    expect(writer.appends.length).toBe(2);
    await commit();
    expect(settled).toEqual(['a: already_exists', 'a: ok 3', 'a: already_exists']);
    expect(journaled.replica.state.result(1, 2)).toMatchObject({ errorCode: 6 });
    expect(journaled.replica.state.result(1, 1)).toBe(null);
  });
});

describe('exactly-once (I5)', () => {
  it('a refusal that passes (the store, a defect): not recorded, so that a later attempt may fare better', async () => {
    leadership.submit({
      caller: caller(1, 2),
      plan() {
        throw new UnderstudyError('resource_exhausted', 'not now');
      },
      settle: (refused) => settled.push(String(refused?.code)),
    });
    await turn();
    mkdir('a', caller(1, 3));
    await turn();
    await commit();
    expect(settled).toEqual(['resource_exhausted', 'a: ok 3']);
  });

  it('a refusal as long as the request: only so much of it is recorded as tells it', async () => {
    leadership.submit({
      caller: caller(1, 2),
      plan() {
        throw refusal('EINVAL', 'a component may not be empty', `/${'/'.repeat(1_000_000)}`, 'x'.repeat(1_000_000));
      },
      settle: (refused) => settled.push(String(refused?.errno)),
    });
    await turn();
    await commit();
    expect(settled).toEqual(['EINVAL']);
    const { errorMessage, path } = journaled.replica.state.result(1, 1)!;
    expect(Math.max(errorMessage.length, path.length)).toBe(4_096);
  });

  it('a later attempt of a call that is in flight, and taken back: it may have happened', async () => {
    mkdir('a', caller(1));
    await turn();
    mkdir('a', caller(1, 2));
    await fail('fenced');
    expect(settled.sort()).toEqual(['a: outcome_unknown', 'a: outcome_unknown']);
  });

  it('the same call again, pending or committed: one entry, one answer', async () => {
    mkdir('a', caller(1));
    mkdir('a', caller(1, 2));
    await turn();
    expect(writer.appends[0]!.entries.length).toBe(1);
    await commit();
    mkdir('a', caller(1, 3));
    await turn();
    expect(settled).toEqual(['a: ok 3', 'a: ok 3', 'a: ok 3']);
    expect(writer.appends.length).toBe(1);
  });
});

describe('failures', () => {
  it('fenced: what was in flight may have happened, what was not has not; the state is what was committed', async () => {
    mkdir('a');
    await turn();
    await commit();
    mkdir('b');
    await turn();
    mkdir('c');
    await fail('fenced');
    expect(settled).toEqual(['a: ok 3', 'b: outcome_unknown', 'c: not_leader']);
    expect(ended.map(({ code }) => code)).toEqual(['fenced']);
    const { state } = journaled.replica;
    expect([state.sn, state.child(1, 'a') !== null, state.child(1, 'b'), state.child(1, 'c')]).toEqual([3, true, null, null]);
    mkdir('d');
    await turn();
    expect(settled.at(-1)).toBe('d: not_leader');
  });

  it('a read that saw what is not sent yet: leaves with that batch, which began after it, and asks for no confirm', async () => {
    writer.confirmAlways = false;
    const read: string[] = [];
    mkdir('a');
    leadership.release((refused) => read.push(`first: ${refused?.code ?? 'ok'}`));
    await turn();
    // Its batch is under way already: that may have been decided before this one came.
    leadership.release((refused) => read.push(`second: ${refused?.code ?? 'ok'}`));
    await turn();
    expect([read, writer.confirms.length]).toEqual([[], 1]);
    await commit();
    expect(read).toEqual(['first: ok']);
    writer.confirms[0]?.resolve();
    await turn();
    expect(read).toEqual(['first: ok', 'second: ok']);
  });

  it('held: what was taken before is settled, what comes waits, in order, until it goes on', async () => {
    writer.confirmAlways = false;
    mkdir('a');
    let isQuiet = false;
    void leadership.hold().then(() => {
      isQuiet = true;
    });
    mkdir('b');
    leadership.release((refused) => settled.push(`read: ${refused?.code ?? 'ok'}`));
    await turn();
    expect([isQuiet, writer.appends.length]).toEqual([false, 1]);
    await commit();
    leadership.release((refused) => settled.push(`late read: ${refused?.code ?? 'ok'}`));
    await turn();
    expect([isQuiet, settled, writer.appends.length, writer.confirms.length]).toEqual([true, ['a: ok 3', 'read: ok'], 1, 0]);
    leadership.resume();
    await turn();
    expect(writer.appends.length).toBe(2);
    await commit();
    writer.confirms[0]?.resolve();
    await turn();
    expect(settled.sort()).toEqual(['a: ok 3', 'b: ok 4', 'late read: ok', 'read: ok']);
  });

  it('held, and ended: who waited is refused with the reason; more than the queue holds are sent away at once', async () => {
    await leadership.hold();
    for (const name of ['a', 'b', 'c', 'd']) mkdir(name);
    leadership.release((refused) => settled.push(`read: ${refused?.code ?? 'ok'}`));
    await turn();
    expect(settled).toEqual(['d: unavailable']);
    leadership.close(new UnderstudyError('not_leader', 'handed over', { leader: 'b:1' }));
    await turn();
    expect(settled.slice(1).sort()).toEqual(['a: not_leader', 'b: not_leader', 'c: not_leader', 'read: not_leader']);
  });

  it('a confirm that finds a successor: ends the epoch once', async () => {
    writer.confirmAlways = false;
    leadership.release((refused) => settled.push(String(refused?.code)));
    await turn();
    writer.confirms[0]!.reject(new UnderstudyError('fenced', 'fenced'));
    await turn();
    expect(settled).toEqual(['not_leader']);
    expect(ended.length).toBe(1);
  });

  it('a writer that dies by itself, between appends or under one: the epoch ends', async () => {
    mkdir('a');
    await turn();
    writer.ending.abort(new UnderstudyError('unavailable', 'the mark page cannot be written'));
    await turn();
    expect(settled).toEqual(['a: outcome_unknown']);
    expect(ended.map(({ code }) => code)).toEqual(['unavailable']);
    mkdir('b');
    await turn();
    expect(settled.at(-1)).toBe('b: unavailable');
  });

  it('refused for want of space: taken back; removes may use the reserve, others are refused until there is room again', async () => {
    mkdir('a');
    await turn();
    await commit();
    mkdir('b');
    await turn();
    await fail('unavailable');
    expect(leadership.trouble).toBe('unavailable');
    mkdir('b');
    leadership.submit({
      caller: null,
      plan: () => ({ entry: { remove: { parentId: 1, name: 'a' } } }),
      settle: (refused) => settled.push(`remove: ${refused?.code ?? 'ok'}`),
    });
    await turn();
    expect(writer.appends.map(({ options }) => options.mayUseReserve)).toEqual([false, false, true]);
    writer.appends.splice(1, 1);
    await commit();
    expect(settled.sort()).toEqual(['a: ok 3', 'b: unavailable', 'b: unavailable', 'remove: ok']);
    nowMs += 1_000;
    mkdir('b');
    await turn();
    await commit();
    expect(settled.at(-1)).toBe('b: ok 5');
    expect([leadership.trouble, ended]).toEqual(['', []]);
  });

  it('refused for want of space, and nobody asks for more: it finds out by itself when there is room again, without the reserve', async () => {
    const tick = async () => {
      const [timer] = timers;
      timers.delete(timer!);
      nowMs += timer!.delayMs;
      timer!.fn();
      await turn();
    };
    mkdir('a');
    await turn();
    await fail('unavailable');
    expect([timers.size, writer.appends.length]).toEqual([1, 1]);
    await tick();
    await fail('unavailable');
    expect([leadership.canWrite, timers.size]).toEqual([false, 1]);
    void leadership.hold();
    await tick();
    expect(writer.appends.length).toBe(2);
    leadership.resume();
    await tick();
    expect(writer.appends.map(({ options }) => options.mayUseReserve)).toEqual([false, false, false]);
    await commit();
    expect([leadership.canWrite, leadership.trouble, timers.size]).toEqual([true, '', 0]);
  });

  it('refused for want of space: what a retried remove is refused with is recorded in the reserve, too', async () => {
    mkdir('b');
    await turn();
    await fail('unavailable');
    leadership.submit({
      caller: caller(1, 2),
      makesRoom: true,
      plan() {
        throw new UnderstudyError('not_found', 'gone');
      },
      settle: (refused) => settled.push(`remove: ${refused?.code}`),
    });
    await turn();
    expect(writer.appends.map(({ options }) => options.mayUseReserve)).toEqual([false, true]);
    writer.appends.splice(0, 1);
    await commit();
    expect(settled).toEqual(['b: unavailable', 'remove: not_found']);
  });

  it('a plan that breaks, an entry that cannot be applied: that submission only', async () => {
    leadership.submit({
      caller: null,
      plan() {
        throw new TypeError('a defect');
      },
      settle: (refused) => settled.push(String(refused?.code)),
    });
    leadership.submit({
      caller: null,
      plan: () => ({ entry: { completeFile: { parentId: 1, name: 'nowhere' } } }),
      settle: (refused) => settled.push(refused === null ? 'ok' : refused.code),
    });
    mkdir('a');
    await turn();
    await commit();
    expect(settled.sort()).toEqual(['a: ok 3', 'internal', 'unavailable']);
    expect(failures).toEqual([expect.objectContaining({ code: 'corrupt' })]);
    expect(ended).toEqual([]);
  });

  it('drain: those that were taken are answered, later ones refused', async () => {
    mkdir('a');
    const drained = leadership.drain(new UnderstudyError('not_leader', 'stopping')).then(() => settled.push('drained'));
    mkdir('b');
    await turn();
    await commit();
    await drained;
    expect(settled).toEqual(['b: not_leader', 'a: ok 3', 'drained']);
  });

  it('closed: everybody who waits is refused, nothing that was not committed stays', async () => {
    mkdir('a');
    await turn();
    leadership.release((refused) => settled.push(`read: ${refused?.code}`));
    leadership.close(new UnderstudyError('not_leader', 'closed'));
    leadership.close(new UnderstudyError('not_leader', 'closed'));
    await turn();
    expect(settled.sort()).toEqual(['a: outcome_unknown', 'read: not_leader']);
    expect(journaled.replica.state.sn).toBe(2);
    await commit();
    expect(journaled.replica.state.sn).toBe(2);
  });
});
