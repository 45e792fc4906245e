/**
 * Two masters that are both told to lead, each by an election of its own, over one journal: the journal decides.
 */
import { expect, test } from 'vitest';
import { FileSystem } from '../../src/cli/understudy.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';

const WRITERS = 16;
const FENCED = /role changed from=leading to=yielding .*fenced/;

test('two masters both sure they lead: one commits, the other is fenced, nothing acknowledged is lost', { timeout: 90_000 }, async () => {
  await using zooKeeper = await startZooKeeper(1);
  const cluster = await Cluster.prepare({ masters: 2, zookeeper: `${zooKeeper.connectString}/both` });
  await cluster.format();
  const [one, two] = [cluster.master(0), cluster.master(1)];
  await one.start({ 'zookeeper.address': `${zooKeeper.connectString}/one` });
  await cluster.leader([one]);
  await two.start({ 'zookeeper.address': `${zooKeeper.connectString}/two` });
  await using first = await FileSystem.connect({ zookeeper: `${zooKeeper.connectString}/one`, callTimeoutMs: 60_000 });
  await using second = await FileSystem.connect({ zookeeper: `${zooKeeper.connectString}/two`, callTimeoutMs: 60_000 });
  const loads = await Promise.all([Load.start(first, WRITERS, '/one'), Load.start(second, WRITERS, '/two')]);

  await waitUntil('one is fenced by the other', () => FENCED.test(one.stderr) || FENCED.test(two.stderr), 60_000);
  await (FENCED.test(one.stderr) ? loads[1] : loads[0]).progress(200);
  await Promise.all(loads.map((load) => load.stop()));
  await two.end('SIGTERM');
  await cluster.leader([one]);
  for (const load of loads) await load.expectAllThere(first);
  await two.start({ 'zookeeper.address': `${zooKeeper.connectString}/one` });
  expect(new Set(await cluster.digests()).size).toBe(1);
});
