/**
 * Each operation by its method, against a master of the production code: options arrive, answers come back in plain names, refusals say
 * their code, POSIX's name and path. What the operations mean is tested where they are planned.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { aclOf } from '../../src/client/file-status.js';
import type { FileSystem } from '../../src/client/file-system.js';
import { operations } from '../../src/metadata/operations.js';
import { collect, ServedNamespace } from './served-namespace.js';

let served: ServedNamespace;
/** Of the superuser. */
let fs: FileSystem;
/** Of a user who is nobody special. */
let ada: FileSystem;

beforeAll(async () => {
  served = await ServedNamespace.open();
  fs = served.client();
  ada = served.client('ada');
  await fs.createDirectory('/ada', { mode: 0o755 });
  await fs.setAttributes('/ada', { owner: 'ada', group: 'ada' });
});
afterAll(() => served[Symbol.asyncDispose]());

describe('files', () => {
  test('create: all that may be asked for', async () => {
    const { status, sn } = await ada.createFile('/ada/new/f', {
      ...{ mode: 0o604, blockBytes: 512, recursive: true, completeLength: 1000, modifiedMs: 5 },
      ...{ replicationMin: 1, replicationMax: 3, ttlMs: 3_600_000, ttlAction: 'FREE' },
    });
    expect(sn).toBeGreaterThan(0);
    expect(status).toMatchObject({
      ...{ path: '/ada/new/f', name: 'f', directory: false, owner: 'ada', group: 'ada', mode: 0o604, length: 1000, blockBytes: 512 },
      ...{
        complete: true,
        modifiedMs: 5,
        replicationMin: 1,
        replicationMax: 3,
        pinned: false,
        quota: null,
        acl: [],
        lease: null,
        mountId: 0,
      },
      ...{ ttl: { ttlMs: 3_600_000, expiresMs: status.createdMs + 3_600_000, action: 'FREE' }, persistence: 'NOT_PERSISTED' },
    });
    expect(await ada.getStatus('/ada/new/f')).toEqual({ ...status, underUri: '' });
  });

  test('modes: less the umask unless one is named', async () => {
    const strict = served.client('ada', { umask: 0o077 });
    const modes = [
      await ada.createFile('/ada/m1', { completeLength: 0 }),
      await strict.createFile('/ada/m2', { completeLength: 0 }),
      await strict.createFile('/ada/m3', { completeLength: 0, mode: 0o666 }),
      await strict.createDirectory('/ada/m4'),
      await strict.createDirectory('/ada/m5', { mode: 0o1777 }),
    ];
    expect(modes.map(({ status }) => status.mode)).toEqual([0o644, 0o600, 0o666, 0o700, 0o1777]);
  });

  test('written, in blocks: known by its inode id wherever it is, appended to, cut', async () => {
    const { status } = await ada.createFile('/ada/w', { blockBytes: 512 });
    expect(status).toMatchObject({ complete: false, length: 0, lease: { clientId: ada.client.session?.clientId, blocks: 0 } });
    expect((await ada.addBlocks('/ada/w', 3, { length: 600 })).status).toMatchObject({ length: 600, lease: { blocks: 3 } });
    await ada.rename('/ada/w', '/ada/w2');
    await expect(ada.addBlocks('/ada/w', 1)).rejects.toMatchObject({ errno: 'ENOENT', path: '/ada/w' });
    expect((await ada.addBlocks('/ada/w', 1, { inodeId: status.id })).status.lease?.blocks).toBe(4);
    expect((await ada.completeFile('', 2000, { inodeId: status.id, modifiedMs: 9 })).status).toMatchObject({
      length: 2000,
      complete: true,
      lease: null,
      modifiedMs: 9,
    });
    await expect(ada.completeFile('/ada/w2', 1)).rejects.toMatchObject({ code: 'failed_precondition', errno: 'ETXTBSY', path: '/ada/w2' });
    expect((await ada.appendFile('/ada/w2')).status).toMatchObject({ complete: false, generation: 1 });
    await expect(fs.appendFile('/ada/w2')).rejects.toMatchObject({ errno: 'EBUSY' });
    await ada.completeFile('/ada/w2', 2048);
    expect((await ada.truncateFile('/ada/w2', 1024)).status).toMatchObject({ length: 1024, generation: 2 });
    await expect(ada.truncateFile('/ada/w2', 1025)).rejects.toMatchObject({ code: 'invalid_argument', errno: 'EINVAL' });
  });

  test('joined: sources go, their blocks stay; told where they are', async () => {
    const create = (name: string, completeLength: number) => ada.createFile(`/ada/${name}`, { completeLength, blockBytes: 512 });
    const [target, one, two] = [await create('t', 1024), await create('s1', 512), await create('s2', 100)];
    const { status } = await ada.concat('/ada/t', ['/ada/s1', '/ada/s2']);
    expect(status.length).toBe(1636);
    expect(status.blockRuns).toEqual([
      { inodeId: target.status.id, first: 0, blocks: 2 },
      { inodeId: one.status.id, first: 0, blocks: 1 },
      { inodeId: two.status.id, first: 0, blocks: 1 },
    ]);
    expect(await ada.exists('/ada/s1')).toBe(false);
    expect(await ada.getBlockLocations('/ada/t', { offset: 1100 })).toEqual([
      { inodeId: one.status.id, index: 0, offset: 1024, length: 512, generation: status.generation, workers: [] },
      { inodeId: two.status.id, index: 0, offset: 1536, length: 100, generation: status.generation, workers: [] },
    ]);
    expect((await ada.getBlockLocations('/ada/t', { offset: 1100, length: 1 })).length).toBe(1);
  });

  test('of more blocks than one answer tells: all are told, in order, as far as they are asked for', async () => {
    await ada.createFile('/ada/long', { completeLength: 20_500 * 512, blockBytes: 512 });
    const blocks = await ada.getBlockLocations('/ada/long');
    expect(blocks.map(({ index }) => index)).toEqual(Array.from({ length: 20_500 }, (_, at) => at));
    const some = await ada.getBlockLocations('/ada/long', { offset: 512, length: 10_001 * 512 });
    expect([some.length, some[0]?.index, some.at(-1)?.index]).toEqual([10_001, 1, 10_001]);
    expect(await ada.getBlockLocations('/ada/long', { offset: 20_500 * 512 })).toEqual([]);
  });

  test('of a file that is replaced between two answers: that is told, and the two are not mixed', async () => {
    const long = { completeLength: 20_500 * 512, blockBytes: 512 };
    await ada.createFile('/ada/replaced', long);
    const query = vi.spyOn(ada.client, 'query');
    query.mockImplementationOnce(async (...given) => {
      const answer = await ada.client.query(...given);
      await ada.createFile('/ada/replaced', { ...long, overwrite: true });
      return answer;
    });
    await expect(ada.getBlockLocations('/ada/replaced')).rejects.toMatchObject({ code: 'aborted' });
    query.mockRestore();
  });

  test('by inode id: at the path where it is now', async () => {
    const { status } = await ada.createFile('/ada/byid', { completeLength: 0 });
    await ada.rename('/ada/byid', '/ada/byid2');
    expect(await ada.getStatusById(status.id)).toMatchObject({ id: status.id, path: '/ada/byid2', name: 'byid2' });
    await expect(ada.getStatusById(999_999)).rejects.toMatchObject({ code: 'not_found', errno: 'ENOENT' });
  });
});

describe('trees', () => {
  test('rename: over, into, and refused', async () => {
    const directory = '/ada/mv';
    await ada.createDirectory(`${directory}/d`, { recursive: true });
    for (const name of ['a', 'b']) await ada.createFile(`${directory}/${name}`, { completeLength: 1 });
    await expect(ada.rename(`${directory}/a`, `${directory}/b`)).rejects.toMatchObject({
      code: 'already_exists',
      errno: 'EEXIST',
      path: `${directory}/b`,
    });
    await ada.rename(`${directory}/a`, `${directory}/b`, { overwrite: true });
    await ada.rename(`${directory}/b`, `${directory}/d`, { into: true });
    expect((await collect(ada.list(directory, { recursive: true }))).map(({ path }) => path)).toEqual([
      `${directory}/d`,
      `${directory}/d/b`,
    ]);
    await expect(ada.rename('/ada/none', '/ada/x')).rejects.toMatchObject({ errno: 'ENOENT', path: '/ada/none' });
  });

  test('list: prefix, start, pages, what is below', async () => {
    await Promise.all(['a1', 'a2', 'b1', 'a3/in'].map((name) => ada.createFile(`/ada/ls/${name}`, { completeLength: 0, recursive: true })));
    const names = async (options: Parameters<FileSystem['list']>[1]) =>
      (await collect(ada.list('/ada/ls', options))).map(({ path }) => path.slice('/ada/ls/'.length));
    expect(await names({})).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(await names({ prefix: 'a', startAfter: 'a1', pageEntries: 1 })).toEqual(['a2', 'a3']);
    expect(await names({ recursive: true, startAfter: 'a3' })).toEqual(['a3/in', 'b1']);
    const [page] = await collect(ada.listPages('/ada/ls'));
    expect(page?.entries.map(({ name }) => name)).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect((await collect(ada.list('/ada/ls', { recursive: true }))).map(({ name }) => name)).toEqual(['a1', 'a2', 'a3', 'in', 'b1']);
  });

  test('remove, and the summary of a tree', async () => {
    await ada.createFile('/ada/rm/a/f', { completeLength: 2 ** 52, recursive: true, blockBytes: 2 ** 40 });
    await ada.createFile('/ada/rm/a/g', { completeLength: 2 ** 52, blockBytes: 2 ** 40 });
    await ada.createFile('/ada/rm/a/h', { completeLength: 1, blockBytes: 2 ** 40 });
    await fs.setQuota('/ada/rm', { namesMax: 10, bytesMax: 2n ** 60n });
    expect(await ada.contentSummary('/ada/rm')).toMatchObject({
      files: 3,
      directories: 2,
      bytes: 2n ** 53n + 1n,
      quota: { namesMax: 10, bytesMax: 2n ** 60n },
    });
    await expect(ada.remove('/ada/rm')).rejects.toMatchObject({ code: 'failed_precondition', errno: 'ENOTEMPTY', path: '/ada/rm' });
    await ada.remove('/ada/rm', { recursive: true, skipTrash: true });
    expect(await ada.exists('/ada/rm')).toBe(false);
  });
});

describe('attributes', () => {
  test('set, and taken away', async () => {
    await ada.createFile('/ada/at', { completeLength: 0 });
    const { status } = await ada.setAttributes('/ada/at', {
      mode: 0o600,
      pinned: true,
      replicationMin: 2,
      replicationMax: 4,
      ttlMs: 10 ** 9,
      modifiedMs: 1,
      accessedMs: 2,
    });
    expect(status).toMatchObject({
      mode: 0o600,
      pinned: true,
      replicationMin: 2,
      replicationMax: 4,
      modifiedMs: 1,
      accessedMs: 2,
      ttl: { ttlMs: 10 ** 9, action: 'DELETE' },
    });
    expect((await ada.setAttributes('/ada/at', { ttlMs: null, pinned: false })).status).toMatchObject({ ttl: null, pinned: false });
    expect((await fs.setAttributes('/ada/at', { persistence: 'TO_BE_PERSISTED' })).status.persistence).toBe('TO_BE_PERSISTED');
    await expect(ada.setAttributes('/ada/at', { owner: 'o' })).rejects.toMatchObject({
      code: 'permission_denied',
      errno: 'EPERM',
      path: '/ada/at',
    });
  });

  test('quota: set, kept to, and taken away', async () => {
    await ada.createDirectory('/ada/q');
    expect((await fs.setQuota('/ada/q', { namesMax: 1 })).status.quota).toEqual({ namesMax: 1, bytesMax: 0n });
    expect((await fs.setQuota('/ada/q', { bytesMax: 100 })).status.quota).toEqual({ namesMax: 1, bytesMax: 100n });
    await expect(ada.createFile('/ada/q/big', { completeLength: 101 })).rejects.toMatchObject({
      code: 'resource_exhausted',
      errno: 'EDQUOT',
    });
    await ada.createDirectory('/ada/q/one');
    await expect(ada.createDirectory('/ada/q/two')).rejects.toMatchObject({ errno: 'EDQUOT' });
    expect((await fs.setQuota('/ada/q', { namesMax: 0, bytesMax: 0 })).status.quota).toBeNull();
    await expect(fs.setQuota('/ada/q', { bytesMax: 1.5 })).rejects.toThrow();
  });

  test('access control lists: as text and as entries', async () => {
    await ada.createDirectory('/ada/acl', { mode: 0o750 });
    expect((await ada.getAcl('/ada/acl')).map(({ kind, permissions }) => `${kind} ${permissions}`)).toEqual([
      'user 7',
      'group 5',
      'other 0',
    ]);
    const { status } = await ada.setAcl('/ada/acl', { action: 'modify', entries: 'user:bob:rwx,default:user:bob:r-x' });
    expect(status).toMatchObject({ mode: 0o770 });
    expect(status.acl).toContainEqual({ isDefault: false, kind: 'user', name: 'bob', permissions: 7 });
    expect(aclOf(status)).toEqual(await ada.getAcl('/ada/acl'));
    await served.client('bob').createFile('/ada/acl/his', { completeLength: 0 });
    expect(
      (await ada.setAcl('/ada/acl', { action: 'remove', entries: [{ isDefault: false, kind: 'user', name: 'bob' }] })).status.acl,
    ).not.toContainEqual(expect.objectContaining({ isDefault: false, name: 'bob' }));
    await ada.setAcl('/ada/acl', { action: 'removeDefault' });
    expect((await ada.setAcl('/ada/acl', { action: 'removeAll' })).status.acl).toEqual([]);
    await expect(ada.setAcl('/ada/acl', { action: 'modify', entries: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid_argument',
      errno: 'EINVAL',
      path: '/ada/acl',
    });
    await expect(served.client('bob').setAcl('/ada/acl', { action: 'removeAll' })).rejects.toMatchObject({ errno: 'EPERM' });
  });

  test('extended attributes: made, replaced, told, removed', async () => {
    await ada.createFile('/ada/x', { completeLength: 0 });
    expect((await ada.setXattr('/ada/x', 'user.a', 'one', { only: 'create' })).status.hasXattrs).toBe(true);
    await expect(ada.setXattr('/ada/x', 'user.a', 'two', { only: 'create' })).rejects.toMatchObject({
      code: 'already_exists',
      errno: 'EEXIST',
    });
    await expect(ada.setXattr('/ada/x', 'user.b', 'two', { only: 'replace' })).rejects.toMatchObject({
      code: 'not_found',
      errno: 'ENODATA',
    });
    await ada.setXattr('/ada/x', 'user.b', Uint8Array.of(0, 255));
    const told = await ada.getXattrs('/ada/x');
    expect([...told].map(([name, value]) => [name, Buffer.from(value).toString('hex')])).toEqual([
      ['user.a', '6f6e65'],
      ['user.b', '00ff'],
    ]);
    expect([...(await ada.getXattrs('/ada/x', ['user.b'])).keys()]).toEqual(['user.b']);
    await ada.removeXattr('/ada/x', 'user.a');
    await expect(ada.removeXattr('/ada/x', 'user.a')).rejects.toMatchObject({ errno: 'ENODATA', path: '/ada/x' });
  });

  test('access: as the user who asks', async () => {
    await ada.createFile('/ada/access', { completeLength: 0, mode: 0o640 });
    await ada.checkAccess('/ada/access', 'rw');
    await expect(ada.checkAccess('/ada/access', 'x')).rejects.toMatchObject({ errno: 'EACCES', path: '/ada/access' });
    await expect(served.client('bob').checkAccess('/ada/access', 'r')).rejects.toMatchObject({ errno: 'EACCES' });
    await expect(ada.checkAccess('/ada/access', 'read')).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('batches', () => {
  test('all steps happen, in order, as one entry', async () => {
    const { sn, statuses } = await ada
      .batch()
      .createDirectory('/ada/batch')
      .createFile('/ada/batch/f', { completeLength: 3 })
      .setAttributes('/ada/batch/f', { mode: 0o600 })
      .rename('/ada/batch/f', '/ada/batch/g')
      .setXattr('/ada/batch/g', 'user.k', 'v')
      .remove('/ada/batch/g')
      .commit();
    const steps: unknown[] = [];
    for await (const event of ada.watch('/ada/batch', { fromSn: sn })) {
      if (steps.push([event.sn, event.step]) === 6) break;
    }
    expect(steps).toEqual([0, 1, 2, 3, 4, 5].map((step) => [sn, step]));
    expect(statuses.map((status) => status && [status.path, status.mode])).toEqual([
      ['/ada/batch', 0o755],
      ['/ada/batch/f', 0o644],
      ['/ada/batch/f', 0o600],
      undefined,
      ['/ada/batch/g', 0o600],
      undefined,
    ]);
    expect(await collect(ada.list('/ada/batch'))).toEqual([]);
  });

  test('a step is refused: its number and path are told, and nothing happens', async () => {
    const refused = ada.batch().createDirectory('/ada/half').remove('/ada/none').commit();
    await expect(refused).rejects.toMatchObject({
      code: 'not_found',
      errno: 'ENOENT',
      path: '/ada/none',
      message: expect.stringContaining('step=1'),
    });
    expect(await ada.exists('/ada/half')).toBe(false);
    await expect(ada.batch().commit()).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('mounts', () => {
  test('mounted, listed, changed, loaded, checked, unmounted', async () => {
    const files = served.cluster.underFiles('s3://bucket/top');
    files.makeFolders('in');
    files.put('in/file', { bytes: Buffer.from('abc') });
    await fs.mount('/mnt', 's3://bucket/top', { readOnly: true });
    expect(await fs.listMounts()).toEqual([
      {
        path: '/mnt',
        id: 1,
        uri: 's3://bucket/top',
        options: {},
        readOnly: true,
        shared: false,
        mountedMs: expect.any(Number),
        queued: 0,
        refused: 0,
        trouble: '',
      },
    ]);
    expect(await fs.getStatus('/mnt/none').catch(({ errno }) => errno)).toBe('ENOENT');
    expect((await fs.getStatus('/mnt')).underUri).toBe('s3://bucket/top');
    await fs.updateMount('/mnt', { shared: true });
    expect((await fs.listMounts())[0]).toMatchObject({ readOnly: false, shared: true });
    expect(await fs.loadMetadata('/mnt', { recursive: true })).toMatchObject({ made: 2, gone: 0 });
    expect(await fs.getStatus('/mnt/in/file', { loadMetadata: 'NEVER' })).toMatchObject({
      length: 3,
      persistence: 'PERSISTED',
      underUri: 's3://bucket/top/in/file',
    });
    files.put('in/file', { bytes: Buffer.from('abcdef') });
    expect(await collect(fs.checkConsistency('/mnt'))).toEqual([{ path: '/mnt/in/file', reason: expect.any(String) }]);
    expect((await fs.getStatus('/mnt/in/file', { loadMetadata: 'ALWAYS', syncIntervalMs: 0 })).length).toBe(6);
    await fs.unmount('/mnt');
    expect(await fs.listMounts()).toEqual([]);
    await expect(ada.mount('/ada/m', 's3://bucket/top')).rejects.toMatchObject({
      code: 'permission_denied',
      errno: 'EPERM',
      path: '/ada/m',
    });
  });
});

describe('watching', () => {
  test('changes below a path, once and in order, with cursors', async () => {
    const { sn } = await ada.createDirectory('/ada/seen');
    await ada.createFile('/ada/seen/f', { completeLength: 1 });
    await ada.createFile('/ada/unseen', { completeLength: 1 });
    await ada.rename('/ada/seen/f', '/ada/seen/g');
    await ada.batch().remove('/ada/seen/g').createDirectory('/ada/seen/h').commit();
    const events: unknown[] = [];
    for await (const { kind, path, toPath, step } of ada.watch('/ada/seen', { fromSn: sn })) {
      events.push([kind, path, toPath, step]);
      if (events.length === 5) break;
    }
    expect(events).toEqual([
      ['createDirectory', '/ada/seen', '', 0],
      ['createFile', '/ada/seen/f', '', 0],
      ['rename', '/ada/seen/f', '/ada/seen/g', 0],
      ['remove', '/ada/seen/g', '', 0],
      ['createDirectory', '/ada/seen/h', '', 1],
    ]);
    await ada.setCursor('mine', { path: '/ada/seen', sn });
    expect(await ada.listCursors()).toEqual([{ name: 'mine', path: '/ada/seen', sn, movedMs: expect.any(Number) }]);
    for await (const { kind } of ada.watch('/ada/seen', { cursor: 'mine' })) {
      expect(kind).toBe('createFile');
      break;
    }
    await ada.removeCursor('mine');
    await expect(ada.removeCursor('mine')).rejects.toMatchObject({ errno: 'ENOENT' });
  });
});

describe('watching over several masters', () => {
  test('the leader dies: every change comes once and in order, from others', async () => {
    await using many = await ServedNamespace.open(['a', 'b', 'c']);
    const [writer, watcher] = [many.client('o'), many.client('o')];
    const { sn } = await writer.createDirectory('/w');
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { path, throughSn } of watched(watcher, sn + 1)) {
        seen.push(path);
        if (seen.length === 60) return throughSn;
      }
      return 0;
    })();
    for (let index = 0; index < 60; index++) {
      await writer.createFile(`/w/${index}`, { completeLength: 0 });
      if (index !== 20) continue;
      await many.settled();
      many.cluster.kill('a');
    }
    expect(await watching).toBeGreaterThan(sn);
    expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => `/w/${index}`));
  });

  async function* watched(of: FileSystem, fromSn: number) {
    for await (const { events, throughSn } of of.watchBatches('/w', { fromSn })) for (const { path } of events) yield { path, throughSn };
  }

  test('a signal ends it', async () => {
    const giveUp = new AbortController();
    const watching = collect(ada.watch('/ada', { signal: giveUp.signal }));
    giveUp.abort();
    await expect(watching).rejects.toMatchObject({ code: 'cancelled' });
  });
});

test('every operation of the namespace has a method', () => {
  const others: Record<string, keyof FileSystem> = { listStatus: 'list', multi: 'batch' };
  const streams = ['watch', 'loadMetadata', 'checkConsistency'];
  // `readConfig` and `changeConfig` (src/client/cluster-config.ts); workers'.
  const elsewhere = ['getConfig', 'setConfig', 'commitPersist'];
  const ofNamespace = Object.entries(operations).filter(
    ([name, { kind }]) => !elsewhere.includes(name) && (!kind.startsWith('control') || streams.includes(name)),
  );
  expect(ofNamespace.length).toBeGreaterThan(30);
  expect(ofNamespace.map(([name]) => others[name] ?? name).filter((name) => typeof fs[name as keyof FileSystem] !== 'function')).toEqual(
    [],
  );
});

test('refusals: each says its path, also where the master tells none', async () => {
  for (const refused of [
    fs.getStatus('relative'),
    fs.getStatus('/none'),
    fs.createFile('/ada/mode', { mode: 0o17777 }),
    fs.setAttributes('/ada', { owner: '' }),
    fs.rename('/none', '/none2'),
    fs.completeFile('/ada', 1),
    collect(fs.list('/none')),
    collect(fs.list('/ada', { pageEntries: 1_000_000 })),
  ]) {
    const error = await refused.then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(UnderstudyError);
    expect(error).toMatchObject({ path: expect.stringMatching(/./), code: expect.any(String) });
  }
});
