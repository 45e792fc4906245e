/**
 * Masters that are elected by real ZooKeeper servers, with the servers and the masters going away.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TcpProxy } from '../servers/tcp-proxy.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { Cluster, ELECTION_TIMEOUT_MS } from './cluster.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

const WRITERS = 64;

describe('zookeeper, one server', () => {
  const zooKeeper = ensemble(1);

  survivesOutage(zooKeeper);

  test('leader cut off from ZooKeeper alone: is let serve on, and is found again when it is back', async () => {
    const cluster = await Cluster.prepare({ masters: 3, zookeeper: `${zooKeeper().connectString}/cut` });
    await using proxy = await TcpProxy.start(zooKeeper().connectString);
    await cluster.format();
    const leader = cluster.master(0);
    await leader.start({ 'zookeeper.address': `${proxy.address}/cut` });
    await cluster.leader([leader]);
    await Promise.all(cluster.others(leader).map((master) => master.start()));
    const { epoch } = await leader.status();
    const load = await Load.start(await cluster.client(), WRITERS);

    proxy.freeze();
    const letBe = (master: MasterProcess) => master.stderr.includes('elected, but the leader still serves');
    await waitUntil('another is elected, and lets it be', () => cluster.others(leader).some(letBe));
    await load.progress(200);
    proxy.thaw();
    proxy.cut();
    const stranger = await cluster.client();
    await waitUntil('it is published again', async () => (await stranger.leader())?.address === leader.address);
    await load.progress(200);
    await load.stop();

    expect(await leader.status()).toMatchObject({ state: 'ACTIVE', epoch });
    await load.expectAllThere();
  });
});

describe('zookeeper, three servers', () => {
  const zooKeeper = ensemble(3);

  survivesOutage(zooKeeper);

  test('command line: the leader killed while fs writes, another leads and every file is there', async () => {
    const cluster = await Cluster.start({ masters: 3, zookeeper: `${zooKeeper().connectString}/command-line` });
    const names = Array.from({ length: 1_000 }, (_, index) => `/files/${String(index).padStart(4, '0')}`);
    await cluster.run('fs', 'mkdir', '/files');
    const leader = (await cluster.run('fs', 'leader')).trim();
    const killed = cluster.masters.find(({ address }) => address === leader);
    if (killed === undefined) throw new Error(`no such master: ${leader}`);

    let written = false;
    const writing = cluster.run('fs', 'touch', ...names).finally(() => {
      written = true;
    });
    const fs = await cluster.client();
    await waitUntil('fs writes', () => fs.exists('/files/0100'));
    expect(written).toBe(false);
    process.kill(killed.pid, 'SIGKILL');
    const told = await writing;

    expect(told.trim().split('\n')).toEqual(names.map((name) => `${name} has been created`));
    const next = (await cluster.run('fs', 'leader', '--wait', '10')).trim();
    expect(next).not.toBe(leader);
    expect(cluster.masters.map(({ address }) => address)).toContain(next);
    const listed = (await cluster.run('fs', 'ls', '/files')).trim().split('\n');
    expect(listed.map((line) => line.slice(line.lastIndexOf(' ') + 1))).toEqual(names);
  });
});

/** An ensemble for the tests of this block. */
function ensemble(servers: number): () => ZooKeeperEnsemble {
  let zooKeeper: ZooKeeperEnsemble;

  beforeAll(async () => {
    zooKeeper = await startZooKeeper(servers);
  });

  afterAll(() => zooKeeper?.close());

  return () => zooKeeper;
}

function survivesOutage(zooKeeper: () => ZooKeeperEnsemble): void {
  test('all servers stopped under load and started again: the leader serves on, and is followed by another when it dies', async () => {
    const cluster = await Cluster.start({ masters: 3, zookeeper: `${zooKeeper().connectString}/outage` });
    const fs = await cluster.client();
    const load = await Load.start(fs, WRITERS);
    await load.progress(200);
    const leader = await cluster.leader();
    const { epoch } = await leader.status();

    await zooKeeper().kill();
    const stoppedAt = performance.now();
    await waitUntil('sessions would have ended', () => performance.now() - stoppedAt > 1.25 * ELECTION_TIMEOUT_MS);
    await load.progress(200);
    expect(await leader.status()).toMatchObject({ state: 'ACTIVE', epoch });
    await zooKeeper().start();
    await waitUntil('all are registered, and the leader is published', async () => {
      const [place, infos] = await Promise.all([fs.leader(), fs.masterInfo()]);
      return place !== undefined && infos.length === 3 && infos.every(({ state }) => state === 'ACTIVE' || state === 'PASSIVE');
    });

    const last = await cluster.leader();
    const killedAt = performance.now();
    await last.end('SIGKILL');
    await load.progress(200);
    await load.stop();
    await load.expectAllThere();
    expect(await cluster.leader(cluster.others(last))).not.toBe(last);
    expect(new Set(await cluster.digests(cluster.others(last))).size).toBe(1);
    console.log(`${zooKeeper().servers.length} servers: SIGKILL to the next acknowledged write: ${load.longestGapMs(killedAt)} ms`);
  });
}
