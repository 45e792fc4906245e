/** A namespace that is frozen, as clients and masters live it: what is refused and for how long, what goes on, and that it outlives its leader. */
import { beforeEach, expect, it } from 'vitest';
import type { understudy } from '../../generated/understudy.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { Master } from '../../src/master/master.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import { operations } from '../../src/metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { Disk, MemoryCluster } from './memory-cluster.js';
import { RawClient } from './raw-client.js';

const soon = { timeout: 10_000, interval: 5 };
let cluster: MemoryCluster;

beforeEach(() => {
  cluster = new MemoryCluster();
  return () => cluster.close();
});

const leads = (master: Master) => expect.poll(() => master.leadership !== null && master.role.name, soon).toBe('leading');

async function start(name: string, settings: Partial<MasterSettings> = {}): Promise<Master> {
  return (await cluster.start(name, new Disk(), settings)).master;
}

async function ask(master: string, what: 'freeze' | 'unfreeze', user = 'o'): Promise<understudy.FreezeResponse> {
  const deps = { network: cluster.network.host('operator'), clock: systemClock, log: silentLog };
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, `${master}:19998`, AbortSignal.timeout(2_000));
  const { method, request, response } = operations[what];
  const body = request.encode({ user, ...(what === 'freeze' ? { reason: 'new disks' } : {}) }).finish();
  return response.decode(await connection.call(method, body, { timeoutMs: 8_000 }));
}

it('a freeze: changes are refused through a takeover, reads and sessions go on, an attempt refused is refused for good', async () => {
  const first = await start('a');
  await leads(first);
  const second = await start('b');
  const client = await RawClient.register(cluster, 'a');
  await client.mutate('createFile', { path: '/open' });
  await expect(ask('a', 'freeze', 'eve')).rejects.toMatchObject({ code: 'permission_denied', errno: 'EPERM' });
  expect(await ask('a', 'freeze')).toMatchObject({ freeze: { user: 'o', reason: 'new disks' } });
  const refused = { code: 'failed_precondition', errno: 'EROFS' };
  expect(await client.refusalOf('createDirectory', { path: '/d' })).toMatchObject(refused);
  expect(await client.refusalOf('createFile', { path: '/open' })).toMatchObject({ errno: 'EEXIST' });
  // A call whose first attempt is on its way still.
  await expect(client.mutate('createDirectory', { path: '/late' }, 100, 2)).rejects.toMatchObject(refused);
  await client.mutate('renewLease', {});
  expect(first.status()).toMatchObject({ freeze: { user: 'o' } });
  await cluster.settled();

  cluster.kill('a');
  await leads(second);
  await client.goTo('b');
  expect(second.status()).toMatchObject({ freeze: { user: 'o', reason: 'new disks' } });
  expect(await client.refusalOf('createDirectory', { path: '/d' })).toMatchObject(refused);
  await RawClient.register(cluster, 'b');
  expect(await ask('b', 'unfreeze')).toMatchObject({ freeze: { user: 'o' } });
  await client.mutate('createDirectory', { path: '/d' });
  await expect(client.mutate('createDirectory', { path: '/late' }, 100, 1)).rejects.toMatchObject(refused);
  expect(second.replica?.state.child(1, 'late')).toBeNull();
});

it('a freeze: a file whose writer is gone stays open until the thaw', async () => {
  const master = await start('a', { leaseTimeoutMs: 8_000 });
  await leads(master);
  const state = () => master.replica?.state;
  const [writer, other] = [await RawClient.register(cluster, 'a'), await RawClient.register(cluster, 'a')];
  await writer.mutate('createFile', { path: '/abandoned' });
  await ask('a', 'freeze');
  await writer.closeSession();
  await expect.poll(() => state()?.session(writer.clientId), soon).toBeNull();
  expect(state()?.child(1, 'abandoned')?.complete).toBe(false);
  await ask('a', 'unfreeze');
  await expect.poll(() => state()?.child(1, 'abandoned')?.complete, soon).toBe(true);
  await other.mutate('createDirectory', { path: '/d' });
});
