/** The audit log has a line for each change that a leader was asked for, however that ended. */
import { expect, onTestFinished, test } from 'vitest';
import type { AuditRecord } from '../../src/base/audit-log.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { MasterDeps } from '../../src/master/master-deps.js';
import { operations } from '../../src/metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { MemoryCluster } from './memory-cluster.js';
import { RawClient } from './raw-client.js';

const soon = { timeout: 8_000, interval: 10 };
const LIMIT = { timeoutMs: 8_000 };

/** Fails for `ghost`. */
const groups = {
  groupsOf: async (user: string) => {
    if (user === 'ghost') throw new UnderstudyError('unavailable', 'the directory is down');
    return [user];
  },
};

class Audited {
  readonly cluster = new MemoryCluster();
  readonly records = new Map<string, AuditRecord[]>();

  constructor() {
    onTestFinished(() => this.cluster.close());
  }

  async start(name: string, more: Partial<MasterDeps> = {}) {
    const told: AuditRecord[] = [];
    this.records.set(name, told);
    const audit = { note: (record: AuditRecord) => void told.push(record) };
    return (await this.cluster.start(name, undefined, {}, 0, { audit, groups, ...more })).master;
  }

  async leader(name: string) {
    const master = await this.start(name);
    await expect.poll(() => master.leads && master.leadership !== null, soon).toBe(true);
    return master;
  }

  /** What `name` has told since it was asked last, without where from. */
  told(name: string) {
    return (
      this.records
        .get(name)
        ?.splice(0)
        .map(({ from, ...record }) => record) ?? []
    );
  }

  /** Sends bytes to a method. @returns the code of the refusal. */
  async send(name: string, method: number, body: Uint8Array): Promise<string> {
    const deps = { network: this.cluster.network.host('client'), clock: systemClock, log: silentLog };
    await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, `${name}:19998`, AbortSignal.timeout(2_000));
    return await connection.call(method, body, LIMIT).then(
      () => 'ok',
      ({ code }) => code,
    );
  }
}

test('audit: what was made, and what was refused when it was planned', async () => {
  const audited = new Audited();
  await audited.leader('a');
  const client = await RawClient.register(audited.cluster, 'a');
  const ada = await RawClient.register(audited.cluster, 'a', 'ada');
  const { sn } = await client.mutate('createDirectory', { path: '/d' });
  await client.refusalOf('createDirectory', { path: '/d' });
  await ada.refusalOf('rename', { from: '/d', to: '/e' });
  expect(audited.told('a')).toEqual([
    { user: 'o', what: 'createDirectory', paths: ['/d'], call: `${client.clientId}/1`, result: 'ok', sn },
    { user: 'o', what: 'createDirectory', paths: ['/d'], call: `${client.clientId}/2`, result: 'already_exists', sn },
    { user: 'ada', what: 'rename', paths: ['/d', '/e'], call: `${ada.clientId}/1`, result: 'permission_denied', sn },
  ]);
});

test('audit: what is refused before it is planned', async () => {
  const audited = new Audited();
  await audited.leader('a');
  const { createDirectory, mount, freeze, remove } = operations;
  expect(await audited.send('a', createDirectory.method, new Uint8Array([255, 255]))).toBe('invalid_argument');
  const long = createDirectory.request.encode({ path: '/d', caller: { user: 'u'.repeat(100_000) } }).finish();
  expect(await audited.send('a', createDirectory.method, long)).toBe('invalid_argument');
  expect(await audited.send('a', remove.method, remove.request.encode({ path: '/d', caller: { user: 'ghost' } }).finish())).toBe(
    'unavailable',
  );
  expect(await audited.send('a', freeze.method, freeze.request.encode({ user: 'ada', reason: 'r' }).finish())).toBe('permission_denied');
  const wrong = mount.request.encode({
    path: '/m',
    uri: 'memory://x?key=unspeakable',
    options: [{ key: 'secretKey', value: 'unspeakable' }],
    caller: { user: 'o', clientId: 77, callId: 3, attempt: 1 },
  });
  expect(await audited.send('a', mount.method, wrong.finish())).not.toBe('ok');
  const told = audited.told('a');
  expect(told).toEqual([
    { user: '', what: 'createDirectory', paths: [], result: 'invalid_argument', sn: 0 },
    { user: 'u'.repeat(256), what: 'createDirectory', paths: ['/d'], result: 'invalid_argument', sn: 0 },
    { user: 'ghost', what: 'remove', paths: ['/d'], result: 'unavailable', sn: 0 },
    { user: 'ada', what: 'freeze', paths: [], result: 'permission_denied', sn: 0 },
    expect.objectContaining({ user: 'o', what: 'mount', paths: ['/m'], call: '77/3' }),
  ]);
  expect(JSON.stringify(told)).not.toContain('unspeakable');
});

test('audit: an answer that is given again is no second line; another leader tells what it answers', async () => {
  const audited = new Audited();
  await audited.leader('a');
  const b = await audited.start('b');
  await expect.poll(() => b.source, soon).toBe('stream');
  const client = await RawClient.register(audited.cluster, 'a');
  await client.goTo('b');
  expect((await client.refusalOf('createDirectory', { path: '/d' })).code).toBe('not_leader');
  await client.goTo('a');
  const { sn } = await client.again('createDirectory', { path: '/d' });
  expect((await client.again('createDirectory', { path: '/d' })).sn).toBe(sn);
  expect(audited.told('b')).toEqual([]);
  const line = { user: 'o', what: 'createDirectory', paths: ['/d'], call: `${client.clientId}/1`, result: 'ok', sn };
  expect(audited.told('a')).toEqual([line]);

  audited.cluster.kill('a');
  await expect.poll(() => b.leads && b.leadership !== null, soon).toBe(true);
  await client.goTo('b');
  await client.again('createDirectory', { path: '/d' });
  await client.again('createDirectory', { path: '/d' });
  // The one before may have died with its lines.
  expect(audited.told('b')).toEqual([line, line]);
});

test('audit: whatever is asked for, a line is bounded', async () => {
  const audited = new Audited();
  await audited.leader('a');
  const client = await RawClient.register(audited.cluster, 'a');
  await client.refusalOf('remove', { path: `/${'\u0001'.repeat(1_000_000)}` });
  await client.refusalOf('concat', { path: '/d', sources: Array.from({ length: 1_500 }, (_, at) => `/d/${at}`) });
  const [long, many] = audited.told('a');
  expect(long?.paths[0]).toHaveLength(8_193);
  expect(many).toMatchObject({ paths: expect.objectContaining({ length: 64 }), more: 1_437 });
  for (const line of [long, many]) expect(JSON.stringify(line).length).toBeLessThan(64 * 1024);
});

test('audit: what one master asks of another is no change of an operator', async () => {
  const audited = new Audited();
  const a = await audited.leader('a');
  const b = await audited.start('b');
  await expect.poll(() => b.source, soon).toBe('stream');
  await expect.poll(() => b.status().verified, soon).toBe(true);
  const { transferLeader } = operations;
  const request = transferLeader.request.encode({ to: 'b:19998', user: 'o' }).finish();
  expect(await audited.send('a', transferLeader.method, request)).toBe('ok');
  expect(a.leads).toBe(false);
  expect(audited.told('a')).toEqual([{ user: 'o', what: 'transferLeader', paths: [], result: 'ok', sn: 0 }]);
  expect(audited.told('b')).toEqual([]);
});
