/**
 * What runs beside production is never taken for it: a master of a fork in production's election, and an observer when nobody else is left.
 */
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ReadInfo } from '../../src/client/client.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import type { MasterProcess } from './master-process.js';

type M = MasterProcess;

const LIMIT_MS = 240_000;
const SESSION_LIMIT_MS = 60_000;

async function refusal(command: Promise<string>): Promise<string> {
  return await command.then(
    (out) => `it was done: ${out}`,
    ({ stderr }: { stderr: string }) => stderr,
  );
}

test(
  'two masters, an observer and a fork: the fork has to have an election of its own; the observer serves reads, and never leads, even when both are killed',
  async () => {
    const zooKeeper = await startZooKeeper(1);
    onTestFinished(() => zooKeeper.close());
    const cluster = await Cluster.prepare({ masters: 4, zookeeper: zooKeeper.connectString });
    const [first, second, observer, forked] = [0, 1, 2, 3].map((at) => cluster.master(at)) as [M, M, M, M];
    await cluster.format();
    await Promise.all([first.start(), second.start(), observer.start({ 'master.role': 'observer' })]);
    const leader = await cluster.leader([first, second]);
    const fs = await cluster.client({ masters: cluster.masters.map(({ address }) => address) });
    const { sn } = await fs.createFile('/seen', { completeLength: 7 });
    const { clusterId } = await leader.status();

    const fork = path.join(cluster.folder, 'fork');
    await cluster.run('understudy', 'fork', '--to', fork);
    const { exitCode, stderr } = await forked.run({ 'master.journal.folder': fork });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('the master cannot run: masters of another cluster stand in this election: give this one paths of its own');
    expect(stderr).toMatch(new RegExp(`path=/understudy/election master=127.0.0.1:\\d+ its_cluster=${clusterId} own_cluster=cluster-`));
    await forked.start({
      'master.journal.folder': fork,
      'zookeeper.election.path': '/fork/election',
      'zookeeper.leader.path': '/fork/leader',
    });
    await cluster.leader([forked]);
    const mixed = await cluster.client({ zookeeperLeaderPath: '/fork/leader', zookeeperElectionPath: '/fork/election' });
    expect(await mixed.exists('/seen')).toBe(true);
    await forked.end('SIGKILL');

    expect(await cluster.run('understudy', 'admin', 'status', '--all')).toContain(`${observer.address} PASSIVE OBSERVER\n`);
    expect(await cluster.run('understudy', 'fsadmin', 'report')).toMatch(new RegExp(`${observer.address} +OBSERVER`));
    const standby = leader === first ? second : first;
    await standby.end('SIGKILL');
    const transfer = (...args: string[]) => refusal(cluster.run('understudy', 'fsadmin', 'leader', 'transfer', ...args));
    const refused = await transfer();
    expect(refused).toContain('no master can take the lead, and this one goes on');
    expect(refused).not.toContain(observer.address);
    expect(await transfer('--to', observer.address)).toContain('an observer never leads');

    await leader.end('SIGKILL');
    const infos: ReadInfo[] = [];
    expect(await fs.getStatus('/seen', { atLeastSn: sn, told: (info) => infos.push(info) })).toMatchObject({ length: 7 });
    expect(infos[0]).toMatchObject({ master: observer.address });
    const nobody = async () => (await refusal(cluster.run('fs', 'leader', '--wait', '0'))).includes('no master serves as leader now');
    await waitUntil('both sessions are over', nobody, SESSION_LIMIT_MS);
    expect(await refusal(cluster.run('understudy', 'fsadmin', 'leader', 'promote', '--to', observer.address))).toContain(
      'an observer never leads',
    );
    expect((await observer.status()).state).toBe('PASSIVE');
    expect(observer.stderr).not.toContain('elected');
  },
  LIMIT_MS,
);
