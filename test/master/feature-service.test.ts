/** Whom a leader asks before it switches a feature of the journal on: masters that it has fed, and those that only the election knows. */
import { beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { operations } from '../../src/metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { Disk, MemoryCluster } from './memory-cluster.js';

let cluster: MemoryCluster;

beforeEach(() => {
  cluster = new MemoryCluster();
  return () => cluster.close();
});

async function enable(names: readonly string[], { user = 'o', force = false } = {}): Promise<readonly string[]> {
  const deps = { network: cluster.network.host('operator'), clock: systemClock, log: silentLog };
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, 'a:19998', AbortSignal.timeout(2_000));
  const { method, request, response } = operations.enableFeatures;
  const body = request.encode({ user, names: [...names], force }).finish();
  return response.decode(await connection.call(method, body, { timeoutMs: 8_000 })).enabled;
}

it('a standby that it has fed, and that is off now, forbids it by name, and so does one of the election; with force neither', async () => {
  const { master } = await cluster.start('a');
  await expect.poll(() => master.leadership !== null).toBe(true);
  await cluster.start('b', new Disk(), { isObserver: true });
  await cluster.settled();
  expect(await enable(['freeze', 'freeze'])).toEqual([]);
  await expect(enable(['freeze'], { user: '' })).rejects.toMatchObject({ errno: 'EPERM' });
  await expect(enable(['freeze'], { user: 'eve' })).rejects.toMatchObject({ errno: 'EPERM' });

  cluster.kill('b');
  cluster.stand('c:19998');
  await expect(enable(['freeze'])).rejects.toThrow(
    /not all masters are known to have this feature: feature=freeze: b:19998 does not answer/,
  );
  await expect(enable(['freeze'])).rejects.toThrow(/c:19998 does not answer/);
  expect(await enable(['freeze'], { force: true })).toEqual([]);
});
