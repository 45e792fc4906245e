import { on, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { sleep, within } from '../../src/base/wait.js';
import { ZooKeeperSession, type ZooKeeperSessionEvents } from '../../src/election/zookeeper-session.js';
import { TcpProxy } from '../servers/tcp-proxy.js';
import { waitUntil } from '../servers/wait-until.js';
import { startZooKeeper, type ZooKeeperEnsemble } from '../servers/zookeeper.js';
import { deps } from './zookeeper-world.js';

const SESSION_TIMEOUT_MS = 1_000;
const ROUNDS = 3;
const ECHO_LIMIT_MS = 5_000;
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

  const open = () => new ZooKeeperSession({ servers: proxy.address, sessionTimeoutMs: SESSION_TIMEOUT_MS }, deps, QUIET);

  test('closed with operations under way: each of them ends', async () => {
    const session = open();
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

  test('silent server given up, again and again: connections of others that begin meanwhile are let be', async () => {
    const { server, address } = await echoServer();
    await using session = open();
    await waitUntil('it is connected', () => session.isConnected);
    const echoes: Promise<string>[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      proxy.freeze();
      await waitUntil('it is given up', () => {
        echoes.push(echo(address));
        return !session.isConnected;
      });
      proxy.thaw();
      proxy.cut();
      await waitUntil('it is connected again', () => {
        echoes.push(echo(address));
        return session.isConnected;
      });
    }
    expect(new Set(await Promise.all(echoes))).toEqual(new Set(['as sent']));
    server.close();
  });
});

async function echoServer(): Promise<{ server: Server; address: AddressInfo }> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, address: server.address() as AddressInfo };
}

/** @returns what became of a connection that says something, waits for a while, and goes on. */
async function echo({ port }: AddressInfo): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  const texts = on(socket, 'data');
  try {
    for (const text of ['one', 'two', 'three']) {
      socket.write(text);
      const { value } = await within(systemClock, ECHO_LIMIT_MS, texts.next(), 'no echo');
      if (String(value) !== text) return `${text} became ${value}`;
      await sleep(systemClock, SESSION_TIMEOUT_MS / 3);
    }
    return 'as sent';
  } catch (error) {
    return String(error);
  } finally {
    socket.destroy();
  }
}
