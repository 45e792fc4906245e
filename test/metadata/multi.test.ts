/** Several mutations as one: what steps see of each other, all or nothing, and that a trial leaves nothing behind. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/metadata/entries.js';
import { operations } from '../../src/metadata/operations.js';
import { BOB, Calls, errnoOf, type MutationName, step } from './calls.js';
import { ADA } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';
import { anyRequest } from './requests.js';

type Step = readonly [name: MutationName, body: object];

let calls: Calls;

beforeEach(async () => {
  calls = new Calls(await JournaledState.begin((await openReplica()).replica));
  calls.run('createDirectory', { path: '/a' });
  calls.run('createFile', { path: '/a/f', completeLength: 10 });
});
afterEach(() => calls.journaled.replica.close());

const multi = (steps: readonly Step[], identity = ADA) =>
  calls.run('multi', { steps: steps.map(([name, body]) => step(name, body)) }, identity);
const refusalOf = (steps: readonly Step[]) => {
  try {
    multi(steps);
  } catch (error) {
    const { errno, path, message } = error as { errno: string; path: string; message: string };
    return { errno, path, step: /step=(\d+)$/.exec(message)?.[1] };
  }
  return 'done';
};

describe('multi', () => {
  it('each step sees what those before it left, and all are one entry', () => {
    const { sn } = calls.state;
    multi([
      ['createDirectory', { path: '/b' }],
      ['createFile', { path: '/b/new', completeLength: 7 }],
      ['rename', { from: '/a/f', to: '/b/f' }],
      ['remove', { path: '/a' }],
      ['createFile', { path: '/a', completeLength: 1 }],
      ['setAttributes', { path: '/b/f', mode: 0o600 }],
    ]);
    expect(calls.state.sn).toBe(sn + 1);
    expect(calls.inode('/b')).toMatchObject({ childCount: 2 });
    expect(calls.inode('/b/f')).toMatchObject({ length: 10, mode: 0o600 });
    expect(calls.inode('/a')).toMatchObject({ directory: false, length: 1 });
    expect(calls.state.usages.get(1)).toEqual({ files: 3, directories: 1, bytes: 18n });
    const ids = ['/b', '/b/new', '/b/f', '/a'].map((path) => calls.inode(path).id);
    expect(new Set(ids).size).toBe(4);
  });

  it('the answer, recorded too, has what each step made or changed; a step that changes nothing has its inode there', () => {
    const steps: readonly Step[] = [
      ['createDirectory', { path: '/a', allowExists: true }],
      ['createFile', { path: '/a/g', completeLength: 3 }],
      ['remove', { path: '/a/f' }],
    ];
    const planned = calls.plan('multi', { steps: steps.map(([name, body]) => step(name, body)) });
    const { entry } = planned as { entry: Entry };
    calls.journaled.append(entry, { clientId: 1, callId: 1, lowestUnanswered: 1 });
    const recorded = calls.state.result(1, 1);
    expect(recorded?.errorCode).toBe(0);
    expect(recorded?.inodes.map((inode) => inode && [inode.directory, inode.length])).toEqual([[true, 0], [false, 3], null]);
  });

  it('quotas count the steps before', () => {
    calls.run('setQuota', { path: '/a', namesMax: 3 });
    const create = (path: string): Step => ['createFile', { path }];
    expect(refusalOf([create('/a/1'), create('/a/2'), create('/a/3')])).toEqual({ errno: 'EDQUOT', path: '/a/3', step: '2' });
    expect(refusalOf([create('/a/1'), ['remove', { path: '/a/1' }], create('/a/2'), create('/a/3')])).toBe('done');
  });

  it('permissions are those of the caller, at each step', () => {
    const body: readonly Step[] = [['createFile', { path: '/a/x' }]];
    calls.run('setAttributes', { path: '/a', mode: 0o755 });
    expect(errnoOf(() => multi(body, BOB))).toBe('EACCES');
    multi([['setAttributes', { path: '/a', mode: 0o777 }]]);
    expect(errnoOf(() => multi(body, BOB))).toBe('done');
  });

  it.each<[string, readonly Step[], object]>([
    ['the first', [['remove', { path: '/none' }]], { errno: 'ENOENT', path: '/none', step: '0' }],
    [
      'the last',
      [
        ['createFile', { path: '/a/g' }],
        ['createFile', { path: '/a/f' }],
      ],
      { errno: 'EEXIST', path: '/a/f', step: '1' },
    ],
    [
      'what the one before took away',
      [
        ['remove', { path: '/a/f' }],
        ['completeFile', { path: '/a/f' }],
      ],
      { errno: 'ENOENT', path: '/a/f', step: '1' },
    ],
    [
      'a wrong argument',
      [
        ['createFile', { path: '/a/g' }],
        ['createFile', { path: 'a' }],
      ],
      { errno: 'EINVAL', path: '"a"', step: '1' },
    ],
    [
      'itself',
      [
        ['createFile', { path: '/a/g' }],
        ['multi', { steps: [] }],
      ],
      { errno: 'EINVAL', path: undefined, step: '1' },
    ],
    ['a mount', [['mount', { path: '/m', uri: 'file:///x' }]], { errno: 'EINVAL', path: undefined, step: '0' }],
    ['no steps', [], { errno: 'EINVAL', path: undefined, step: undefined }],
    [
      '1,001 steps',
      Array.from({ length: 1_001 }, (): Step => ['remove', { path: '/none' }]),
      { errno: 'EINVAL', path: undefined, step: undefined },
    ],
  ])('refused for %s: nothing of it happened', (_what, steps, refused) => {
    const before = snapshot();
    expect(refusalOf(steps)).toEqual(refused);
    expect(snapshot()).toEqual(before);
    expect(calls.has('/a/g')).toBe(false);
  });

  it('a thousand steps go, so do deep ones; together they do not', () => {
    multi(Array.from({ length: 1_000 }, (_, at): Step => ['createFile', { path: `/a/n${at}` }]));
    expect(calls.inode('/a').childCount).toBe(1_001);
    const deep = Array.from({ length: 100 }, () => 'd').join('/');
    multi([['createDirectory', { path: `/${deep}`, recursive: true }]]);
    const far: readonly Step[] = Array.from({ length: 200 }, (_, at) => ['createFile', { path: `/${deep}/${at}` }]);
    expect(refusalOf(far)).toMatchObject({ errno: 'E2BIG' });
    expect(refusalOf(far.slice(0, 100))).toBe('done');
  });

  it('the files that its steps join count as what they name', () => {
    const count = 8_400;
    for (let at = 0; at < count; at++) calls.run('createFile', { path: `/a/${at}`, completeLength: 0 });
    const joins = Array.from({ length: 9 }, (_, at): Step => {
      calls.run('createFile', { path: `/a/t${at}`, completeLength: 0 });
      return ['concat', { path: `/a/t${at}`, sources: Array.from({ length: 900 }, (_, file) => `/a/${at * 900 + file}`) }];
    });
    expect(refusalOf(joins)).toMatchObject({ errno: 'E2BIG', step: '6' });
    expect(refusalOf(joins.slice(0, 6))).toBe('done');
  });

  it('what it answers with is recorded: steps that change the same large inode again and again are refused before that is too much', () => {
    calls.run('createFile', { path: '/a/joined', completeLength: 1_024 });
    for (let at = 0; at < 1_000; at++) calls.run('createFile', { path: `/a/j${at}`, completeLength: 1_024 });
    calls.run('concat', { path: '/a/joined', sources: Array.from({ length: 1_000 }, (_, at) => `/a/j${at}`) });
    const often = (times: number) =>
      refusalOf(Array.from({ length: times }, (_, at) => ['setAttributes', { path: '/a/joined', modifiedMs: at + 1 }]));
    expect(often(1_000)).toMatchObject({ errno: 'E2BIG' });
    expect(often(50)).toBe('done');
  });

  it('bytes that are no request, methods that are none: refused', () => {
    const garbage = (method: number) => errnoOf(() => calls.run('multi', { steps: [{ method, request: Uint8Array.of(0xff, 0xff) }] }));
    expect(garbage(operations.remove.method)).toBe('invalid_argument');
    expect(garbage(operations.getStatus.method)).toBe('EINVAL');
    expect(garbage(0)).toBe('EINVAL');
  });
});

/** All that a trial could leave behind. */
function snapshot(): object {
  const { state } = calls;
  const { digestDue, changedRows, sn } = state;
  return { sn, digestDue, changedRows, undo: state.undoLength(), next: state.nextIds(), changed: state.changedChildren(1).flat().length };
}

it('a trial: whatever its steps do, the same rows and nothing remembered, recorded or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyRequest, { minLength: 10, maxLength: 30 }),
      fc.array(anyRequest, { minLength: 10, maxLength: 30 }),
      fc.boolean(),
      async (done, tried, isRecording) => {
        const replicas = await Promise.all([openReplica(), openReplica()]);
        const [plain, trying] = await Promise.all(replicas.map(({ replica }) => JournaledState.begin(replica)));
        for (const request of done) for (const journaled of [plain!, trying!]) errnoOf(() => journaled.run(request));
        if (isRecording) trying!.replica.state.record();
        calls = new Calls(trying!);
        const before = snapshot();
        const steps = tried.map(({ kind, body }) => step(kind, body));
        errnoOf(() => calls.plan('multi', { steps: [...steps, step('remove', { path: '/' })] }));
        expect(snapshot()).toEqual(before);
        expect(await Promise.all([plain!, trying!].map(digestOf))).toSatisfy(
          ([one, other]) => JSON.stringify(one) === JSON.stringify(other),
        );
        await Promise.all(replicas.map(({ replica }) => replica.close()));
      },
    ),
    { numRuns: 50 },
  );
});

async function digestOf(journaled: JournaledState): Promise<object> {
  journaled.append({ digest: { ofSn: 0 } });
  await journaled.seal();
  return journaled.replica.writeBehind.digest();
}
