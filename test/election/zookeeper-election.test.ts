import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { epoch } from '../../src/base/ids.js';
import { ZooKeeperDirectory } from '../../src/election/zookeeper-directory.js';
import { ZooKeeperElection } from '../../src/election/zookeeper-election.js';
import { childrenIfAny } from '../../src/election/zookeeper-nodes.js';
import { ZooKeeperSession } from '../../src/election/zookeeper-session.js';
import { electionContract } from '../contract/election-contract.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { deps, SESSION_TIMEOUT_MS, ZooKeeperWorld } from './zookeeper-world.js';

let zooKeeper: ZooKeeperEnsemble;
let chroots = 0;
const nobody = () => {};
const freshServers = () => `${zooKeeper.connectString}/test/${++chroots}`;

beforeAll(async () => {
  zooKeeper = await startZooKeeper();
});

afterAll(() => zooKeeper?.close());

electionContract('zookeeper', async () => {
  const world = new ZooKeeperWorld(freshServers());
  return {
    timeoutMs: SESSION_TIMEOUT_MS,
    inOrder: true,
    candidate: () => world.candidate(),
    directory: () => world.directory(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
});

describe('zookeeper election', () => {
  let world: ZooKeeperWorld;

  beforeEach(() => {
    world = new ZooKeeperWorld(freshServers());
  });

  afterEach(() => world[Symbol.asyncDispose]());

  async function candidates(count: number) {
    const all = [];
    for (let index = 0; index < count; index++) {
      const candidate = await world.candidate();
      candidate.join();
      all.push(candidate);
      if (index === 0) await waitUntil('the first is elected', candidate.isElected);
      await waitUntil('it stands in the queue', async () => (await queue()).length === index + 1);
    }
    return all;
  }

  async function queue(): Promise<readonly string[]> {
    await using directory = await world.directory();
    return await directory.candidates();
  }

  const record = (rpcAddress: string, number = 1) => ({ rpcAddress, webAddress: 'web:1', epoch: epoch(number) });

  test('layout: nodes as Curator and Alluxio have them', async () => {
    const [first] = await candidates(1);
    await first!.election.publish(record(first!.rpcAddress, 9));
    const session = await world.session();
    const [name = ''] = await session.children('/understudy/election');
    expect(name).toMatch(/^_c_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-lock-\d{10}$/);
    expect((await session.read(`/understudy/election/${name}`))?.data.toString()).toBe(`${first!.rpcAddress}\nproduction`);
    expect(await session.children('/understudy/leader')).toEqual([first!.rpcAddress]);
    const data = (await session.read(`/understudy/leader/${first!.rpcAddress}`))?.data.toString() ?? '';
    expect(JSON.parse(data)).toEqual({ rpcAddress: first!.rpcAddress, webAddress: 'web:1', epoch: 9, clusterId: 'production' });
  });

  test('master of another cluster: leaves at once, and says what to do; those that were there first stay', async () => {
    const [first, second] = await candidates(2);
    const stranger = await world.candidate('127.0.0.1:999', 'fork');
    stranger.join();
    await waitUntil('it is told', () => stranger.strangers.length > 0);
    expect(stranger.strangers).toEqual([
      expect.stringContaining('give this one paths of its own (understudy.zookeeper.election.path, understudy.zookeeper.leader.path)'),
    ]);
    expect(stranger.strangers[0]).toContain(`master=${first!.rpcAddress} its_cluster=production own_cluster=fork`);
    const session = await world.session();
    await waitUntil('only the others are left', async () => (await childrenIfAny(session, '/understudy/election')).length === 2);
    await first!.election.leave();
    await waitUntil('the second is elected', second!.isElected);
    expect([stranger.events, first!.strangers, second!.strangers]).toEqual([[], [], []]);
  });

  test('masters of two clusters at once: those of one stay', async () => {
    const both = await Promise.all(['a', 'b', 'a', 'b'].map((cluster, at) => world.candidate(`127.0.0.1:${at + 1}`, cluster)));
    for (const candidate of both) candidate.join();
    await waitUntil('two are told', () => both.filter(({ strangers }) => strangers.length > 0).length === 2);
    await waitUntil('one is elected', () => both.some(({ isElected }) => isElected()));
    const told = both.map(({ strangers }) => strangers.length > 0);
    expect([told[0], told[1]]).toEqual([told[2], told[3]]);
    expect(both.filter(({ isElected, strangers }) => isElected() && strangers.length > 0)).toEqual([]);
  });

  test('watches: each candidate watches its own node and the one before it, nothing else', async () => {
    await candidates(4);
    const watched = async () => {
      const lines = (await zooKeeper.servers[0]!.ask('wchp')).split('\n');
      const counts: number[] = [];
      for (const line of lines) {
        if (line.startsWith(`/test/${chroots}/`)) counts.push(0);
        else if (line.startsWith('\t0x') && counts.length > 0) counts[counts.length - 1]! += 1;
        else if (line.startsWith('/')) break;
      }
      return counts.sort();
    };
    await waitUntil('watches are set', async () => (await watched()).join() === '1,2,2,2');
  });

  test('connection broken: nobody is deposed, the session stays', async () => {
    const [first, second] = await candidates(2);
    await first!.election.publish(record(first!.rpcAddress));
    first!.proxy.cut();
    second!.proxy.cut();
    await first!.election.publish(record(first!.rpcAddress, 2));
    expect([first!.events, second!.events]).toEqual([['elected'], []]);
    await first!.election.leave();
    await waitUntil('the second is elected', second!.isElected);
  });

  test('connection broken again and again while registering: one node each, none is left over', async () => {
    const [first, second, third] = [await world.candidate(), await world.candidate(), await world.candidate()];
    const all = [first, second, third];
    for (const candidate of all) candidate.join();
    for (let round = 0; round < 30; round++) {
      const candidate = all[round % 3]!;
      void candidate.election.requeue().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, round % 7));
      candidate.proxy.cut();
    }
    const session = await world.session();
    const nodes = () => childrenIfAny(session, '/understudy/election');
    await waitUntil('three nodes', async () => (await nodes()).length === 3);
    await waitUntil('one is elected', () => all.filter(({ isElected }) => isElected()).length === 1);
    await Promise.all(all.map(({ election }) => election.leave()));
    await waitUntil('no nodes', async () => (await nodes()).length === 0);
  });

  test('own node removed by another: deposed, registered again at the tail', async () => {
    const [first, second, third] = await candidates(3);
    const session = await world.session();
    const names = [...(await session.children('/understudy/election'))].sort((a, b) => (a.slice(-10) < b.slice(-10) ? -1 : 1));
    await session.remove(`/understudy/election/${names[1]}`);
    await waitUntil('the second is last', async () => (await queue()).at(-1) === second!.rpcAddress);
    await session.remove(`/understudy/election/${names[0]}`);
    await waitUntil('the third is elected', third!.isElected);
    await waitUntil('the first is deposed', () => !first!.isElected());
    await waitUntil('the order', async () => (await queue()).join() === [third, second, first].map((one) => one!.rpcAddress).join());
    expect(second!.events).toEqual([]);
  });

  test('requeue: the order of the queue is the order of going to its tail', async () => {
    const all = await candidates(3);
    const [first, second, third] = all.map((one) => one.rpcAddress);
    await all[0]!.election.requeue();
    await waitUntil('second, third, first', async () => (await queue()).join() === [second, third, first].join());
    await all[2]!.election.requeue();
    await waitUntil('second, first, third', async () => (await queue()).join() === [second, first, third].join());
  });

  test('leader node of a dead process at the same address: replaced', async () => {
    const dead = await world.candidate('host:1');
    await dead.election.publish(record('host:1', 1));
    const again = await world.candidate('host:1');
    await again.election.publish(record('host:1', 2));
    await using directory = await world.directory();
    expect(await directory.leaders()).toEqual([record('host:1', 2)]);
    // What was published first takes back nothing that is not its own.
    await dead.election.leave();
    expect(await directory.leaders()).toEqual([record('host:1', 2)]);
  });

  test('withdrawn where a server that lags says that nothing is there: removed all the same', async () => {
    const [first] = await candidates(1);
    await first!.election.publish(record(first!.rpcAddress));
    const read = vi.spyOn(ZooKeeperSession.prototype, 'read').mockResolvedValueOnce(undefined);
    await first!.election.withdraw();
    expect(read).toHaveBeenCalledWith(`/understudy/leader/${first!.rpcAddress}`);
    read.mockRestore();
    await using directory = await world.directory();
    expect(await directory.leaders()).toEqual([]);
  });

  test('leader nodes of others: left out', async () => {
    const session = await world.session();
    await session.makePath('/understudy/leader');
    for (const [name, data] of [
      ['a', '127.0.0.1'],
      ['b', '{'],
      ['c', '{"epoch":1}'],
      ['d', 'null'],
    ] as const) {
      await session.create(`/understudy/leader/${name}`, data, 'ephemeral');
    }
    await using directory = await world.directory();
    expect(await directory.leaders()).toEqual([]);
  });

  test('directory: a command that asks once is done in a moment', async () => {
    const [first] = await candidates(1);
    await first!.election.publish(record(first!.rpcAddress));
    const tookMs: number[] = [];
    for (let round = 0; round < 5; round++) {
      const before = performance.now();
      const directory = await world.directory();
      expect(await directory.leaders()).toHaveLength(1);
      await directory.close();
      tookMs.push(performance.now() - before);
    }
    expect(Math.min(...tookMs)).toBeLessThan(100);
  });

  test('directory: nothing is there yet, no leaders', async () => {
    await using directory = await world.directory();
    expect([await directory.leaders(), await directory.candidates()]).toEqual([[], []]);
  });

  test('directory: silent server, unavailable in time; given up by its caller, at once', async () => {
    const settings = { ...world.settings('127.0.0.1:1'), answerTimeoutMs: 300 };
    await using directory = await ZooKeeperDirectory.open(settings, deps);
    await expect(directory.leaders()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(directory.leaders(AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('host that does not resolve: said so, and tried again; left out where another resolves', async () => {
    const settings = { ...world.settings('no-such-host.invalid:2181'), answerTimeoutMs: 2_000 };
    await using directory = await ZooKeeperDirectory.open(settings, deps);
    await expect(directory.leaders()).rejects.toThrow(/no-such-host\.invalid:2181/);
    await using other = await ZooKeeperDirectory.open(world.settings(`no-such-host.invalid:2181,${world.settings().servers}`), deps);
    expect(await other.leaders()).toEqual([]);
  });

  test('list of servers that is none: refused', async () => {
    for (const servers of ['', 'h1:0', 'h1:x', 'h1,,h2', 'h1:2181//x', 'h1:2181/../x', 'a b:1']) {
      await expect(ZooKeeperElection.open(world.settings(servers), deps, nobody)).rejects.toMatchObject({ code: 'invalid_argument' });
    }
  });
});

describe('zookeeper election: servers fail', () => {
  let ensemble: ZooKeeperEnsemble;
  let world: ZooKeeperWorld;

  beforeAll(async () => {
    ensemble = await startZooKeeper(3);
  });

  afterAll(() => ensemble?.close());

  beforeEach(async () => {
    await ensemble.start();
    world = new ZooKeeperWorld(`${ensemble.connectString}/test/${++chroots}`);
  });

  afterEach(() => world[Symbol.asyncDispose]());

  async function published(election: ZooKeeperElection, number: number): Promise<void> {
    const publish = () => election.publish({ rpcAddress: 'a:1', webAddress: 'a:2', epoch: epoch(number) });
    const succeeds = () => publish().then(...([() => true, () => false] as const));
    await waitUntil(`epoch ${number} is published`, succeeds);
  }

  async function pair() {
    const events: string[] = [];
    const join = async (name: string) => {
      const election = await ZooKeeperElection.open(world.settings(), deps, nobody);
      election.join(name, ({ type }) => events.push(`${name} ${type}`));
      return election;
    };
    const first = await join('a:1');
    await waitUntil('a is elected', () => events.length === 1);
    const second = await join('b:1');
    await using directory = await world.directory();
    await waitUntil('both stand in the queue', async () => (await directory.candidates()).length === 2);
    return { events, first, second, close: () => Promise.all([first.close(), second.close()]) };
  }

  test('each server killed and started in turn: same sessions, nobody is deposed', async () => {
    const { events, second, first, close } = await pair();
    for (const server of ensemble.servers) {
      await server.kill();
      await published(first, server.id);
      await server.start();
    }
    await second.withdraw();
    expect(events).toEqual(['a:1 elected']);
    await close();
  });

  test('all servers killed and started again: one is elected, the record is there', async () => {
    const { events, first, close } = await pair();
    await first.publish({ rpcAddress: 'a:1', webAddress: 'a:2', epoch: epoch(3) });
    await ensemble.kill();
    await expect(first.publish({ rpcAddress: 'a:1', webAddress: 'a:2', epoch: epoch(4) })).rejects.toMatchObject({ code: 'unavailable' });
    expect(events).toEqual(['a:1 elected']);
    await ensemble.start();
    await using directory = await world.directory();
    await waitUntil('published again', async () => (await directory.leaders()).some((leader) => leader.epoch === 4), 20_000);
    await waitUntil('both stand in the queue', async () => (await directory.candidates()).length === 2);
    const elected = new Set<string>();
    for (const event of events) {
      const [name = '', type] = event.split(' ');
      if (type === 'elected') elected.add(name);
      else elected.delete(name);
    }
    await waitUntil('one is elected', () => elected.size === 1);
    await close();
  });

  test('server stopped with SIGSTOP: the others serve, and it is left', async () => {
    const { events, first, close } = await pair();
    for (const server of ensemble.servers) {
      await server.pause();
      try {
        await published(first, server.id);
      } finally {
        await server.resume();
      }
    }
    expect(events.filter((event) => event.endsWith('elected')).length).toBeGreaterThan(0);
    await close();
  });
});
