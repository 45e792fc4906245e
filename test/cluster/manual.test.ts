/**
 * Masters without an election: an operator says who leads, by configuration or by `fsadmin`. And observers, which nobody can make lead.
 */
import { expect, test } from 'vitest';
import type { ReadInfo } from '../../src/client/client.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import type { MasterProcess } from './master-process.js';

const NO_ELECTION = { 'master.election': 'none' };

async function refusal(command: Promise<string>): Promise<string> {
  const { stderr } = await command.then(
    (out) => ({ stderr: `it was done: ${out}` }),
    (error: { stderr: string }) => error,
  );
  return stderr;
}

const passive = (master: MasterProcess) => waitUntil(`${master.address} follows`, async () => (await master.status()).state === 'PASSIVE');

test('no election: the configured master leads, others when told to, a fenced one stays a standby until it is told', async () => {
  const cluster = await Cluster.prepare({ masters: 2, settings: NO_ELECTION });
  const [first, second] = [cluster.master(0), cluster.master(1)];
  const transfer = (...args: string[]) => cluster.run('understudy', 'fsadmin', 'leader', 'transfer', ...args);
  await cluster.format();
  await second.start();
  expect(await refusal(transfer('--to', second.address))).toContain('no master leads now');
  await first.start({ 'master.role': 'leader' });
  await cluster.leader([first]);
  const fs = await cluster.client();
  await fs.createFile('/one');
  await waitUntil('the standby knows', async () => (await second.status()).leader === first.address);
  expect(await refusal(transfer('--to', second.address, '--take'))).toContain(
    `a leader serves: have it hand over (leader transfer), or force it out: leader=${first.address}`,
  );

  expect(await transfer('--to', second.address)).toMatch(`Old leader: ${first.address}\nNew leader: ${second.address}, epoch 2`);
  await fs.createFile('/two');
  await passive(first);

  await second.end('SIGKILL');
  expect(await refusal(cluster.run('fs', 'leader', '--wait', '0.5'))).toContain('no master serves as leader now');
  expect(await transfer('--to', first.address, '--take')).toMatch(`Old leader: none\nNew leader: ${first.address}, epoch 3\n`);
  await fs.createFile('/three');
  const names: string[] = [];
  for await (const { name } of fs.list('/')) names.push(name);
  expect(names).toEqual(['one', 'three', 'two']);
});

test('observer: replays, answers reads, is not elected when the leader dies, and refuses to be told to lead', async () => {
  const cluster = await Cluster.prepare({ masters: 2 });
  const [leader, observer] = [cluster.master(0), cluster.master(1)];
  await cluster.format();
  await leader.start();
  await cluster.leader([leader]);
  await observer.start({ 'master.role': 'observer' });
  const fs = await cluster.client();
  const { sn } = await fs.createFile('/seen', { completeLength: 7 });
  const transfer = (...args: string[]) => cluster.run('understudy', 'fsadmin', 'leader', 'transfer', ...args);
  expect(await refusal(transfer('--to', observer.address))).toContain('an observer never leads');
  await waitUntil('the leader feeds the observer', async () =>
    (await refusal(transfer())).includes('no standby is known that could take the lead'),
  );
  await leader.end('SIGKILL');
  const infos: ReadInfo[] = [];
  const look = () => fs.getStatus('/seen', { atLeastSn: sn, told: (info) => infos.push(info) });
  expect(await look()).toMatchObject({ length: 7 });
  expect(infos[0]).toMatchObject({ master: observer.address, behind: { entries: 0 } });
  expect(await refusal(transfer('--to', observer.address, '--take'))).toContain('an observer never leads');
  expect(observer.stderr).not.toContain('elected');
});
