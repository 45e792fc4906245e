/** Settings in the journal, on masters: each hears of them as it applies them, a later leader has them, and so has one that begins with a checkpoint. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deferred } from '../../src/base/wait.js';
import { changeConfig, readConfig } from '../../src/client/cluster-config.js';
import type { FileSystem } from '../../src/client/file-system.js';
import { requestCheckpoint } from '../../src/client/request-checkpoint.js';
import { type Config, NO_CONFIG, propertiesAt } from '../../src/metadata/cluster-config.js';
import { ServedNamespace } from '../client/served-namespace.js';
import { waitUntil } from '../servers/wait-until.js';
import { Disk } from './memory-cluster.js';

const TRASH = 'master.trash.interval';
let served: ServedNamespace;
const heard = new Map<string, Config>();
beforeEach(() => {
  served = new ServedNamespace();
  heard.clear();
});
afterEach(() => served[Symbol.asyncDispose]());

const start = (name: string) =>
  served.cluster.start(name, new Disk(), { clientsMax: 100 }, 0, { live: { take: (config) => void heard.set(name, config) } });
const trashOn = (name: string) => propertiesAt(heard.get(name) ?? NO_CONFIG, '').find(({ key }) => key === TRASH)?.value;

async function blockBytesOf(fs: FileSystem, path: string): Promise<number> {
  await fs.createFile(path, { completeLength: 0, recursive: true });
  return (await fs.getStatus(path)).blockBytes;
}

test('leader and standbys hear of it, a takeover keeps it, a checkpoint brings it to an empty master', async () => {
  await start('a');
  await waitUntil('a leads', async () => served.cluster.masters[0]?.leads === true);
  await start('b');
  const fs = served.client();
  await changeConfig(fs.client, { set: { [`understudy.${TRASH}`]: '2h' } });
  await changeConfig(fs.client, { forPath: '/data', set: { 'user.block.size.bytes.default': '2KB' } });
  expect(trashOn('a')).toBe('2h');
  await waitUntil('the standby hears of it', async () => trashOn('b') === '2h');
  expect([await blockBytesOf(fs, '/data/f'), await blockBytesOf(fs, '/f')]).toEqual([2048, 1]);

  await served.settled();
  served.cluster.kill('a');
  expect(await blockBytesOf(fs, '/data/g')).toBe(2048);
  await changeConfig(fs.client, { set: { [TRASH]: '3h' } });
  expect(trashOn('b')).toBe('3h');

  await requestCheckpoint(fs.client);
  await start('c');
  expect(trashOn('c')).toBe('3h');
  expect(await readConfig(fs.client)).toEqual([
    { path: '', properties: [{ key: TRASH, value: '3h' }] },
    { path: '/data', properties: [{ key: 'user.block.size.bytes.default', value: '2KB' }] },
  ]);
  await changeConfig(fs.client, { unsetAll: true });
  await waitUntil('it is gone on all', async () => trashOn('b') === undefined && trashOn('c') === undefined);
});

test('the leader, too, takes over what is committed only', async () => {
  await start('a');
  const [leader] = served.cluster.masters;
  await waitUntil('a leads', async () => leader?.leads === true);
  const fs = served.client();
  await fs.createFile('/before', { completeLength: 0 });
  const gates = [deferred<undefined>(), deferred<undefined>()];
  let writes = 0;
  served.cluster.journal.intercept = ({ kind }) => (kind === 'write' ? gates[writes++]?.promise : undefined);

  const created = fs.createFile('/f', { completeLength: 0 });
  await waitUntil('it is on its way', async () => writes === 1);
  const changed = changeConfig(fs.client, { set: { [TRASH]: '2h' } });
  await waitUntil('the change is planned', async () => leader?.replica?.state.config().places.length === 1);
  gates[0]?.resolve(undefined);
  await created;
  expect(trashOn('a')).toBeUndefined();
  gates[1]?.resolve(undefined);
  await changed;
  expect(trashOn('a')).toBe('2h');
});
