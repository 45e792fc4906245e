/**
 * Masters that an operator alone makes lead, beside real ZooKeeper servers: clients find the leader there, and nobody is elected. And, where
 * there is an election, what an operator can do all the same.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster } from './cluster.js';
import type { MasterProcess } from './master-process.js';

/** Commands are processes: a busy machine takes its time. */
const LIMIT_MS = 120_000;
const MANUAL = { 'master.election.mode': 'manual' };

let zooKeeper: ZooKeeperEnsemble;

beforeAll(async () => {
  zooKeeper = await startZooKeeper(1);
});

afterAll(() => zooKeeper?.close());

async function failure(command: Promise<string>): Promise<string> {
  return command.then(
    (out) => `it was done: ${out}`,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );
}

const knows = (standby: MasterProcess, leader: MasterProcess) =>
  waitUntil(`${standby.address} follows ${leader.address}`, async () => {
    const { state, leader: known } = await standby.status();
    return state === 'PASSIVE' && known === leader.address;
  });

const commandsOf = (cluster: Cluster) => ({
  leader: (...args: string[]) => cluster.run('understudy', 'fsadmin', 'leader', ...args),
  noLeader: () => failure(cluster.run('fs', 'leader', '--wait', '1.5')),
});

test(
  'manual mode: nobody leads or takes over until told; clients find the leader through ZooKeeper; one that restarts is a standby',
  async () => {
    const cluster = await Cluster.prepare({ masters: 3, zookeeper: `${zooKeeper.connectString}/manual`, settings: MANUAL });
    const [first, second, third] = [cluster.master(0), cluster.master(1), cluster.master(2)];
    const { leader, noLeader } = commandsOf(cluster);
    await cluster.format();
    await Promise.all(cluster.masters.map((master) => master.start()));
    expect(await noLeader()).toContain('no master serves as leader now');
    expect(await failure(cluster.run('understudy', 'fsadmin', 'doctor'))).toContain('fsadmin leader promote');

    expect(await leader('promote', '--to', first.address)).toBe(
      `Standby: ${first.address} has entry 0, of epoch 0\nIt lacks: nothing that any master knows of\n` +
        `Old leader: none\nNew leader: ${first.address}, epoch 1\n`,
    );
    const fs = await cluster.client();
    await fs.createFile('/one');
    await knows(second, first);
    expect(await failure(leader('promote', '--to', second.address))).toContain(
      `a leader serves: have it hand over (leader transfer), or force it out: leader=${first.address} epoch=1`,
    );

    await first.end('SIGKILL');
    await waitUntil('it is seen', async () => second.stderr.includes('the leader is gone: nobody leads until an operator says who'));
    expect(await noLeader()).toContain('no master serves as leader now');
    expect([second.stderr, third.stderr].join()).not.toContain('to=claiming');
    await first.start();
    expect(await noLeader()).toContain('no master serves as leader now');

    expect(await leader('promote', '--to', second.address)).toContain(`New leader: ${second.address}, epoch 2\n`);
    await fs.createFile('/two');
    await knows(first, second);
    expect(await leader('transfer', '--to', first.address)).toContain(`New leader: ${first.address}, epoch 3;`);
    await knows(second, first);
    expect(await leader('step-down', '--to', third.address)).toMatch(
      `Stepped down: ${first.address}, now a standby\nNew leader: ${third.address}, epoch 4;`,
    );
    await fs.createFile('/three');

    await third.end('SIGTERM');
    expect(await noLeader()).toContain('no master serves as leader now');
    expect(await leader('promote')).toMatch(/New leader: .*, epoch 5\n/);
    const names: string[] = [];
    for await (const { name } of fs.list('/')) names.push(name);
    expect(names).toEqual(['one', 'three', 'two']);
  },
  LIMIT_MS,
);

test(
  'manual mode: a leader that hangs is fenced by a promotion, and is a standby when it wakes; a freeze outlives it',
  async () => {
    const cluster = await Cluster.prepare({ masters: 2, zookeeper: `${zooKeeper.connectString}/hung`, settings: MANUAL });
    const [first, second] = [cluster.master(0), cluster.master(1)];
    const { leader } = commandsOf(cluster);
    await cluster.format();
    await Promise.all(cluster.masters.map((master) => master.start()));
    await leader('promote', '--to', first.address);
    const fs = await cluster.client();
    await fs.createFile('/one');
    expect(await cluster.run('understudy', 'fsadmin', 'freeze', '--reason', 'new disks')).toContain(`: new disks`);
    await knows(second, first);
    first.signal('SIGSTOP');
    expect(await leader('promote', '--to', second.address)).toContain(`New leader: ${second.address}, epoch 2\n`);
    await expect(fs.createFile('/two')).rejects.toMatchObject({ code: 'failed_precondition', errno: 'EROFS' });
    expect(await fs.getStatus('/one')).toMatchObject({ path: '/one' });
    first.signal('SIGCONT');
    await knows(first, second);
    expect(await cluster.run('fs', 'masterInfo')).toContain('frozen by');
    expect(await cluster.run('understudy', 'fsadmin', 'unfreeze')).toContain('No longer frozen');
    await fs.createFile('/two');
  },
  LIMIT_MS,
);

test(
  'automatic mode: one that stepped down is not elected while the next one serves',
  async () => {
    const cluster = await Cluster.start({ masters: 3, zookeeper: `${zooKeeper.connectString}/automatic` });
    const { leader } = commandsOf(cluster);
    const fs = await cluster.client();
    const first = await cluster.leader();
    await fs.createFile('/one');
    await Promise.all(cluster.others(first).map((standby) => knows(standby, first)));
    expect(await leader('step-down')).toContain(`Stepped down: ${first.address}, now a standby`);
    const next = await cluster.leader(cluster.others(first));
    await knows(first, next);
    await fs.createFile('/two');
    expect(await next.status()).toMatchObject({ state: 'ACTIVE', epoch: 2 });
  },
  LIMIT_MS,
);
