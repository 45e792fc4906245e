/**
 * Three masters whose journal, and election, is a bucket.
 */
import { expect, onTestFinished, test } from 'vitest';
import { type S3Server, s3Settings, startS3 } from '../servers/s3.js';
import { S3FaultProxy } from '../servers/s3-fault-proxy.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';

const WRITERS = 64;

async function bucket(): Promise<S3Server> {
  const server = await startS3({ make: 'versitygw' });
  onTestFinished(() => server.close());
  await server.createBucket('cluster');
  return server;
}

test('S3: the leader is killed under load, another serves, everything acknowledged is there once and all masters agree', async () => {
  const server = await bucket();
  const cluster = await Cluster.start({ masters: 3, settings: s3Settings(server.endpoint, 'cluster') });
  const load = await Load.start(await cluster.client(), WRITERS);
  const gapsMs: number[] = [];
  for (let kill = 0; kill < 2; kill++) {
    await load.progress(500);
    const leader = await cluster.leader();
    const killedAt = performance.now();
    await leader.end('SIGKILL');
    await load.progress(500);
    gapsMs.push(load.longestGapMs(killedAt));
    expect(await cluster.leader()).not.toBe(leader);
    await leader.start();
  }
  await load.stop();

  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
  console.log(`journal on S3, SIGKILL to the next acknowledged write: ${gapsMs.join(', ')} ms`);
});

test('S3: the server is killed and started again under load, service comes back by itself and nothing acknowledged is lost', async () => {
  const server = await bucket();
  const settings = { ...s3Settings(server.endpoint, 'cluster'), 'master.journal.s3.request.timeout': '500ms' };
  const cluster = await Cluster.start({ masters: 3, settings });
  const load = await Load.start(await cluster.client(), WRITERS);
  await load.progress(500);
  await server.kill();
  const fs = await cluster.client({ callTimeoutMs: 1_500 });
  await expect(fs.createFile('/while-away', { completeLength: 0 })).rejects.toThrow();
  await server.start();
  await load.progress(500);
  await load.stop();

  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
});

test('S3: a leader that is stopped until another leads, is fenced when it wakes', async () => {
  const server = await bucket();
  const cluster = await Cluster.start({ masters: 2, settings: s3Settings(server.endpoint, 'cluster') });
  const fs = await cluster.client();
  await fs.createFile('/before', { completeLength: 0 });
  const old = await cluster.leader();
  old.signal('SIGSTOP');
  const successor = await cluster.leader(cluster.others(old));
  await fs.createFile('/after', { completeLength: 0 });
  old.signal('SIGCONT');
  expect(await cluster.leader()).toBe(successor);
  expect(new Set(await cluster.digests()).size).toBe(1);
  expect(await fs.exists('/before')).toBe(true);
});

test('S3: answers to a write are lost for so long that its fate is unknown; it landed: the only master goes on by itself', async () => {
  const server = await bucket();
  await using proxy = await S3FaultProxy.start(server.endpoint);
  const settings = { ...s3Settings(proxy.endpoint, 'cluster'), 'master.journal.s3.request.timeout': '500ms' };
  const cluster = await Cluster.start({ masters: 1, settings });
  const load = await Load.start(await cluster.client(), WRITERS);
  await load.progress(200);
  proxy.fault = ({ path }) => (path.includes('/log/') ? { kind: 'lose answer' } : undefined);
  await waitUntil('the leader has given up', () => cluster.master(0).stderr.includes('to=suspended because="writer ended"'));
  proxy.fault = undefined;
  await load.progress(200);
  await load.stop();
  await load.expectAllThere();
});
