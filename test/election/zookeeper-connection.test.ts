/**
 * A connection to servers that lie, fall silent or break off: it ends, with every call, and nothing else does.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { ZooKeeperConnection } from '../../src/election/zookeeper-connection.js';
import { FrameCutter, FrameWriter } from '../../src/election/zookeeper-wire.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';

const START = { sessionTimeoutMs: 300, credentials: undefined, lastZxid: 0n };
const PASSWORD = Buffer.alloc(16, 7);
const GREETING = new FrameWriter().int(0).int(300).long(-42n).text(PASSWORD).flag(false).finish();
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** @param answer what the server says to each frame but the first, which it greets with `greeting`. */
async function connect(greeting: Buffer, answer: (frame: Buffer, socket: Socket) => Buffer) {
  const server = createServer((socket) => {
    const cutter = new FrameCutter();
    let greeted = false;
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        for (const frame of cutter.push(chunk)) {
          socket.write(greeted ? answer(frame, socket) : greeting);
          greeted = true;
        }
      });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const deps = { clock: systemClock, network: tcpNetwork };
  return ZooKeeperConnection.open(deps, `127.0.0.1:${port}`, START, () => {}, AbortSignal.timeout(5_000));
}

const reply = (xid: number, code: number) => new FrameWriter().int(xid).long(9n).int(code);
const silence = () => Buffer.alloc(0);
const hangUp = (socket: Socket) => {
  socket.destroy();
  return silence();
};

test('greeting: the session, negative ids too; one that has expired; one cut short', async () => {
  const connection = await connect(GREETING, silence);
  expect(connection).toMatchObject({ sessionTimeoutMs: 300, credentials: { id: -42n, password: PASSWORD } });
  connection?.destroy(new Error('done'));
  const expired = new FrameWriter().int(0).int(0).long(0n).text(Buffer.alloc(16)).finish();
  expect(await connect(expired, silence)).toBeUndefined();
  await expect(connect(new FrameWriter().int(0).finish(), silence)).rejects.toMatchObject({ code: 'unavailable' });
});

test('frames in pieces, a byte each: put together', async () => {
  const pieces = (frame: Buffer, socket: Socket) => {
    const whole = reply(frame.readInt32BE(0), 0).int(2).text('a').text('é').finish();
    for (const byte of whole) socket.write(Buffer.from([byte]));
    return silence();
  };
  const connection = await connect(GREETING, pieces);
  expect(await connection?.children('/')).toEqual(['a', 'é']);
  expect(connection?.lastZxid).toBe(9n);
  connection?.destroy(new Error('done'));
});

test.each([
  [
    'an answer to nothing that was asked',
    (frame: Buffer) =>
      reply(frame.readInt32BE(0) + 5, 0)
        .int(0)
        .finish(),
  ],
  ['an answer that ends too soon', (frame: Buffer) => reply(frame.readInt32BE(0), 0).int(7).finish()],
  ['a frame of a length that none has', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a length below nothing', () => Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['nothing at all', silence],
  ['an end', (_: Buffer, socket: Socket) => hangUp(socket)],
])('server that sends %s: it ends, and both calls with it', async (_, answer) => {
  const connection = await connect(GREETING, answer);
  const calls = await Promise.allSettled([connection?.children('/'), connection?.children('/')]);
  expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await connection?.ended).toBeInstanceOf(Error);
  await expect(connection?.children('/')).rejects.toMatchObject({ code: 'unavailable' });
});

test('more calls than are allowed under way: refused, the others go on', async () => {
  const connection = await connect(GREETING, silence);
  const calls = Array.from({ length: 257 }, () => connection?.watch('/').catch(({ code }) => code));
  expect(await calls.at(-1)).toBe('resource_exhausted');
  connection?.destroy(new Error('done'));
  await Promise.all(calls);
});
