/**
 * Reads on any master, while the lead moves and masters die: a client sees what it wrote and never goes back, and the answers tell how new
 * they are.
 */
import { expect, test } from 'vitest';
import type { ReadInfo } from '../../src/client/client.js';
import { transferLeader } from '../../src/client/transfer-leader.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import type { MasterProcess } from './master-process.js';

const CLIENTS = 4;
/** Files are made with the time of day, and then count from 1. */
const MADE_MS = 1_000_000_000;

test('reads anywhere: every client sees its own writes, and never an older state, through transfers, kills and restarts', async () => {
  const cluster = await Cluster.start({ masters: 3 });
  const asked = new Map<string, number>();
  const problems: string[] = [];
  let stopping = false;
  let rounds = 0;
  const told = ({ master }: ReadInfo) => void asked.set(master, (asked.get(master) ?? 0) + 1);

  const work = async (name: number): Promise<void> => {
    const fs = await cluster.client({ reads: 'anywhere' });
    const path = `/own-${name}`;
    let newest = 0;
    if (name !== 0) await fs.createFile(path, { completeLength: 0 });
    for (let count = 1; !stopping; count++, rounds++) {
      await fs.setAttributes(path, { modifiedMs: count });
      const own = await fs.getStatus(path, { told });
      if (own.modifiedMs !== count) problems.push(`${path}: wrote ${count}, saw ${own.modifiedMs}`);
      // Somebody else's file: its time only grows.
      const other = (await fs.getStatus('/own-0', { told })).modifiedMs;
      const seen = other < MADE_MS ? other : 0;
      if (seen < newest) problems.push(`/own-0 went back from ${newest} to ${other}`);
      newest = seen;
    }
  };
  await (await cluster.client()).createFile('/own-0', { completeLength: 0 });
  const works = Array.from({ length: CLIENTS }, (_, name) => work(name).catch((error: unknown) => problems.push(String(error))));
  const more = (count: number) => {
    const target = rounds + count;
    return waitUntil('clients go on', () => rounds >= target || problems.length > 0, 20_000);
  };
  const { client } = await cluster.client();
  await more(200);
  for (let count = 0; count < 3; count++) {
    await transferLeader(client);
    await more(100);
  }
  const standby = cluster.others(await cluster.leader())[0] as MasterProcess;
  await standby.end('SIGKILL');
  await more(100);
  await standby.start();
  const leader = await cluster.leader();
  await leader.end('SIGKILL');
  await more(100);
  await leader.start();
  await more(200);
  stopping = true;
  await Promise.all(works);

  expect(problems).toEqual([]);
  expect(asked.size).toBe(3);
});
