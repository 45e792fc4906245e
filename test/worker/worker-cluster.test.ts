import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemFiles } from '../../src/base/system-file.js';
import { readCluster, writeCluster } from '../../src/worker/worker-cluster.js';
import { newFolder } from './stores.js';

const deps = { files: systemFiles, log: silentLog };
const OF = { clusterId: 'one', incarnationId: '1' };

test('cluster of a worker: a directory that is new is told what the others say; two that differ are refused', async () => {
  const folders = ['a', 'b', 'c'].map((name) => path.join(newFolder(), name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  expect(await readCluster(folders, deps)).toEqual({ clusterId: '', incarnationId: '' });
  await writeCluster(folders.slice(0, 1), OF, deps);
  expect(await readCluster([...folders, '/nowhere/at/all'], deps)).toEqual(OF);
  for (const folder of folders) expect(readFileSync(path.join(folder, 'CLUSTER'), 'utf8')).toBe('one 1\n');
  await writeCluster(folders.slice(1, 2), { ...OF, incarnationId: '2' }, deps);
  await expect(readCluster(folders, deps)).rejects.toMatchObject({ code: 'failed_precondition' });
});
