import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { isError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { ZooKeeperSession, type ZooKeeperSessionEvents } from '../../src/election/zookeeper-session.js';
import { TcpProxy } from '../servers/tcp-proxy.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { deps } from './zookeeper-world.js';

const SESSION_TIMEOUT_MS = 1_000;
const QUIET: ZooKeeperSessionEvents = { connected() {}, lost() {}, changed() {} };

describe('zookeeper session', () => {
  let zooKeeper: ZooKeeperEnsemble;
  let proxy: TcpProxy;
  beforeAll(async () => {
    zooKeeper = await startZooKeeper();
  });
  afterAll(() => zooKeeper?.close());
  beforeEach(async () => {
    proxy = await TcpProxy.start(zooKeeper.connectString);
  });
  afterEach(() => proxy.close());

  const open = (events: ZooKeeperSessionEvents, clock: Clock = systemClock) =>
    ZooKeeperSession.open({ servers: proxy.address, sessionTimeoutMs: SESSION_TIMEOUT_MS }, { ...deps, clock }, events);

  test('closed with operations under way: each of them ends', async () => {
    const session = await open(QUIET);
    await waitUntil('it is connected', () => session.isConnected);
    proxy.freeze();
    const codes = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? session.children('/') : session.create(`/x${index}`, '', 'ephemeral')).then(
        () => 'done',
        (error: unknown) => (isError(error) ? error.code : String(error)),
      ),
    );
    await session.close();
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['unavailable']));
  });

  test('client that is being replaced connects after all: only its successor counts', async () => {
    const held: (() => void)[] = [];
    let holding = true;
    const clock: Clock = { ...systemClock, defer: (fn) => (holding ? void held.push(fn) : systemClock.defer(fn)) };
    let connections = 0;
    const rejected: unknown[] = [];
    proxy.freeze();
    await using session = await open(
      {
        ...QUIET,
        connected: () => {
          connections += 1;
          session.children('/').catch((error: unknown) => rejected.push(error));
        },
      },
      clock,
    );
    await waitUntil('the client is to be replaced', () => held.length > 0);
    proxy.thaw();
    proxy.cut();
    await waitUntil('it has connected', pinged);
    const seen = [connections, session.isConnected];
    holding = false;
    for (const fn of held) fn();
    expect(seen).toEqual([0, false]);
    await waitUntil('its successor is connected', () => session.isConnected);
    expect([connections, rejected]).toEqual([1, []]);
    expect(await session.children('/')).toContain('zookeeper');
  });

  /** @returns whether a client has sent something after its connect request: it has seen the answer then. */
  async function pinged(): Promise<boolean> {
    const connections = (await zooKeeper.servers[0]?.ask('cons')) ?? '';
    return [...connections.matchAll(/recved=(\d+),.*sid=0x[1-9a-f]/g)].some(([, received]) => Number(received) > 1);
  }
});
