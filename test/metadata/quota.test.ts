/** Bounds of names and bytes below directories, what is below them, and that both stay right whatever happens. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { contentSummary } from '../../src/metadata/content-summary.js';
import { SUM_MAX, sumMessage, sumOf } from '../../src/metadata/sum.js';
import { BOB, Calls, errnoOf, type MutationName, step } from './calls.js';
import { asAda, NAMESPACE_SETTINGS } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

let calls: Calls;

beforeEach(async () => {
  calls = new Calls(await JournaledState.begin((await openReplica()).replica));
  calls.run('createDirectory', { path: '/q/d', recursive: true });
  calls.run('createFile', { path: '/q/d/f', completeLength: 100 });
  calls.run('createFile', { path: '/q/open' });
  calls.run('createDirectory', { path: '/other' });
  calls.run('createFile', { path: '/other/f', completeLength: 50 });
});
afterEach(() => calls.journaled.replica.close());

const quota = (path: string, namesMax: number | null, bytesMax: bigint | null) =>
  calls.run('setQuota', { path, namesMax, bytesMax: bytesMax === null ? null : (sumMessage(bytesMax) ?? {}) });
const summary = (path: string, identity = asAda.identity) =>
  contentSummary(new understudy.ContentSummaryRequest({ path }), calls.state, { identity, settings: NAMESPACE_SETTINGS });
const messageOf = (run: () => void) => {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'done';
};

describe('a quota of four names and 150 bytes on /q, which has three names and 100 bytes', () => {
  beforeEach(() => quota('/q', 4, 150n));

  it.each<[MutationName, object, string]>([
    ['createFile', { path: '/q/new' }, 'done'],
    ['createFile', { path: '/q/d/new', completeLength: 50 }, 'done'],
    ['createFile', { path: '/q/d/new', completeLength: 51 }, 'EDQUOT'],
    ['createFile', { path: '/q/n/new', recursive: true }, 'EDQUOT'],
    ['createFile', { path: '/other/new', completeLength: 1_000 }, 'done'],
    ['createDirectory', { path: '/q/d/e' }, 'done'],
    ['createDirectory', { path: '/q/d/e/g', recursive: true }, 'EDQUOT'],
    ['completeFile', { path: '/q/open', length: 50 }, 'done'],
    ['completeFile', { path: '/q/open', length: 51 }, 'EDQUOT'],
    ['setAttributes', { path: '/q/d', mode: 0o700 }, 'done'],
    ['remove', { path: '/q/d', recursive: true }, 'done'],
    ['rename', { from: '/q/d/f', to: '/q/f' }, 'done'],
    ['rename', { from: '/q/d', to: '/out' }, 'done'],
  ])('%s %o: %s', (name, body, errno) => {
    expect(calls.errno(name, body)).toBe(errno);
  });

  it('what is refused names the directory, its bound and what it has', () => {
    const long = { path: '/q/d/new', completeLength: 51 };
    expect(messageOf(() => calls.run('createFile', long))).toBe(
      'quota of bytes is used up: path=/q/d/new directory=/q bytes_max=150 bytes=100',
    );
    calls.run('createFile', { path: '/q/d/g' });
    expect(messageOf(() => calls.run('createFile', { path: '/q/d/h' }))).toBe(
      'quota of names is used up: path=/q/d/h directory=/q names_max=4 names=4',
    );
  });

  it('the lowest directory and the highest, too: each quota on the way counts', () => {
    quota('/', 6, null);
    expect(errnoOf(() => calls.run('createFile', { path: '/q/new' }))).toBe('EDQUOT');
    quota('/', 0, null);
    quota('/q/d', 1, null);
    expect(errnoOf(() => calls.run('createFile', { path: '/q/d/new' }))).toBe('EDQUOT');
    calls.run('createFile', { path: '/q/new' });
  });
});

describe('setQuota', () => {
  it.each<[object, string]>([
    [{ path: '/q', namesMax: 5 }, 'done'],
    [{ path: '/', bytesMax: { high: 1 } }, 'done'],
    [{ path: '/q/d/f', namesMax: 5 }, 'ENOTDIR'],
    [{ path: '/q/d/f/g', namesMax: 5 }, 'ENOTDIR'],
    [{ path: '/none', namesMax: 5 }, 'ENOENT'],
    [{ path: '/q', bytesMax: { high: 2 ** 31 } }, 'EINVAL'],
    [{ path: '/none', namesMax: 2 ** 53 }, 'EINVAL'],
    [{ path: 'q', namesMax: 1 }, 'EINVAL'],
  ])('%o: %s', (body, errno) => {
    expect(calls.errno('setQuota', body)).toBe(errno);
  });

  it('only a superuser sets it', () => {
    calls.run('setAttributes', { path: '/q', owner: 'bob' });
    expect(calls.errno('setQuota', { path: '/q', namesMax: 5 }, BOB)).toBe('EPERM');
  });

  it('below what is there: only what adds nothing goes through; each bound is changed and taken away by itself', () => {
    quota('/q', 1, 1n);
    expect(calls.errno('createFile', { path: '/q/new' })).toBe('EDQUOT');
    expect(calls.errno('rename', { from: '/q/d/f', to: '/q/f' })).toBe('done');
    expect(calls.errno('setAttributes', { path: '/q/f', mode: 0o600 })).toBe('done');
    expect(calls.errno('completeFile', { path: '/q/open', length: 0 })).toBe('done');
    quota('/q', 0, null);
    expect(summary('/q').quota).toEqual({ namesMax: 0, bytesMax: { high: 0, low: 1 } });
    expect(calls.errno('createFile', { path: '/q/new' })).toBe('done');
    quota('/q', null, 0n);
    expect(calls.inode('/q').more).toBe(null);
  });

  it('what is so already: no entry', () => {
    quota('/q', 5, 2n ** 40n);
    const { sn } = calls.state;
    quota('/q', 5, 2n ** 40n);
    quota('/q', null, null);
    expect(calls.state.sn).toBe(sn);
    expect(sumOf(summary('/q').quota?.bytesMax)).toBe(2n ** 40n);
  });
});

describe('sums of bytes', () => {
  it('more than 2^63 - 1 of them: refused, at any depth', () => {
    const huge = 2 ** 53 - 1;
    // So many files are taken by one directory's row, as if they were there.
    calls.state.usages.put(1, { files: 1, directories: 0, bytes: SUM_MAX - 1_000n });
    expect(calls.errno('createFile', { path: '/q/d/huge', completeLength: huge })).toBe('EFBIG');
    expect(calls.errno('createFile', { path: '/q/d/new', completeLength: 1_001 })).toBe('EFBIG');
    expect(calls.errno('createFile', { path: '/q/d/new', completeLength: 1_000 })).toBe('done');
    expect(calls.errno('createDirectory', { path: '/q/d/e' })).toBe('done');
  });
});

describe('contentSummary', () => {
  it('itself counted: a file is a file, a directory one of the directories', () => {
    expect(summary('/q')).toMatchObject({ files: 2, directories: 2, bytes: { high: 0, low: 100 } });
    expect(summary('/q/d/f')).toMatchObject({ files: 1, directories: 0, bytes: { high: 0, low: 100 } });
    expect(summary('/')).toMatchObject({ files: 3, directories: 4, bytes: { high: 0, low: 150 } });
  });

  it('a directory that may not be read is not told of; one that is not there neither', () => {
    calls.run('setAttributes', { path: '/q', mode: 0o711 });
    expect(errnoOf(() => summary('/q', BOB))).toBe('EACCES');
    expect(errnoOf(() => summary('/q/d', BOB))).toBe('done');
    expect(errnoOf(() => summary('/none', BOB))).toBe('ENOENT');
  });
});

const name = fc.constantFrom('a', 'b');
const path = fc.array(name, { minLength: 1, maxLength: 3, size: 'max' }).map((names) => `/${names.join('/')}`);
const length = fc.option(fc.nat(2 ** 40), { nil: null });
const change = fc.oneof(
  fc.tuple(fc.constant('createFile' as const), fc.record({ path, recursive: fc.boolean(), completeLength: length })),
  fc.tuple(fc.constant('createDirectory' as const), fc.record({ path, recursive: fc.boolean() })),
  fc.tuple(fc.constant('completeFile' as const), fc.record({ path, length: fc.nat() })),
  fc.tuple(fc.constant('rename' as const), fc.record({ from: path, to: path, overwrite: fc.boolean(), into: fc.boolean() })),
  fc.tuple(fc.constant('remove' as const), fc.record({ path, recursive: fc.boolean() })),
  fc.tuple(fc.constant('setQuota' as const), fc.record({ path, namesMax: fc.nat(6) })),
);

/** Counts what is below a directory, one inode after the other. */
function recount(directoryId: number): { files: number; directories: number; bytes: bigint } {
  const total = { files: 0, directories: 0, bytes: 0n };
  for (const child of ['a', 'b']) {
    const inode = calls.state.child(directoryId, child);
    if (inode === null) continue;
    const below = inode.directory ? recount(inode.id) : { files: 1, directories: -1, bytes: BigInt(inode.length) };
    total.files += below.files;
    total.directories += below.directories + 1;
    total.bytes += below.bytes;
  }
  expect(calls.state.usages.get(directoryId) ?? { files: 0, directories: 0, bytes: 0n }).toEqual(total);
  return total;
}

it('usage: after any changes, alone or in one entry, what a naive count finds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 20, maxLength: 60 }), async (groups) => {
      calls = new Calls(await JournaledState.begin((await openReplica()).replica));
      for (const changes of groups) {
        const steps = changes.map(([kind, body]) => [kind, body] as const);
        if (steps.length === 1) errnoOf(() => calls.run(...(steps[0] as (typeof steps)[0])));
        else errnoOf(() => calls.run('multi', { steps: steps.map(([kind, body]) => step(kind, body)) }));
        recount(1);
      }
      await calls.journaled.seal();
      await calls.journaled.replica.close();
    }),
    { numRuns: 100 },
  );
});
