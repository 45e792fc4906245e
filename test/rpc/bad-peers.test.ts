/** What a peer does wrong costs its own connection: over real sockets, with a good client on the same server throughout. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { bareFrame, helloFrame, KIND } from '../../src/rpc/frame.js';
import { LINK_DEFAULTS } from '../../src/rpc/frame-link.js';
import type { RpcConnection, ServerCall } from '../../src/rpc/rpc.js';
import type { RpcServer } from '../../src/rpc/rpc-server.js';
import { encoded, HELLO, RawPeer, rawServer, request } from './raw-peer.js';
import { tcpWorld, type World } from './worlds.js';

const SOON = { timeoutMs: 5_000 };
const QUICK = { handshakeTimeoutMs: 100, frameTimeoutMs: 100, stallTimeoutMs: 200, keepAliveIntervalMs: 80, keepAliveTimeoutMs: 80 };
const ROOMY = { ...LINK_DEFAULTS, frameBytesMax: 1 << 20 };

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('bad clients', () => {
  let world: World;
  let server: RpcServer;
  let good: RpcConnection;
  const calls: ServerCall[] = [];

  async function open(settings: Partial<typeof LINK_DEFAULTS>): Promise<RawPeer> {
    server = await world.serve(
      (call) => {
        calls.push(call);
        if (call.method === 1) call.reply(call.body);
        if (call.method === 2) call.reply(new Uint8Array(100_000));
        if (call.method === 3) return sendForEver(call);
        return undefined;
      },
      { ...ROOMY, ...settings },
    );
    good = await world.connect(server.address);
    return RawPeer.connect(server.address);
  }

  async function sendForEver(call: ServerCall): Promise<void> {
    try {
      for (;;) await call.item(new Uint8Array(10_000));
    } catch {
      call.reply();
    }
  }

  /** The bad one is gone, with one line that says why, a warning if it was a client at all, and the good one is served. */
  async function costsOnlyItself(peer: RawPeer, reason: RegExp, level = 'warn'): Promise<void> {
    await world.until(() => peer.closed || server.connections === 1);
    await world.until(() => server.connections === 1);
    expect(await good.call(1, Buffer.from('unharmed'), SOON)).toHaveLength(8);
    expect(world.lines.map((line) => line.level)).toEqual([level]);
    expect(world.lines[0]?.values.reason).toMatch(reason);
    peer.socket.destroy();
  }

  beforeEach(() => {
    world = tcpWorld();
    calls.length = 0;
  });
  afterEach(() => world.close());

  test.each([
    ['HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), /over the limit/],
    ['zeros', Buffer.alloc(64), /unknown kind/],
    ['another magic', encoded({ ...helloFrame({ version: 1, frameBytesMax: 65_536, streamCreditBytes: 1 }), extra: 1 }), /no hello/],
    ['a call before hello', request(1, 1), /no hello/],
  ])('stray: sends %s, loses its connection', async (_, bytes, reason) => {
    const peer = await open({});
    peer.socket.write(bytes);
    await costsOnlyItself(peer, reason, 'debug');
  });

  test.each([
    ['another version', encoded(helloFrame({ version: 7, frameBytesMax: 65_536, streamCreditBytes: 1 })), /another version/],
    ['hello twice', Buffer.concat([HELLO, HELLO]), /second hello/],
    ['frame over the limit', Buffer.concat([HELLO, request(1, 1, new Uint8Array((1 << 20) - 15))]), /over the limit/],
    ['unknown kind', Buffer.concat([HELLO, encoded(bareFrame(77, 1))]), /unknown kind/],
    ['a reply, which only servers send', Buffer.concat([HELLO, encoded(bareFrame(KIND.reply, 1))]), /no client sends/],
    ['call id taken', Buffer.concat([HELLO, request(1, 4), request(1, 4)]), /call id is taken/],
    ['call id 0', Buffer.concat([HELLO, request(0, 1)]), /call id is taken/],
  ])('client: sends %s, loses its connection', async (_, bytes, reason) => {
    const peer = await open({});
    peer.socket.write(bytes);
    await costsOnlyItself(peer, reason);
  });

  test('client: of another version, is told before it is closed', async () => {
    const peer = await open({});
    peer.socket.write(encoded(helloFrame({ version: 7, frameBytesMax: 65_536, streamCreditBytes: 1 })));
    await world.until(() => peer.closed);
    expect(peer.frames.map((frame) => [frame.kind, frame.callId])).toEqual([[KIND.error, 0]]);
  });

  test('client: never says anything, closed in time, and nothing is made of it', async () => {
    const peer = await open(QUICK);
    await world.until(() => peer.closed);
    await world.until(() => server.connections === 1);
    expect(await good.call(1, Buffer.from('unharmed'), SOON)).toHaveLength(8);
    const said = world.lines.filter(({ values }) => /no hello in time/.test(String(values.reason)));
    expect(said.map(({ level }) => level)).toEqual(['debug']);
  });

  test.each([
    ['hello', HELLO.subarray(0, 20), /no hello in time/, 'debug'],
    ['header', Buffer.concat([HELLO, request(1, 1)]).subarray(0, HELLO.length + 15), /frame not complete/, 'warn'],
    ['body', Buffer.concat([HELLO, request(1, 1, new Uint8Array(1000))]).subarray(0, HELLO.length + 900), /frame not complete/, 'warn'],
  ])('client: its %s dribbles in byte by byte, closed in time', async (_, bytes, reason, level) => {
    const peer = await open({ ...QUICK, keepAliveIntervalMs: 60_000 });
    let at = 0;
    const dribble = setInterval(() => {
      const step = at < HELLO.length && bytes.length > HELLO.length ? HELLO.length : 1;
      if (at < bytes.length) peer.socket.write(bytes.subarray(at, at + step));
      at += step;
    }, 15);
    try {
      await costsOnlyItself(peer, reason, level);
    } finally {
      clearInterval(dribble);
    }
  });

  test('client: is silent and answers no ping, noticed in bounded time and its calls abandoned', async () => {
    const peer = await open(QUICK);
    peer.socket.write(Buffer.concat([HELLO, request(1, 4)]));
    await world.until(() => server.connections === 1);
    expect(peer.frames.some((frame) => frame.kind === KIND.ping)).toBe(true);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(good.lost.aborted).toBe(false);
  });

  test('client: never reads answers, is not read from any more and then closed', async () => {
    const peer = await open({ ...QUICK, frameTimeoutMs: 60_000, outgoingBytesSoftMax: 100_000, outgoingBytesMax: 100_000_000 });
    peer.socket.pause();
    peer.socket.write(HELLO);
    let callId = 0;
    const ask = setInterval(() => {
      for (let turn = 0; turn < 10; turn += 1) {
        callId += 1;
        peer.socket.write(request(callId, 2));
      }
    }, 2);
    try {
      await costsOnlyItself(peer, /does not take what it is sent/);
      expect(calls.filter((call) => call.method === 2).length).toBeLessThan(callId / 2);
    } finally {
      clearInterval(ask);
    }
  });

  test('client: asks for more at once than the hard bound, closed at once', async () => {
    const peer = await open({ outgoingBytesSoftMax: 100_000, outgoingBytesMax: 5_000_000 });
    peer.socket.pause();
    peer.socket.write(Buffer.concat([HELLO, ...Array.from({ length: 1000 }, (_, index) => request(index + 1, 2))]));
    await costsOnlyItself(peer, /does not take what it is sent/);
  });

  test('client: gives endless credit and reads nothing, streams wait at the soft bound', async () => {
    const peer = await open({ ...QUICK, keepAliveIntervalMs: 60_000, outgoingBytesSoftMax: 100_000, outgoingBytesMax: 30_000_000 });
    peer.socket.pause();
    const streams = Array.from({ length: 50 }, (_, index) =>
      Buffer.concat([
        encoded({ ...bareFrame(KIND.request, index + 1), flags: 1, method: 3 }),
        encoded(bareFrame(KIND.credit, index + 1, 0xffff_ffff)),
      ]),
    );
    peer.socket.write(Buffer.concat([HELLO, ...streams]));
    await costsOnlyItself(peer, /does not take what it is sent: afterMs/);
    await world.until(() => calls.every((call) => call.method !== 3 || call.signal.aborted));
  });

  test('clients: many that stream fast, are all served to the end of their patience', async () => {
    await open({ outgoingBytesSoftMax: 20_000 });
    const counts = await Promise.all(
      Array.from({ length: 20 }, async () => {
        let count = 0;
        for await (const _ of good.stream(3, new Uint8Array(0), SOON)) {
          count += 1;
          if (count === 200) break;
        }
        return count;
      }),
    );
    expect(counts).toEqual(Array(20).fill(200));
  });
});

describe('bad servers', () => {
  let world: World;
  let close = () => {};
  beforeEach(() => {
    world = tcpWorld();
  });
  afterEach(async () => {
    await world.close();
    close();
  });

  async function serve(met: (peer: RawPeer) => void): Promise<string> {
    const raw = await rawServer(met);
    close = raw.close;
    return raw.address;
  }

  test.each([
    ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'invalid_argument'],
    ['another version', encoded(helloFrame({ version: 3, frameBytesMax: 65_536, streamCreditBytes: 1 })), 'failed_precondition'],
  ])('server: answers with %s, connecting fails', async (_, bytes, code) => {
    const address = await serve((peer) => peer.socket.write(bytes));
    expect(await failure(world.connect(address))).toMatchObject({ code });
  });

  test('server: takes the connection and says nothing, connecting fails in time or when given up', async () => {
    const address = await serve(() => {});
    expect(await failure(world.connect(address, QUICK))).toMatchObject({ code: 'deadline_exceeded' });
    const controller = new AbortController();
    const connecting = failure(world.connect(address, {}, controller.signal));
    setImmediate(() => controller.abort());
    expect(await connecting).toMatchObject({ code: 'cancelled' });
  });

  test('server: goes silent, calls fail with unavailable in bounded time', async () => {
    const address = await serve((peer) => peer.socket.write(HELLO));
    const connection = await world.connect(address, QUICK);
    const error = await failure(connection.call(1, new Uint8Array(0), SOON));
    expect(isError(error, 'unavailable')).toBe(true);
    expect(String(error)).toContain('silent');
    expect(connection.lost.aborted).toBe(true);
  });

  test('server: resets the connection, calls and streams fail with unavailable', async () => {
    const address = await serve((peer) => {
      peer.socket.write(HELLO);
      peer.socket.once('data', () => peer.socket.once('data', () => peer.socket.resetAndDestroy()));
    });
    const connection = await world.connect(address);
    const stream = connection.stream(1, new Uint8Array(0), SOON)[Symbol.asyncIterator]();
    const errors = await Promise.all([failure(stream.next()), failure(connection.call(1, new Uint8Array(0), SOON))]);
    expect(errors.every((error) => isError(error, 'unavailable'))).toBe(true);
  });

  test.each([
    ['an item for a unary call', encoded({ ...bareFrame(KIND.item, 1), body: new Uint8Array(3) })],
    ['an error that cannot be read', encoded({ ...bareFrame(KIND.error, 1), body: Uint8Array.of(0x12, 0xff) })],
    ['a request', request(1, 1)],
  ])('server: sends %s, connection is given up', async (_, bytes) => {
    const address = await serve((peer) => {
      peer.socket.write(HELLO);
      peer.socket.once('data', () => peer.socket.once('data', () => peer.socket.write(bytes)));
    });
    const connection = await world.connect(address);
    expect(await failure(connection.call(1, new Uint8Array(0), SOON))).toMatchObject({ code: 'unavailable' });
    expect(isError(connection.lost.reason, 'invalid_argument')).toBe(true);
  });

  test('server: sends items without credit, connection is given up', async () => {
    const item = encoded({ ...bareFrame(KIND.item, 1), body: new Uint8Array(600) });
    const address = await serve((peer) => {
      peer.socket.write(HELLO);
      peer.socket.once('data', () => peer.socket.once('data', () => peer.socket.write(Buffer.concat([item, item, item]))));
    });
    const connection = await world.connect(address, { streamCreditBytes: 1000 });
    const stream = connection.stream(1, new Uint8Array(0), SOON)[Symbol.asyncIterator]();
    await stream.next();
    await world.until(() => connection.lost.aborted);
    expect(String(connection.lost.reason)).toContain('without credit');
  });

  test('server: reads nothing, calls beyond the bound are refused here', async () => {
    const address = await serve((peer) => {
      peer.socket.write(HELLO);
      peer.socket.pause();
    });
    const connection = await world.connect(address, { outgoingBytesSoftMax: 100_000, outgoingBytesMax: 1_000_000 });
    const errors = Array.from({ length: 60 }, () => failure(connection.call(1, new Uint8Array(500_000), { timeoutMs: 300 })));
    const codes = (await Promise.all(errors)).map((error) => (isError(error) ? error.code : 'none'));
    expect(codes).toContain('resource_exhausted');
    expect(codes).toContain('deadline_exceeded');
  });
});
