import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { exists, getStatus } from '../../src/metadata/queries.js';
import { asAda } from './identities.js';
import { JournaledState, openReplica, type Request } from './journaled-state.js';

let journaled: JournaledState;

beforeEach(async () => {
  journaled = await JournaledState.begin((await openReplica()).replica);
  mkdir('/a/b', { recursive: true });
  touch('/a/b/f');
});
afterEach(() => journaled.replica.close());

const run = (request: Request) => journaled.run(request);
const mkdir = (path: string, more: understudy.CreateDirectoryRequest.$Properties = {}) =>
  run({ kind: 'createDirectory', body: { path, ...more } });
const touch = (path: string, more: understudy.CreateFileRequest.$Properties = {}) => run({ kind: 'createFile', body: { path, ...more } });
const remove = (path: string, recursive = false) => run({ kind: 'remove', body: { path, recursive } });
const rename = (from: string, to: string) => run({ kind: 'rename', body: { from, to } });
const status = (path: string) => getStatus(new understudy.GetStatusRequest({ path }), journaled.replica.state, asAda).inode!;
const present = (path: string) => exists(new understudy.ExistsRequest({ path }), journaled.replica.state, asAda).exists;
const refusal = (fn: () => void) => {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'done';
};

describe('createFile', () => {
  it('a new file: the asker owns it, incomplete, with the default block size', () => {
    expect(status('/a/b/f')).toMatchObject({
      directory: false,
      owner: 'ada',
      group: 'staff',
      mode: 0o666,
      complete: false,
      length: 0,
      blockBytes: 1_024,
    });
  });

  it('with a length: complete in one entry', () => {
    const before = journaled.replica.state.sn;
    touch('/a/g', { completeLength: 77, modifiedMs: 5, mode: 0o600, blockBytes: 9 });
    expect(status('/a/g')).toMatchObject({ complete: true, length: 77, modifiedMs: 5, mode: 0o600, blockBytes: 9 });
    expect(journaled.replica.state.sn).toBe(before + 1);
  });

  it('missing parents: made in the same entry when asked for, else refused', () => {
    expect(refusal(() => touch('/n/m/f'))).toBe('not_found');
    touch('/n/m/f', { recursive: true });
    expect(status('/n')).toMatchObject({ directory: true, childCount: 1 });
    expect(status('/n/m')).toMatchObject({ directory: true, childCount: 1 });
    expect(new Set([status('/n').id, status('/n/m').id, status('/n/m/f').id]).size).toBe(3);
  });

  it('an existing path, a parent that is a file, a bad mode: refused', () => {
    expect(refusal(() => touch('/a/b/f'))).toBe('already_exists');
    expect(refusal(() => touch('/a'))).toBe('already_exists');
    expect(refusal(() => touch('/a/b/f/g'))).toBe('failed_precondition');
    expect(refusal(() => touch('/a/h', { mode: 0o10000 }))).toBe('invalid_argument');
    expect(refusal(() => touch('/'))).toBe('already_exists');
  });
});

describe('completeFile', () => {
  it('fixes the length once; a directory or a complete file is refused', () => {
    run({ kind: 'completeFile', body: { path: '/a/b/f', length: 10 } });
    expect(status('/a/b/f')).toMatchObject({ complete: true, length: 10 });
    expect(refusal(() => run({ kind: 'completeFile', body: { path: '/a/b/f', length: 11 } }))).toBe('failed_precondition');
    expect(refusal(() => run({ kind: 'completeFile', body: { path: '/a/b' } }))).toBe('failed_precondition');
    expect(refusal(() => run({ kind: 'completeFile', body: { path: '/a/x' } }))).toBe('not_found');
  });
});

describe('createDirectory', () => {
  it('recursive: all that was missing, one below the other', () => {
    mkdir('/p/q/r', { recursive: true, mode: 0o700 });
    expect(['/p', '/p/q', '/p/q/r'].map((path) => status(path).mode)).toEqual([0o700, 0o700, 0o700]);
    expect(['/p', '/p/q', '/p/q/r'].map((path) => status(path).childCount)).toEqual([1, 1, 0]);
  });

  it('an existing directory: refused, or no change when allowed; an existing file: refused either way', () => {
    const before = journaled.replica.state.sn;
    expect(refusal(() => mkdir('/a'))).toBe('already_exists');
    mkdir('/a', { allowExists: true });
    mkdir('/', { allowExists: true });
    expect(refusal(() => mkdir('/a/b/f', { allowExists: true }))).toBe('already_exists');
    expect(refusal(() => mkdir('/x/y'))).toBe('not_found');
    expect(refusal(() => mkdir('/a/b/f/g', { recursive: true }))).toBe('failed_precondition');
    expect(journaled.replica.state.sn).toBe(before);
  });
});

describe('rename', () => {
  it('a directory: moves with all below it, and the counts follow', () => {
    mkdir('/t');
    rename('/a/b', '/t/c');
    expect(present('/t/c/f')).toBe(true);
    expect(present('/a/b')).toBe(false);
    expect([status('/a').childCount, status('/t').childCount, status('/t/c').childCount]).toEqual([0, 1, 1]);
  });

  it('within one directory: its count stays', () => {
    rename('/a/b/f', '/a/b/g');
    expect(status('/a/b').childCount).toBe(1);
  });

  it.each([
    ['/', '/x', 'invalid_argument'],
    ['/a', '/a/b/c', 'invalid_argument'],
    ['/a', '/a/b', 'invalid_argument'],
    ['/a', '/a', 'done'],
    ['/x', '/y', 'not_found'],
    ['/a/b/f', '/a/b', 'already_exists'],
    ['/a/b/f', '/x/y', 'not_found'],
    ['/a/b', '/a/b/', 'done'],
  ])('%s to %s: %s', (from, to, code) => {
    expect(refusal(() => rename(from, to))).toBe(code);
  });

  it('a name that begins like another: not below it', () => {
    rename('/a', '/ab');
    expect(present('/ab/b/f')).toBe(true);
  });
});

describe('remove', () => {
  it('a file, an empty directory: gone; a full one only when recursive; never the root', () => {
    expect(refusal(() => remove('/a/b'))).toBe('failed_precondition');
    remove('/a/b/f');
    remove('/a/b');
    expect(status('/a').childCount).toBe(0);
    expect(refusal(() => remove('/a/b'))).toBe('not_found');
    expect(refusal(() => remove('/', true))).toBe('invalid_argument');
  });

  it('a tree: detached in one entry, and its name is free at once', async () => {
    const { state } = journaled.replica;
    const id = status('/a').id!;
    const before = state.sn;
    remove('/a', true);
    expect(state.sn).toBe(before + 1);
    expect(state.isDetached(id)).toBe(true);
    mkdir('/a');
    expect(status('/a')).toMatchObject({ childCount: 0 });
    expect(status('/a').id).not.toBe(id);
  });

  it('reaping: each directory gives its children up, until nothing is left', async () => {
    const { state } = journaled.replica;
    const [a, b] = [status('/a').id!, status('/a/b').id!];
    remove('/a', true);
    journaled.append({ reap: { directoryId: a, names: ['b'], done: true } });
    expect([state.isDetached(a), state.isDetached(b)]).toEqual([false, true]);
    journaled.append({ reap: { directoryId: b, names: ['f'], done: true } });
    expect([state.isDetached(a), state.isDetached(b)]).toEqual([false, false]);
    expect(state.parentOf(b)).toBe(null);
  });
});

describe('setAttributes', () => {
  it('changes what is named, on the root too, and nothing else', () => {
    run({ kind: 'setAttributes', body: { path: '/a/b/f', owner: 'bob', mode: 0o400, modifiedMs: 7 } });
    expect(status('/a/b/f')).toMatchObject({ owner: 'bob', group: 'staff', mode: 0o400, modifiedMs: 7 });
    run({ kind: 'setAttributes', body: { path: '/', group: 'users' } });
    expect(status('/')).toMatchObject({ owner: 'root', group: 'users' });
  });

  it('what is so already: no entry; an empty owner: refused', () => {
    const before = journaled.replica.state.sn;
    run({ kind: 'setAttributes', body: { path: '/a', owner: 'ada' } });
    expect(journaled.replica.state.sn).toBe(before);
    expect(refusal(() => run({ kind: 'setAttributes', body: { path: '/a', owner: '' } }))).toBe('invalid_argument');
  });
});

describe('queries', () => {
  it('what is not there: not_found; below a file: failed_precondition; neither exists', () => {
    expect(refusal(() => status('/a/x'))).toBe('not_found');
    expect(refusal(() => status('/a/b/f/g'))).toBe('failed_precondition');
    expect(present('/a/b/f/g')).toBe(false);
    expect(present('/')).toBe(true);
  });
});
