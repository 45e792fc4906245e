/** What may be set on an inode beside owner, group, mode and times, and what becomes of it when its time is over. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pairKey } from '../../src/metadata/keys.js';
import { planExpiry } from '../../src/metadata/plan-expiry.js';
import { BOB, Calls } from './calls.js';
import { planContext } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

const [NOT, TO_BE, PERSISTED, LOST] = [0, 1, 2, 3];
const [DELETE, FREE] = [0, 1];

let calls: Calls;

beforeEach(async () => {
  calls = new Calls(await JournaledState.begin((await openReplica()).replica));
  calls.run('createDirectory', { path: '/d', mode: 0o777 });
  calls.run('createFile', { path: '/d/f', completeLength: 10, mode: 0o644 });
});
afterEach(() => calls.journaled.replica.close());

const set = (path: string, attributes: object) => calls.run('setAttributes', { path, ...attributes });

describe('setAttributes', () => {
  it.each<[object, string]>([
    [{ path: '/d/f', pinned: true }, 'done'],
    [{ path: '/d', pinned: true }, 'done'],
    [{ path: '/d/f', replicationMin: 2 }, 'done'],
    [{ path: '/d/f', replicationMin: 2, replicationMax: 2 }, 'done'],
    [{ path: '/d/f', replicationMin: 3, replicationMax: 2 }, 'EINVAL'],
    [{ path: '/d', replicationMin: 1 }, 'EISDIR'],
    [{ path: '/d/f', ttlMs: 0 }, 'done'],
    [{ path: '/d', ttlMs: 1_000, expiryAction: FREE }, 'done'],
    [{ path: '/', ttlMs: 1_000 }, 'EINVAL'],
    [{ path: '/', clearTtl: true }, 'done'],
    [{ path: '/d/f', ttlMs: 1, clearTtl: true }, 'EINVAL'],
    [{ path: '/d/f', ttlMs: 2 ** 53 - 1 }, 'EINVAL'],
    [{ path: '/none', ttlMs: 2 ** 53 }, 'EINVAL'],
    [{ path: '/none', ttlMs: 1 }, 'ENOENT'],
    [{ path: '/d/f/x', pinned: true }, 'ENOTDIR'],
    [{ path: '/d/f', mode: 0o10000 }, 'EINVAL'],
    [{ path: '/d/f', owner: '' }, 'EINVAL'],
    [{ path: '/d/f', persistence: 4 }, 'EINVAL'],
  ])('%o: %s', (body, errno) => {
    expect(calls.errno('setAttributes', body)).toBe(errno);
  });

  it.each<[object, string]>([
    [{ pinned: true }, 'EPERM'],
    [{ replicationMax: 3 }, 'EACCES'],
    [{ ttlMs: 1 }, 'EPERM'],
    [{ clearTtl: true }, 'EPERM'],
    [{ persistence: TO_BE }, 'EPERM'],
    [{ mode: 0o600 }, 'EPERM'],
    [{ modifiedMs: 1 }, 'EPERM'],
    [{ owner: 'bob' }, 'EPERM'],
    [{}, 'done'],
  ])('%o by somebody who may read: %s; who may write says how many copies there are', (attributes, errno) => {
    const body = { path: '/d/f', ...attributes };
    expect(calls.errno('setAttributes', body, BOB)).toBe(errno);
    set('/d/f', { mode: 0o666 });
    expect(calls.errno('setAttributes', body, BOB)).toBe(errno === 'EACCES' ? 'done' : errno);
  });

  it.each<[number[], string]>([
    [[TO_BE, PERSISTED, LOST], 'done'],
    [[TO_BE, NOT], 'done'],
    [[LOST], 'done'],
    [[NOT], 'done'],
    [[PERSISTED], 'EINVAL'],
    [[TO_BE, PERSISTED, NOT], 'EINVAL'],
    [[TO_BE, PERSISTED, TO_BE], 'EINVAL'],
    [[LOST, PERSISTED], 'EINVAL'],
    [[LOST, NOT], 'EINVAL'],
  ] as [number[], string][])('persistence goes %j: %s', (states, errno) => {
    for (const persistence of states.slice(0, -1)) set('/d/f', { persistence });
    expect(calls.errno('setAttributes', { path: '/d/f', persistence: states.at(-1) })).toBe(errno);
  });

  it('a time to live counts from when the inode was made; what nothing is left of takes no room', () => {
    const { createdMs, id } = calls.inode('/d/f');
    const { state } = calls;
    const expiries = () => [...new Set(state.expiries.table.changedKeys())].filter((key) => state.expiries.get(key) !== null);
    set('/d/f', { pinned: true, replicationMin: 1, ttlMs: 500 });
    expect(calls.inode('/d/f').more).toMatchObject({ ttlMs: 500, expiresMs: createdMs + 500 });
    expect(expiries()).toEqual([pairKey(createdMs + 500, id)]);
    const { sn } = calls.state;
    set('/d/f', { pinned: true, ttlMs: 500 });
    expect(calls.state.sn).toBe(sn);
    set('/d/f', { pinned: false, replicationMin: 0, clearTtl: true });
    expect(calls.inode('/d/f').more).toBe(null);
    expect(expiries()).toEqual([]);
  });
});

describe('planExpiry', () => {
  const expire = (id: number, afterMs = 1_000) => planExpiry(id, calls.state, planContext(calls.inode('/').createdMs + afterMs));

  it('DELETE: a file goes, a directory with all that is below it', () => {
    set('/d', { ttlMs: 100, expiryAction: DELETE });
    const { id } = calls.inode('/d');
    expect(expire(id, 99)).toBe(null);
    const entry = expire(id);
    expect(entry).toMatchObject({ path: '/d', remove: { parentId: 1, name: 'd' } });
    calls.journaled.append(entry!);
    expect(calls.has('/d')).toBe(false);
    expect(expire(id)).toBe(null);
  });

  it('FREE: what is persisted is unpinned and lives on; what is not, waits', () => {
    set('/d/f', { ttlMs: 100, expiryAction: FREE, pinned: true });
    const { id } = calls.inode('/d/f');
    expect(expire(id)).toBe(null);
    set('/d/f', { persistence: TO_BE });
    set('/d/f', { persistence: PERSISTED });
    const entry = expire(id);
    expect(entry?.path).toBe('/d/f');
    calls.journaled.append(entry!);
    expect(calls.inode('/d/f')).toMatchObject({ length: 10, more: null });
    expect(expire(id)).toBe(null);
  });

  it('more time, another place, a parent that goes: as the state says by then', () => {
    set('/d/f', { ttlMs: 100 });
    const { id } = calls.inode('/d/f');
    calls.run('rename', { from: '/d/f', to: '/g' });
    expect(expire(id)).toMatchObject({ path: '/g' });
    calls.run('rename', { from: '/g', to: '/d/f' });
    calls.run('remove', { path: '/d', recursive: true });
    expect(expire(id)).toBe(null);
  });
});
