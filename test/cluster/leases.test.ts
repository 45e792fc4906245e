/**
 * A writer that is killed, and the leader with it: the next leader closes its files, and only those.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { killProcess, tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster, SUPERUSER } from './cluster.js';

const BLOCK = 1_024;
const LEASE_TIMEOUT_MS = 3_000;

test('writer: killed, and the leader with it, its files are closed by the next leader as far as it told; others write on', async () => {
  const cluster = await Cluster.start({ masters: 3, settings: { 'master.lease.timeout': `${LEASE_TIMEOUT_MS}ms` } });
  const fs = await cluster.client();
  await fs.createFile('/alive', { blockBytes: BLOCK });
  const addresses = cluster.masters.map(({ address }) => address).join(',');
  const child = tracked(fork(path.join(import.meta.dirname, 'writer-child.mjs'), [ROOT, addresses, SUPERUSER]));
  expect(await once(child, 'message')).toEqual(['writing', undefined]);
  await killProcess(child, 'SIGKILL');
  const killed = await cluster.leader();
  await killed.end('SIGKILL');
  const leader = await cluster.leader(cluster.others(killed));

  await expect(fs.addBlocks('/written', 1)).rejects.toMatchObject({ errno: 'EBUSY' });
  await expect(fs.appendFile('/appended')).rejects.toMatchObject({ errno: 'EBUSY' });
  const { length, complete } = await fs.getStatus('/appended');
  expect([length, complete]).toEqual([BLOCK, false]);
  let blocks = 0;
  await waitUntil('its files are closed', async () => {
    blocks += 1;
    await fs.addBlocks('/alive', 1);
    return (await fs.getStatus('/written')).complete && (await fs.getStatus('/appended')).complete;
  });
  expect(await cluster.leader(cluster.others(killed))).toBe(leader);
  expect((await fs.getStatus('/written')).length).toBe(3 * BLOCK);
  expect((await fs.getBlockLocations('/written')).map(({ index }) => index)).toEqual([0, 1, 2]);
  expect((await fs.getStatus('/appended')).length).toBe(BLOCK);
  expect((await fs.completeFile('/alive', blocks * BLOCK)).status.length).toBe(blocks * BLOCK);

  await killed.start();
  expect(new Set(await cluster.digests()).size).toBe(1);
});
