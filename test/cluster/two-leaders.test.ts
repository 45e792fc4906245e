/**
 * Two masters that are both told to lead, each by an election of its own, over one journal: the journal decides.
 */
import { expect, test } from 'vitest';
import { FileSystem } from '../../src/cli/understudy.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper } from '../servers/zookeeper.js';
import { Cluster, SUPERUSER } from './cluster.js';
import { Load } from './load.js';

const FENCED = /role changed from=leading to=yielding .*fenced/;
/** The second lets the first be for ten seconds before it claims. */
const LIMIT_MS = 60_000;

test('two masters both sure they lead: one commits, the other is fenced, nothing acknowledged is lost', { timeout: LIMIT_MS }, async () => {
  await using zooKeeper = await startZooKeeper(1);
  const cluster = await Cluster.prepare({ masters: 2, zookeeper: `${zooKeeper.connectString}/both` });
  await cluster.format();
  const [one, two] = [cluster.master(0), cluster.master(1)];
  await one.start({ 'zookeeper.address': `${zooKeeper.connectString}/one` });
  await cluster.leader([one]);
  await two.start({ 'zookeeper.address': `${zooKeeper.connectString}/two` });
  await using fs = await FileSystem.connect({
    masters: [one.address, two.address],
    callTimeoutMs: LIMIT_MS,
    user: SUPERUSER,
    group: 'testers',
  });
  const load = await Load.start(fs, 1);
  await waitUntil('one is fenced by the other', () => FENCED.test(one.stderr) || FENCED.test(two.stderr), LIMIT_MS);
  await load.progress(200);
  await load.stop();

  await two.end('SIGTERM');
  await cluster.leader([one]);
  await load.expectAllThere(fs);
  await two.start({ 'zookeeper.address': `${zooKeeper.connectString}/one` });
  expect(new Set(await cluster.digests()).size).toBe(1);
});
