/** The mount table, and what changes below mount points mean for the storage there. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import type { Identity } from '../../src/metadata/access.js';
import { FEATURES, PERSIST } from '../../src/metadata/features.js';
import { pairKey } from '../../src/metadata/keys.js';
import { listMounts } from '../../src/metadata/list-mounts.js';
import { mountPlace, underUri } from '../../src/metadata/mount-place.js';
import type { UnderWork } from '../../src/metadata/mounts.js';
import { operations } from '../../src/metadata/operations.js';
import { partPath } from '../../src/metadata/parts.js';
import { getStatus } from '../../src/metadata/queries.js';
import { ADA, asAda, planContext } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

type MutationName = {
  [K in keyof typeof operations]: (typeof operations)[K] extends { kind: 'mutation' } ? K : never;
}[keyof typeof operations];

let journaled: JournaledState;
let timeMs: number;
const BOB: Identity = { user: 'bob', group: 'staff', groups: new Set(['staff']), isSuperuser: false };

beforeEach(async () => {
  journaled = await JournaledState.begin((await openReplica()).replica);
  timeMs = 1_700_000_000_000;
});
afterEach(() => journaled.replica.close());

const state = () => journaled.replica.state;
/** Plans as masters do, through the table, and applies. */
function run(name: MutationName, body: object, identity = ADA): void {
  const { request, prepare } = operations[name];
  const planned = prepare(request.encode(body as never).finish()).plan(state(), planContext(++timeMs, identity));
  if ('entry' in planned) journaled.append(planned.entry);
}
const errnoOf = (fn: () => void): string => {
  try {
    fn();
  } catch (error) {
    return (error as { errno?: string; code: string }).errno ?? (error as { code: string }).code;
  }
  return 'done';
};
const mount = (path: string, uri: string, more: object = {}) => run('mount', { path, uri, ...more });
const statusOf = (path: string) => getStatus(new understudy.GetStatusRequest({ path }), state(), asAda).inode!;
const mounts = () => listMounts(new understudy.ListMountsRequest(), state(), asAda).mounts!;

/** Work that is queued for mount 1, in order. */
function queued(): Partial<UnderWork>[] {
  const { workSeq, workDone } = state().mounts.get(1)!;
  const seqs = Array.from({ length: workSeq - workDone }, (_, at) => workDone + 1 + at);
  return seqs.map((seq) => {
    const work = Object.entries(state().work.get(pairKey(1, seq))!);
    return Object.fromEntries(work.filter(([, value]) => value !== '' && value !== null && value !== false));
  });
}
function done(): void {
  const { workSeq } = state().mounts.get(1)!;
  journaled.append({ workDone: { mountId: 1, through: workSeq } });
}
/** A file, or directory, as it is loaded from the storage. */
function load(folder: string, name: string, directory = false): void {
  const inode = {
    id: state().nextIds().inodeId,
    directory,
    owner: 'ada',
    group: 'staff',
    mode: 0o755,
    complete: !directory,
    persistence: 2,
  };
  journaled.append({ load: { directoryId: statusOf(folder).id!, names: [name], inodes: [inode] } });
}

describe('mount table', () => {
  test('mount, list, update, unmount: as told, secrets hidden, and what comes back hidden stays', () => {
    const secret = { key: 'aws.secretKey', value: 'very-secret' };
    mount('/m', 's3a://bucket/x/', { options: [secret], shared: true });
    mount('/a', '/data/');
    expect(mounts()).toMatchObject([
      { path: '/a', mount: { id: 2, uri: '/data', readOnly: false, shared: false, options: [] }, queued: 0 },
      { path: '/m', mount: { id: 1, uri: 's3://bucket/x', shared: true, options: [{ key: 'aws.secretKey', value: '******' }] } },
    ]);
    expect(statusOf('/m')).toMatchObject({ directory: true, mode: 0o777, persistence: 2 });
    expect(statusOf('/a')).toMatchObject({ mode: 0o700, owner: 'ada', group: 'staff' });
    run('updateMount', { path: '/m', options: [{ ...secret, value: '******' }], readOnly: true });
    expect(state().mounts.get(1)).toMatchObject({ readOnly: true, shared: false, options: [secret] });
    run('unmount', { path: '/m' });
    expect(mounts().map(({ path }) => path)).toEqual(['/a']);
    expect(state().mounts.get(1)).toBe(null);
    expect(errnoOf(() => statusOf('/m'))).toBe('ENOENT');
    mount('/m', 's3://bucket/x');
    expect(mounts()).toMatchObject([{ path: '/a' }, { path: '/m', mount: { id: 3 } }]);
  });

  test('list: what the storage answered is for superusers, others hear that there is something', () => {
    mount('/m', '/data');
    run('createDirectory', { path: '/m/d' });
    const trouble = 'EACCES: path=/data/others/secret';
    const told = (isSuperuser: boolean) => {
      const context = { ...asAda, identity: { ...asAda.identity, isSuperuser }, troubles: { ...asAda.troubles, ofMount: () => trouble } };
      return listMounts(new understudy.ListMountsRequest(), state(), context).mounts?.[0]?.trouble;
    };
    expect(told(true)).toBe(trouble);
    expect(told(false)).toMatch(/^the storage does not take/);
  });

  test('mount: refused where something is, without a parent, and below a file', () => {
    run('createDirectory', { path: '/d' });
    run('createFile', { path: '/f' });
    expect(errnoOf(() => mount('/d', '/data'))).toBe('EEXIST');
    expect(errnoOf(() => mount('/n/m', '/data'))).toBe('ENOENT');
    expect(errnoOf(() => mount('/f/m', '/data'))).toBe('ENOTDIR');
    expect(errnoOf(() => mount('/', '/data'))).toBe('ENOTEMPTY');
    expect(errnoOf(() => mount('/m', 'hdfs://h/p'))).toBe('EINVAL');
    expect(errnoOf(() => mount('/m', '/data', { options: [{ key: 'no.such', value: 'x' }] }))).toBe('EINVAL');
    expect(errnoOf(() => mount('/m', '/data', { options: [{ key: 'underfs.s3.endpoint', value: `http://${'x'.repeat(20_000)}` }] }))).toBe(
      'E2BIG',
    );
  });

  test('mount: storage in or around what is mounted, is refused; mount points below each other are not', () => {
    mount('/m', '/data/a');
    for (const uri of ['/data/a', '/data', '/', 'file:///data/a/b'])
      expect(
        errnoOf(() => mount('/x', uri)),
        uri,
      ).toBe('EBUSY');
    mount('/m/n', '/data/ab');
    mount('/m/n/o', 's3://data/a');
    expect(mounts().map(({ path }) => path)).toEqual(['/m', '/m/n', '/m/n/o']);
    const at = (path: string) => underUri(mountPlace(path, state())!);
    expect([at('/m'), at('/m/x/y'), at('/m/n/x'), at('/m/n/o/x')]).toEqual(['/data/a', '/data/a/x/y', '/data/ab/x', 's3://data/a/x']);
    expect(mountPlace('/elsewhere', state())).toBe(null);
    expect(errnoOf(() => run('unmount', { path: '/m' }))).toBe('EBUSY');
    expect(errnoOf(() => run('unmount', { path: '/m/n' }))).toBe('EBUSY');
    run('unmount', { path: '/m/n/o' });
    run('unmount', { path: '/m/n' });
    run('unmount', { path: '/m' });
    expect(errnoOf(() => run('unmount', { path: '/' }))).toBe('EINVAL');
  });

  test('root: mounted while it is empty, unmounted when it is again', () => {
    mount('/', '/data');
    expect(mounts()).toMatchObject([{ path: '/', mount: { inodeId: 1 } }]);
    expect(errnoOf(() => mount('/', '/other'))).toBe('EBUSY');
    run('createDirectory', { path: '/d' });
    expect(queued()).toEqual([{ kind: 2, path: 'd', directory: true, mode: 0o777 }]);
    mount('/d/m', 's3://bucket');
    expect(underUri(mountPlace('/d/x', state())!)).toBe('/data/d/x');
    done();
    expect(errnoOf(() => run('unmount', { path: '/' }))).toBe('EBUSY');
    run('unmount', { path: '/d/m' });
    expect(errnoOf(() => run('unmount', { path: '/' }))).toBe('ENOTEMPTY');
    run('remove', { path: '/d', recursive: true });
    done();
    run('unmount', { path: '/' });
    expect(mounts()).toEqual([]);
  });

  test('all of it: for superusers', () => {
    mount('/m', '/data');
    for (const name of ['mount', 'unmount', 'updateMount'] as const) {
      expect(
        errnoOf(() => run(name, { path: '/m', uri: '/x' }, BOB)),
        name,
      ).toBe('EPERM');
    }
  });
});

describe('a file that is appended to while its rename into storage waits', () => {
  const storedAt = (path: string) => statusOf(path).more?.stored;

  /** In the storage with 5 bytes, then with 8, of which it has not heard; then appended to. */
  function appended(path: string): void {
    run('createFile', { path, completeLength: 5, blockBytes: 100, persist: true });
    persist(path);
    done();
    run('appendFile', { path });
    run('completeFile', { path, length: 8 });
    run('setAttributes', { path, persistence: 1 });
    persist(path);
    run('appendFile', { path });
  }

  function persist(path: string): void {
    const { id, generation, length } = statusOf(path) as { id: number; generation: number; length: number };
    const part = partPath({ clusterId: 'c', inodeId: id, generation });
    run('commitPersist', { inodeId: id, generation, length, mountId: 1, part });
  }

  beforeEach(() => {
    journaled.append({
      enableFeatures: { features: FEATURES.filter(({ name }) => name === PERSIST).map(({ name, since }) => ({ name, since })) },
    });
    mount('/m', '/data');
  });

  test('the storage takes it: what was written before is there', () => {
    appended('/m/f');
    expect(storedAt('/m/f')).toMatchObject({ length: 8, same: 8, generation: 1 });
    done();
    expect(storedAt('/m/f')).toMatchObject({ length: 8, same: 8, generation: 1 });
  });

  test('the storage refuses it: nothing of it counts as there', () => {
    appended('/m/f');
    journaled.append({ workDone: { mountId: 1, through: state().mounts.get(1)!.workSeq, refused: true } });
    expect(storedAt('/m/f') ?? null).toBe(null);
  });

  test('the storage refuses something else: what was written before is there', () => {
    appended('/m/f');
    done();
    run('setAttributes', { path: '/m', mode: 0o700 });
    appended('/m/g');
    const { workSeq } = state().mounts.get(1)!;
    journaled.append({ workDone: { mountId: 1, through: workSeq, refused: true } });
    expect(storedAt('/m/f')).toMatchObject({ length: 8, same: 8, generation: 1 });
  });
});

describe('changes below a mount point', () => {
  beforeEach(() => {
    mount('/m', '/data');
    load('/m', 'f');
    load('/m', 'd', true);
    load('/m/d', 'g');
  });

  test('persisted files and directories: are queued in order, in the entry of the change', () => {
    const before = state().sn;
    run('rename', { from: '/m/f', to: '/m/d/h' });
    expect(state().sn).toBe(before + 1);
    run('remove', { path: '/m/d/g' });
    run('createDirectory', { path: '/m/x/y', recursive: true, mode: 0o750 });
    run('setAttributes', { path: '/m/d', mode: 0o700, owner: 'bob' });
    run('rename', { from: '/m/d', to: '/m/x/z' });
    run('remove', { path: '/m/x', recursive: true });
    expect(queued()).toEqual([
      { kind: 0, path: 'f', to: 'd/h' },
      { kind: 4, path: 'd/g' },
      { kind: 2, path: 'x/y', directory: true, mode: 0o750 },
      { kind: 3, path: 'd', directory: true, mode: 0o700, owner: 'bob' },
      { kind: 0, path: 'd', to: 'x/z', directory: true },
      { kind: 1, path: 'x', directory: true },
    ]);
    expect(errnoOf(() => run('unmount', { path: '/m' }))).toBe('EBUSY');
    done();
    run('unmount', { path: '/m' });
  });

  test('what the storage does not have, or is to keep, or only the namespace knows: queues nothing', () => {
    run('createFile', { path: '/m/new', completeLength: 1 });
    run('rename', { from: '/m/new', to: '/m/newer' });
    run('setAttributes', { path: '/m/newer', mode: 0o600 });
    run('remove', { path: '/m/newer' });
    run('setAttributes', { path: '/m/f', modifiedMs: 5 });
    run('remove', { path: '/m/f', namespaceOnly: true });
    expect(queued()).toEqual([]);
  });

  test('a directory whose contents were not looked at: goes whole only if told', () => {
    load('/m', 'unseen', true);
    load('/m', 'other', true);
    run('remove', { path: '/m/unseen' });
    run('remove', { path: '/m/other', recursive: true });
    expect(queued()).toMatchObject([
      { kind: 4, path: 'unseen' },
      { kind: 1, path: 'other' },
    ]);
  });

  test('files with missing directories: these are made in the storage', () => {
    run('createFile', { path: '/m/p/q/new', recursive: true });
    expect(queued()).toMatchObject([{ kind: 2, path: 'p/q' }]);
    expect(statusOf('/m/p')).toMatchObject({ persistence: 2, more: { childrenLoaded: true } });
    expect(statusOf('/m/p/q/new').persistence).toBe(0);
  });

  test('read-only: refuses what the storage would see, allows the rest', () => {
    run('updateMount', { path: '/m', readOnly: true });
    expect(errnoOf(() => run('createFile', { path: '/m/x' }))).toBe('EROFS');
    expect(errnoOf(() => run('createDirectory', { path: '/m/x' }))).toBe('EROFS');
    expect(errnoOf(() => run('rename', { from: '/m/f', to: '/m/x' }))).toBe('EROFS');
    expect(errnoOf(() => run('remove', { path: '/m/f' }))).toBe('EROFS');
    expect(errnoOf(() => run('setAttributes', { path: '/m/f', mode: 0o600 }))).toBe('EROFS');
    expect(errnoOf(() => run('setAttributes', { path: '/m/f', accessedMs: 7 }))).toBe('done');
    expect(errnoOf(() => run('remove', { path: '/m/f', namespaceOnly: true }))).toBe('done');
    mount('/m/n', '/elsewhere');
    run('createFile', { path: '/m/n/x' });
    expect(queued()).toEqual([]);
  });

  test('renames into or out of a mount, and of mount points: are refused, as is removing one with a tree', () => {
    run('createDirectory', { path: '/a/b', recursive: true });
    run('createFile', { path: '/a/f' });
    mount('/a/b/n', 's3://bucket');
    expect(errnoOf(() => run('rename', { from: '/a/f', to: '/m/x' }))).toBe('EXDEV');
    expect(errnoOf(() => run('rename', { from: '/m/f', to: '/a/x' }))).toBe('EXDEV');
    expect(errnoOf(() => run('rename', { from: '/m/f', to: '/a/b/n/x' }))).toBe('EXDEV');
    expect(errnoOf(() => run('rename', { from: '/m', to: '/x' }))).toBe('EBUSY');
    for (const path of ['/m', '/a/b/n', '/a/b', '/a'])
      expect(
        errnoOf(() => run('remove', { path, recursive: true })),
        path,
      ).toBe('EBUSY');
    run('rename', { from: '/a', to: '/c' });
    expect(mounts().map(({ path }) => path)).toEqual(['/c/b/n', '/m']);
    expect(underUri(mountPlace('/c/b/n/x', state())!)).toBe('s3://bucket/x');
  });
});
