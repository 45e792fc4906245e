/**
 * What mounted storage refuses is an answer like any other (I5): the one that a later attempt got stands, whatever becomes of the storage, and
 * an earlier attempt that arrives after it changes nothing.
 */
import { beforeEach, expect, test } from 'vitest';
import { MemoryCluster } from './memory-cluster.js';
import { RawClient } from './raw-client.js';

let cluster: MemoryCluster;
let client: RawClient;

beforeEach(async () => {
  cluster = new MemoryCluster();
  const { master } = await cluster.start('a');
  await expect.poll(() => master.leadership !== null && master.role.name, { timeout: 8_000, interval: 5 }).toBe('leading');
  client = await RawClient.register(cluster, 'a');
  return () => cluster.close();
});

test('storage to mount is not there: the later attempt is refused, and so is the earlier one that arrives when it is', async () => {
  const { nodes } = cluster.underFiles('/data');
  const root = nodes.get('');
  nodes.delete('');
  const mount = { path: '/m', uri: '/data' };
  const call = 1;
  await expect(client.mutate('mount', mount, call, 2)).rejects.toMatchObject({ code: 'not_found' });
  nodes.set('', root ?? { modifiedMs: 0, version: 0 });
  await expect(client.mutate('mount', mount, call, 1)).rejects.toMatchObject({ code: 'not_found' });
  await client.mutate('mount', mount, call + 1, 1);
});

test('storage to mount is not there: a first attempt that was refused is refused by what there is, and no attempt is lost', async () => {
  const { nodes } = cluster.underFiles('/data');
  const root = nodes.get('');
  nodes.delete('');
  await expect(client.mutate('mount', { path: '/m', uri: '/data' }, 1, 1)).rejects.toMatchObject({ code: 'not_found' });
  nodes.set('', root ?? { modifiedMs: 0, version: 0 });
  await client.mutate('mount', { path: '/m', uri: '/data' }, 2, 1);
});
