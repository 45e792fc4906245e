// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text is about references
/** Settings that stand in the journal: what is refused and why, what they do to what is made below a path, and that they are state as all else is. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { propertiesAt } from '../../src/metadata/cluster-config.js';
import { planSetConfig } from '../../src/metadata/plan-set-config.js';
import { BOB, Calls } from './calls.js';
import { planContext } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

let calls: Calls;
const TRASH = 'master.trash.interval';
const BLOCK = 'user.block.size.bytes.default';
const UMASK = 'security.authorization.permission.umask';

beforeEach(async () => {
  calls = new Calls(await JournaledState.begin((await openReplica()).replica));
});
afterEach(() => calls.journaled.replica.close());

const set = (forPath: string, ...pairs: [key: string, value: string][]) =>
  calls.run('setConfig', { forPath, set: pairs.map(([key, value]) => ({ key, value })) });
const at = (path: string) => propertiesAt(calls.state.config(), path).map(({ key, value }) => `${key}=${value}`);
const messageOf = (run: () => void) => {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'done';
};

describe('settings of the masters', () => {
  it('are kept by their bare keys, whatever the spelling, in the order of keys', () => {
    set('', ['understudy.master.trash.interval', ' 2h '], ['alluxio.logger.level', 'debug'], ['master.lease.timeout', '5min']);
    expect(at('')).toEqual(['logger.level=debug', 'master.lease.timeout=5min', 'master.trash.interval=2h']);
    calls.run('setConfig', { unset: ['understudy.logger.level'], set: [{ key: TRASH, value: '3h' }] });
    expect(at('')).toEqual(['master.lease.timeout=5min', 'master.trash.interval=3h']);
    calls.run('setConfig', { unsetAll: true });
    expect(calls.state.config().places).toEqual([]);
  });

  it.each<[string, string, string]>([
    [
      'understudy.master.trash.intervall',
      '1h',
      'unknown key "understudy.master.trash.intervall"; the nearest one is understudy.master.trash.interval',
    ],
    [TRASH, '-1h', 'wrong value "-1h" of understudy.master.trash.interval (duration, 0ms to 3650day): out of range (0ms to 3650day)'],
    [TRASH, 'soon', 'not a duration'],
    [TRASH, '', 'empty (to put back what the file says, unset it)'],
    [TRASH, '${understudy.master.lease.timeout}', 'it refers to other settings, which may differ from master to master'],
    ['master.rpc.port', '1', "understudy.master.rpc.port is set in the file of each master: it is that machine's own"],
    ['master.journal.folder', '/x', 'or needed before the journal can be read'],
    ['s3a.secretKey', 'x', 'is a secret: each master has it in its own file'],
    ['user.rpc.timeout', '1s', "is a client's: set it in the files of clients"],
    [UMASK, '022', "is a client's: set it in the files of clients, or for a path (fsadmin pathConf add)"],
  ])('%s=%s is refused with its reason', (key, value, reason) => {
    expect(messageOf(() => set('', [key, value]))).toContain(reason);
    expect(calls.state.config().places).toEqual([]);
  });

  it('only a superuser changes them', () => {
    expect(calls.errno('setConfig', { set: [{ key: TRASH, value: '1h' }] }, BOB)).toBe('EPERM');
  });

  it('what changes nothing is no entry', () => {
    set('', [TRASH, '1h']);
    expect(calls.plan('setConfig', { set: [{ key: TRASH, value: '1h' }] })).toEqual({ unchanged: null });
    expect(calls.plan('setConfig', { unset: ['logger.level'] })).toEqual({ unchanged: null });
  });

  it('what does not fit with the other settings of the leader is refused', () => {
    const context = planContext(1);
    const settings = { ...context.settings, problemWith: () => 'understudy.x: has to be larger than understudy.y' };
    const request = new understudy.SetConfigRequest({ set: [{ key: TRASH, value: '1h' }] });
    expect(messageOf(() => planSetConfig(request, calls.state, { ...context, settings }))).toBe(
      'the settings do not fit together: understudy.x: has to be larger than understudy.y',
    );
  });
});

describe('settings of a path', () => {
  it('count for it and what is below it, the longest path first, key by key; what a call names counts more', () => {
    set('/data', [BLOCK, '2KB'], [UMASK, '077']);
    set('/data/wide/', [BLOCK, '1MB']);
    set('/', [UMASK, '000']);
    const file = (path: string, more: object = {}) => {
      calls.run('createFile', { path, completeLength: 0, recursive: true, umask: 0o022, ...more });
      const { blockBytes, mode } = calls.inode(path);
      return `${blockBytes} ${mode.toString(8)}`;
    };
    expect(file('/f')).toBe('1024 666');
    expect(file('/database')).toBe('1024 666');
    expect(file('/data/f')).toBe('2048 600');
    expect(file('/data/wide/d/f')).toBe(`${1 << 20} 600`);
    expect(file('/g', { blockBytesDefault: 4096 })).toBe('4096 666');
    expect(file('/data/i', { blockBytesDefault: 4096 })).toBe('2048 600');
    expect(file('/data/g', { blockBytesDefault: 4096, blockBytes: 512, mode: 0o640, umask: 0 })).toBe('512 640');
    calls.run('createDirectory', { path: '/data/d', umask: 0o022 });
    expect(calls.inode('/data/d').mode).toBe(0o700);
    calls.run('setConfig', { forPath: '/data', unsetAll: true });
    expect(file('/data/h')).toBe('1024 666');
  });

  it('stay with the path, not with the directory that was there', () => {
    calls.run('createDirectory', { path: '/a' });
    set('/a', [BLOCK, '4KB']);
    calls.run('rename', { from: '/a', to: '/b' });
    calls.run('createFile', { path: '/b/f', completeLength: 0 });
    calls.run('createFile', { path: '/a/f', completeLength: 0, recursive: true });
    expect([calls.inode('/b/f').blockBytes, calls.inode('/a/f').blockBytes]).toEqual([1024, 4096]);
  });

  it('are few, and refused by name where they cannot be for a path', () => {
    expect(messageOf(() => set('/a', [TRASH, '1h']))).toContain('understudy.master.trash.interval cannot be set for a path');
    expect(calls.errno('setConfig', { forPath: '/a', set: [{ key: BLOCK, value: '1KB' }] }, BOB)).toBe('EPERM');
  });
});

describe('as state', () => {
  it('what was not committed is taken back', async () => {
    set('', [TRASH, '1h']);
    await calls.journaled.seal();
    const { state } = calls;
    const before = state.config();
    state.record();
    const position = state.position();
    set('', [TRASH, '2h']);
    set('/a', [BLOCK, '4KB']);
    state.rollBack(position);
    expect(state.config()).toBe(before);
  });

  it('a standby comes to the same digest, and a store that is opened again has them', async () => {
    set('', [TRASH, '1h']);
    set('/a', [BLOCK, '4KB']);
    await calls.journaled.seal();
    const stores = new MemoryStores();
    const standby = await openReplica(stores);
    for (const batch of calls.journaled.batches) await standby.replica.applyBatch(batch);
    const [there, here] = await Promise.all([calls.journaled.replica, standby.replica].map(({ writeBehind }) => writeBehind.digest()));
    expect(here).toEqual(there);
    await standby.replica.close();
    const again = await openReplica(stores);
    expect(again.replica.state.config().places).toEqual(calls.state.config().places);
    await again.replica.close();
  });
});
