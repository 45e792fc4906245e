/**
 * What files hold and who writes them: one row a refusal, and what each operation leaves behind.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import type { Identity } from '../../src/metadata/access.js';
import { pairKey } from '../../src/metadata/keys.js';
import { planRecovery } from '../../src/metadata/plan-recovery.js';
import { PERSISTENCE } from '../../src/metadata/records.js';
import { Acting, type OperationName, ROOT, user } from './acting.js';
import { planContext } from './identities.js';

const ADA = user('ada', 'staff');
const BOB = user('bob', 'guests');
const BLOCK = 1_024;
/** A client whose session has ended. */
const GONE = 9;
const LONG = 'x'.repeat(256);

type Row = readonly [errno: string, who: Identity, name: OperationName, body: object, clientId?: number];

/** Clients 1 and 2 have sessions. `/d` is Ada's; `/open` is everybody's, `/sticky` too, with the sticky bit. */
async function makeWorld(): Promise<Acting> {
  const world = await Acting.begin();
  world.append({ registerClient: { clientId: 2 } });
  const make = (path: string, length: number, more: object = {}) =>
    world.act(ADA, 'createFile', { path, mode: 0o644, completeLength: length, ...more });
  for (const path of ['/d', '/open', '/sticky']) world.act(ROOT, 'createDirectory', { path, mode: 0o777 });
  world.act(ROOT, 'setAttributes', { path: '/d', owner: 'ada', mode: 0o755 });
  world.act(ROOT, 'setAttributes', { path: '/sticky', mode: 0o1777 });
  world.act(ADA, 'createDirectory', { path: '/d/sub', mode: 0o755 });
  world.act(ADA, 'createFile', { path: '/d/written', mode: 0o644 });
  world.act(ADA, 'createFile', { path: '/d/abandoned', mode: 0o644 }, GONE);
  world.act(ADA, 'createFile', { path: '/d/huge', mode: 0o644, blockBytes: 2 ** 52 });
  world.act(ADA, 'createFile', { path: '/d/tiny', mode: 0o644, blockBytes: 1 });
  make('/d/f', 3_000);
  make('/d/whole', 2 * BLOCK);
  make('/d/whole2', BLOCK);
  make('/d/uneven', 10);
  make('/d/other-blocks', 20, { blockBytes: 10 });
  make('/d/secret', 1, { mode: 0o600 });
  make('/d/long', 2 ** 53 - 2 ** 40, { blockBytes: 2 ** 40 });
  make('/d/long2', 2 ** 40, { blockBytes: 2 ** 40 });
  make('/d/sub/x', BLOCK);
  make('/d/stored', BLOCK);
  for (const persistence of [PERSISTENCE.toBePersisted, PERSISTENCE.persisted])
    world.act(ROOT, 'setAttributes', { path: '/d/stored', persistence });
  make('/open/f', BLOCK);
  make('/open/all', BLOCK, { mode: 0o666 });
  make('/open/all2', BLOCK, { mode: 0o666 });
  make('/sticky/all', BLOCK, { mode: 0o666 });
  return world;
}

describe('refusals', () => {
  let world: Acting;
  beforeAll(async () => {
    world = await makeWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const rows: readonly Row[] = [
    ['EINVAL', ADA, 'createFile', { path: 'x' }],
    ['ENAMETOOLONG', ADA, 'createFile', { path: `/${LONG}` }],
    ['ENOENT', ADA, 'createFile', { path: '/d/n/x' }],
    ['ENOTDIR', ADA, 'createFile', { path: '/d/f/x', recursive: true }],
    ['EEXIST', ADA, 'createFile', { path: '/d/f' }],
    ['EEXIST', ADA, 'createFile', { path: '/d/sub' }],
    ['EISDIR', ADA, 'createFile', { path: '/d/sub', overwrite: true }],
    ['EISDIR', ROOT, 'createFile', { path: '/', overwrite: true }],
    ['EACCES', BOB, 'createFile', { path: '/d/new' }],
    ['EACCES', BOB, 'createFile', { path: '/d/f', overwrite: true }],
    ['EACCES', BOB, 'createFile', { path: '/open/f', overwrite: true }],
    ['EPERM', BOB, 'createFile', { path: '/sticky/all', overwrite: true }],
    ['EBUSY', ADA, 'createFile', { path: '/d/written', overwrite: true }, 2],
    ['done', ADA, 'createFile', { path: '/d/written', overwrite: true }],
    ['done', ADA, 'createFile', { path: '/d/abandoned', overwrite: true }],
    ['done', BOB, 'createFile', { path: '/open/all', overwrite: true }],
    ['EINVAL', ADA, 'createFile', { path: '/d/new', mode: 0o10000 }],
    ['EINVAL', ADA, 'createFile', { path: '/d/new', replicationMin: 3, replicationMax: 2 }],
    ['EINVAL', ADA, 'createFile', { path: '/d/new', ttlMs: 2 ** 53 - 1 }],
    ['EFBIG', ADA, 'createFile', { path: '/d/new', completeLength: 2 ** 32, blockBytes: 1 }],
    ['done', ADA, 'createFile', { path: '/d/new', completeLength: 2 ** 32 - 1, blockBytes: 1 }],

    ['EINVAL', ADA, 'addBlocks', { path: '/d/written', blocks: 0 }],
    ['EINVAL', ADA, 'addBlocks', { path: '/d/written', blocks: 65_537 }],
    ['EINVAL', ADA, 'addBlocks', { path: '/d/written', blocks: 1, length: BLOCK + 1 }],
    ['ENOENT', ADA, 'addBlocks', { path: '/d/n', blocks: 1 }],
    ['ENOENT', ADA, 'addBlocks', { inodeId: 1e6, blocks: 1 }],
    ['EISDIR', ADA, 'addBlocks', { path: '/d', blocks: 1 }],
    ['ETXTBSY', ADA, 'addBlocks', { path: '/d/f', blocks: 1 }],
    ['EBUSY', ADA, 'addBlocks', { path: '/d/written', blocks: 1 }, 2],
    ['EBUSY', ROOT, 'addBlocks', { path: '/d/written', blocks: 1 }, 2],
    ['EACCES', BOB, 'addBlocks', { path: '/d/written', blocks: 1 }, 2],
    ['EACCES', BOB, 'addBlocks', { path: '/d/abandoned', blocks: 1 }, 2],
    ['done', BOB, 'addBlocks', { path: '/d/written', blocks: 1 }],
    ['done', ADA, 'addBlocks', { path: '/d/abandoned', blocks: 65_536 }, 2],
    ['EFBIG', ADA, 'addBlocks', { path: '/d/huge', blocks: 2 }],
    ['done', ADA, 'addBlocks', { path: '/d/huge', blocks: 1 }],

    ['ENOENT', ADA, 'completeFile', { path: '/d/n' }],
    ['ENOENT', ADA, 'completeFile', { inodeId: 1e6 }],
    ['EISDIR', ADA, 'completeFile', { path: '/d/sub' }],
    ['ETXTBSY', ADA, 'completeFile', { path: '/d/f' }],
    ['EBUSY', ADA, 'completeFile', { path: '/d/written' }, 2],
    ['EACCES', BOB, 'completeFile', { path: '/d/abandoned' }, 2],
    ['EFBIG', ADA, 'completeFile', { path: '/d/tiny', length: 2 ** 32 }],
    ['done', ADA, 'completeFile', { path: '/d/tiny', length: 2 ** 32 - 1 }],
    ['done', ADA, 'completeFile', { path: '/d/abandoned' }, 2],

    ['ENOENT', ADA, 'appendFile', { path: '/d/n' }],
    ['ENOTDIR', ADA, 'appendFile', { path: '/d/f/x' }],
    ['EISDIR', ADA, 'appendFile', { path: '/d' }],
    ['EACCES', BOB, 'appendFile', { path: '/d/f' }],
    ['EBUSY', ADA, 'appendFile', { path: '/d/written' }],
    ['done', BOB, 'appendFile', { path: '/open/all' }],

    ['ENOENT', ADA, 'truncateFile', { path: '/d/n' }],
    ['EISDIR', ADA, 'truncateFile', { path: '/d' }],
    ['EACCES', BOB, 'truncateFile', { path: '/d/f' }],
    ['EBUSY', ADA, 'truncateFile', { path: '/d/written' }],
    ['EINVAL', ADA, 'truncateFile', { path: '/d/f', length: 3_001 }],
    ['done', ADA, 'truncateFile', { path: '/d/f', length: 2_999 }],

    ['EINVAL', ADA, 'concat', { path: '/d/whole' }],
    ['EINVAL', ADA, 'concat', { path: '/d/whole', sources: Array.from({ length: 1_025 }, () => '/d/f') }],
    ['E2BIG', ADA, 'concat', { path: '/d/whole', sources: Array.from({ length: 512 }, (_, at) => `${'/d'.repeat(64)}/${at}`) }],
    ['ENOENT', ADA, 'concat', { path: '/d/n', sources: ['/d/f'] }],
    ['ENOENT', ADA, 'concat', { path: '/d/whole', sources: ['/d/n'] }],
    ['EISDIR', ADA, 'concat', { path: '/d/sub', sources: ['/d/f'] }],
    ['EISDIR', ADA, 'concat', { path: '/d/whole', sources: ['/d/sub'] }],
    ['EACCES', BOB, 'concat', { path: '/d/whole', sources: ['/open/all'] }],
    ['EACCES', BOB, 'concat', { path: '/open/all', sources: ['/open/f'] }],
    ['EPERM', BOB, 'concat', { path: '/open/all', sources: ['/sticky/all'] }],
    ['EINVAL', ADA, 'concat', { path: '/d/whole', sources: ['/d/f', '/d/sub/x'] }],
    ['EINVAL', ADA, 'concat', { path: '/d/whole', sources: ['/d/f', '/d/whole'] }],
    ['EINVAL', ADA, 'concat', { path: '/d/whole', sources: ['/d/whole2', '/d/whole2'] }],
    ['EBUSY', ADA, 'concat', { path: '/d/written', sources: ['/d/f'] }],
    ['EBUSY', ADA, 'concat', { path: '/d/whole', sources: ['/d/written'] }],
    ['ENOTSUP', ADA, 'concat', { path: '/d/stored', sources: ['/d/f'] }],
    ['ENOTSUP', ADA, 'concat', { path: '/d/whole', sources: ['/d/stored'] }],
    ['EINVAL', ADA, 'concat', { path: '/d/whole', sources: ['/d/other-blocks'] }],
    ['EINVAL', ADA, 'concat', { path: '/d/f', sources: ['/d/whole'] }],
    ['EINVAL', ADA, 'concat', { path: '/d/whole', sources: ['/d/uneven', '/d/whole2'] }],
    ['EFBIG', ADA, 'concat', { path: '/d/long', sources: ['/d/long2'] }],
    ['done', ADA, 'concat', { path: '/d/whole', sources: ['/d/whole2', '/d/f'] }],
    ['done', ADA, 'concat', { path: '/d/whole', sources: ['/d/sub/x'] }],
    ['done', BOB, 'concat', { path: '/open/all', sources: ['/open/all2'] }],

    ['ENOENT', BOB, 'getBlockLocations', { path: '/d/n' }],
    ['EISDIR', BOB, 'getBlockLocations', { path: '/d' }],
    ['EACCES', BOB, 'getBlockLocations', { path: '/d/secret' }],
    ['done', BOB, 'getBlockLocations', { path: '/d/f', offset: 2 ** 53 - 1, length: 2 ** 53 - 1 }],
    ['done', BOB, 'renewLease', {}],
  ];

  for (const [errno, who, name, body, clientId = 1] of rows) {
    const shown = JSON.stringify(body).slice(0, 100);
    test(`${errno}: ${who.user} ${name} ${shown} client=${clientId}`, () => {
      expect(world.wouldBe(who, name, body, clientId)).toBe(errno);
    });
  }
});

describe('what is left', () => {
  let world: Acting;
  beforeEach(async () => {
    world = await makeWorld();
    return () => world[Symbol.asyncDispose]();
  });
  const isOpen = (clientId: number, path: string) => world.state.openFiles.get(pairKey(clientId, world.inode(path).id)) === true;
  const bytes = () => world.state.usages.get(1)?.bytes;
  const blocks = (path: string, from = 0, length?: number) => {
    const asked = { path, offset: from, ...(length === undefined ? {} : { length }) };
    const answer = world.act(ADA, 'getBlockLocations', asked) as understudy.GetBlockLocationsResponse;
    return answer.blocks.map(({ inodeId, index, offset, length: bytes }) => [inodeId, index, offset, bytes]);
  };

  it('createFile: all that was asked for stands in the new inode, and the rows that follow from it', () => {
    const body = { path: '/d/n/m/f', recursive: true, umask: 0o777, replicationMin: 2, replicationMax: 3, ttlMs: 0, persist: true };
    world.act(ADA, 'createFile', body);
    const file = world.inode('/d/n/m/f');
    expect(file).toMatchObject({ mode: 0, complete: false, persistence: PERSISTENCE.notPersisted });
    expect(file.more).toMatchObject({ replicationMin: 2, replicationMax: 3, expiresMs: file.createdMs, lease: { clientId: 1, blocks: 0 } });
    expect(world.state.expiries.get(pairKey(file.createdMs, file.id))).toBe(true);
    expect(isOpen(1, '/d/n/m/f')).toBe(true);
    expect(world.inode('/d/n').mode).toBe(0o300);
  });

  it('createFile in place of another: a new inode, nothing of the old one, the usage in step', () => {
    const [before, usage] = [world.inode('/d/f'), bytes()];
    world.act(ADA, 'createFile', { path: '/d/f', overwrite: true, completeLength: 5 });
    expect(world.inode('/d/f')).toMatchObject({ length: 5, generation: 0 });
    expect(world.inode('/d/f').id).not.toBe(before.id);
    expect(world.state.parentOf(before.id)).toBeNull();
    expect(bytes()).toBe((usage ?? 0n) - 3_000n + 5n);
    world.act(ADA, 'createFile', { path: '/d/abandoned', overwrite: true });
    expect([isOpen(GONE, '/d/abandoned'), isOpen(1, '/d/abandoned')]).toEqual([false, true]);
  });

  it('addBlocks: counts on, tells a length that counts as usage, and takes a lease over from a client that is gone', () => {
    const usage = bytes() ?? 0n;
    world.act(ADA, 'addBlocks', { path: '/d/abandoned', blocks: 3 }, 2);
    world.act(ADA, 'addBlocks', { inodeId: world.inode('/d/abandoned').id, blocks: 64, length: 3 * BLOCK }, 2);
    expect(world.inode('/d/abandoned')).toMatchObject({ length: 3 * BLOCK, more: { lease: { clientId: 2, blocks: 67 } } });
    expect([isOpen(GONE, '/d/abandoned'), isOpen(2, '/d/abandoned')]).toEqual([false, true]);
    expect(bytes()).toBe(usage + BigInt(3 * BLOCK));
    expect(world.wouldBe(ADA, 'addBlocks', { path: '/d/abandoned', blocks: 1, length: BLOCK }, 2)).toBe('EINVAL');
  });

  it('completeFile by id: wherever the file is by now; its lease ends', () => {
    const { id } = world.inode('/d/written');
    world.act(ADA, 'rename', { from: '/d/written', to: '/open/moved' });
    world.act(ADA, 'completeFile', { inodeId: id, length: 7, modifiedMs: 5 });
    expect(world.inode('/open/moved')).toMatchObject({ complete: true, length: 7, modifiedMs: 5, more: null });
    world.act(ROOT, 'remove', { path: '/open', recursive: true });
    expect(world.wouldBe(ADA, 'completeFile', { inodeId: id })).toBe('ENOENT');
  });

  it('appendFile: the length stays readable, the blocks go on behind it, what was persisted is not any longer', () => {
    world.act(ADA, 'appendFile', { path: '/d/stored' });
    expect(world.inode('/d/stored')).toMatchObject({
      complete: false,
      length: BLOCK,
      generation: 1,
      persistence: PERSISTENCE.notPersisted,
      more: { lease: { clientId: 1, blocks: 1 } },
    });
    expect(blocks('/d/stored')).toHaveLength(1);
    world.act(ADA, 'addBlocks', { path: '/d/stored', blocks: 1 });
    world.act(ADA, 'completeFile', { path: '/d/stored', length: 2 * BLOCK });
    expect(blocks('/d/stored').map(([, index]) => index)).toEqual([0, 1]);
  });

  it('truncateFile: to the same length nothing changes, else blocks behind the cut go', () => {
    const { sn } = world.state;
    world.act(ADA, 'truncateFile', { path: '/d/f', length: 3_000 });
    expect(world.state.sn).toBe(sn);
    world.act(ADA, 'truncateFile', { path: '/d/f', length: BLOCK + 1 });
    const { id, generation } = world.inode('/d/f');
    expect(generation).toBe(1);
    expect(blocks('/d/f')).toEqual([
      [id, 0, 0, BLOCK],
      [id, 1, BLOCK, 1],
    ]);
  });

  it('concat: the sources go, their blocks keep their names, and the target goes on with its own behind them', () => {
    const [target, second, third] = ['/d/whole', '/d/whole2', '/d/f'].map((path) => world.inode(path).id);
    const usage = bytes();
    const children = world.inode('/d').childCount;
    world.act(ADA, 'concat', { path: '/d/whole', sources: ['/d/whole2', '/d/f'] });
    expect(bytes()).toBe(usage);
    expect(world.inode('/d').childCount).toBe(children - 2);
    world.act(ADA, 'appendFile', { path: '/d/whole' });
    world.act(ADA, 'completeFile', { path: '/d/whole', length: 7 * BLOCK });
    const names = [
      [target, 0],
      [target, 1],
      [second, 0],
      [third, 0],
      [third, 1],
      [third, 2],
      [target, 6],
    ];
    expect(blocks('/d/whole')).toEqual(names.map(([id, index], at) => [id, index, at * BLOCK, BLOCK]));
    expect(blocks('/d/whole', 2 * BLOCK + 1, BLOCK).map(([id, index]) => [id, index])).toEqual([names[2], names[3]]);
    expect(blocks('/d/whole', 7 * BLOCK)).toEqual([]);
    expect(blocks('/d/whole', 5, 0)).toEqual([]);
  });

  it('other contents in the under store: none of the blocks that were joined into the file are its any longer', () => {
    world.act(ADA, 'concat', { path: '/d/whole', sources: ['/d/whole2'] });
    const usage = bytes() ?? 0n;
    const { id } = world.inode('/d/whole');
    world.append({ setAttributes: { parentId: world.inode('/d').id, name: 'whole', length: 4 * BLOCK } });
    expect(blocks('/d/whole').map(([of, index]) => [of, index])).toEqual([0, 1, 2, 3].map((index) => [id, index]));
    expect(world.inode('/d/whole')).toMatchObject({ generation: 2, more: null });
    expect(bytes()).toBe(usage + BigInt(BLOCK));
  });

  it('a file of more blocks than one answer holds: the rest is asked for behind the last', () => {
    world.act(ADA, 'createFile', { path: '/d/many', completeLength: 2 ** 32 - 1, blockBytes: 1 });
    expect(blocks('/d/many')).toHaveLength(2_048);
    expect(blocks('/d/many', 4_000_000_000)[0]).toEqual([world.inode('/d/many').id, 4_000_000_000, 4_000_000_000, 1]);
  });

  it('a file made of many: joined while its runs are few enough', () => {
    const join = (path: string, count: number) => {
      const sources = Array.from({ length: count }, (_, at) => `/d/part-${at}`);
      for (const source of sources) world.act(ADA, 'createFile', { path: source, completeLength: BLOCK });
      world.act(ADA, 'concat', { path, sources });
    };
    world.act(ADA, 'createFile', { path: '/d/joined', completeLength: 0 });
    for (let round = 0; round < 2; round++) join('/d/joined', 1_024);
    expect(blocks('/d/joined')).toHaveLength(2_048);
    expect(world.wouldBe(ADA, 'concat', { path: '/d/joined', sources: ['/d/whole'] })).toBe('E2BIG');
  });

  it('recovery: completed at what was told, or removed if it was never complete; nothing where somebody else writes it by now', () => {
    const recover = (path: string, recovery: 'complete' | 'remove', holder = GONE) =>
      planRecovery({ inodeId: world.inode(path).id, holder, recovery }, world.state, planContext(7));
    expect(recover('/d/abandoned', 'remove')).toMatchObject({ path: '/d/abandoned', remove: { name: 'abandoned' } });
    expect(recover('/d/abandoned', 'complete')).toMatchObject({ path: '/d/abandoned', completeFile: { length: 0, modifiedMs: 7 } });
    world.act(ADA, 'appendFile', { path: '/d/f' }, GONE);
    expect(recover('/d/f', 'remove')).toMatchObject({ completeFile: { length: 3_000 } });
    world.act(ADA, 'addBlocks', { path: '/d/abandoned', blocks: 1 }, 2);
    expect(recover('/d/abandoned', 'complete')).toBeNull();
    expect(recover('/d/whole', 'complete')).toBeNull();
    const { id } = world.inode('/d/f');
    world.act(ROOT, 'remove', { path: '/d', recursive: true });
    expect(planRecovery({ inodeId: id, holder: GONE, recovery: 'complete' }, world.state, planContext(7))).toBeNull();
  });
});
