import { expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { RPC_SERVER_DEFAULTS, RpcServer } from '../../src/rpc/rpc-server.js';
import { VirtualTime } from '../simulation/virtual-time.js';
import { drive } from './worlds.js';

const BODY = Uint8Array.of(1, 2, 3);

function pairOfHosts(latencyMs = 2) {
  const time = new VirtualTime();
  const hosts = new MemoryNetwork(time, () => latencyMs);
  const deps = (name: string) => ({ network: hosts.host(name), clock: time, log: silentLog });
  const run = <T>(promise: Promise<T>) => drive(time, promise);
  return {
    time,
    hosts,
    run,
    serve: (name = 'server', called = () => {}) =>
      RpcServer.open({ ...RPC_SERVER_DEFAULTS, listenAddress: `${name}:1` }, deps(name), (call) => {
        called();
        call.reply(call.body);
      }),
    connect: (signal = new AbortController().signal): Promise<RpcConnection> =>
      run(connectRpc(RPC_CLIENT_DEFAULTS, deps('client'), 'server:1', signal)),
    elapse: (ms: number) => run(new Promise<void>((resolve) => void time.setTimer(ms, resolve))),
    failure: (promise: Promise<unknown>) =>
      run(
        promise.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
  };
}

test('latency: a call takes two of them', async () => {
  const { time, run, serve, connect } = pairOfHosts(10);
  await serve();
  const connection = await connect();
  const began = time.monotonicMs();
  expect(await run(connection.call(1, BODY, { timeoutMs: 1000 }))).toEqual(BODY);
  expect(time.monotonicMs() - began).toBe(20);
});

test('cut and healed before anybody notices: what was sent arrives', async () => {
  const { hosts, run, serve, connect, elapse } = pairOfHosts();
  await serve();
  const connection = await connect();
  hosts.cut('server', 'client');
  const answer = connection.call(1, BODY, { timeoutMs: 10_000 });
  await elapse(1_000);
  hosts.heal('client', 'server');
  expect(await run(answer)).toEqual(BODY);
});

test('cut for long: both sides notice by keep-alive', async () => {
  const { hosts, serve, connect, failure, time, elapse } = pairOfHosts();
  const server = await serve();
  const connection = await connect();
  hosts.cut('server', 'client');
  const began = time.monotonicMs();
  const error = await failure(connection.call(1, BODY, { timeoutMs: 60_000 }));
  expect(isError(error, 'unavailable')).toBe(true);
  expect(time.monotonicMs() - began).toBeLessThanOrEqual(6_000);
  await elapse(15_000);
  expect(server.connections).toBe(0);
});

test('connecting: waits while cut, refused where nobody listens, given up by its signal', async () => {
  const { hosts, serve, connect, failure, run } = pairOfHosts();
  const refused = await failure(connect());
  expect(refused).toMatchObject({ code: 'unavailable', cause: { code: 'ECONNREFUSED' } });
  await serve();
  hosts.cut('server', 'client');
  const controller = new AbortController();
  const given = failure(connect(controller.signal));
  const waiting = connect();
  controller.abort(new Error('enough'));
  expect(await given).toMatchObject({ code: 'unavailable' });
  hosts.heal('server', 'client');
  await run((await waiting).call(1, BODY, { timeoutMs: 1000 }));
});

test('crash: peers see a reset at once, connecting is refused until somebody listens again', async () => {
  const { hosts, serve, connect, failure, time, run } = pairOfHosts();
  await serve();
  const connection = await connect();
  const lost = new Promise<void>((resolve) => connection.lost.addEventListener('abort', () => resolve()));
  hosts.crash('server');
  const began = time.monotonicMs();
  await run(lost);
  expect(time.monotonicMs() - began).toBeLessThan(5);
  expect(await failure(connect())).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await serve();
  await run((await connect()).call(1, BODY, { timeoutMs: 1000 }));
});

test('connecting: held up by more than one thing, it arrives once', async () => {
  const { hosts, run, elapse } = pairOfHosts();
  let accepted = 0;
  await hosts.host('server').listen('server:1', () => {
    accepted += 1;
  });
  hosts.cut('server', 'client');
  const connected = hosts.host('client').connect('server:1', new AbortController().signal);
  await elapse(10);
  hosts.heal('one', 'other');
  hosts.heal('one', 'other');
  hosts.heal('server', 'client');
  await run(connected);
  await elapse(10);
  expect(accepted).toBe(1);
});

test('host vanishes: peers are told nothing; once it is back, what they send is reset', async () => {
  const { hosts, serve, connect, failure, elapse, time } = pairOfHosts();
  await serve();
  const connection = await connect();
  hosts.vanish('server');
  await elapse(500);
  expect(connection.lost.aborted).toBe(false);
  hosts.appear('server');
  const began = time.monotonicMs();
  expect(await failure(connection.call(1, BODY, { timeoutMs: 60_000 }))).toMatchObject({ code: 'unavailable' });
  expect(time.monotonicMs() - began).toBeLessThan(10);
});

test('kill all connections of a host: both ends end, listeners stay', async () => {
  const { hosts, serve, connect, run } = pairOfHosts();
  await serve();
  const connection = await connect();
  const lost = new Promise<void>((resolve) => connection.lost.addEventListener('abort', () => resolve()));
  hosts.killConnections('server');
  await run(lost);
  await run((await connect()).call(1, BODY, { timeoutMs: 1000 }));
});

test('cut in one direction: what goes the other way arrives, no connection is made', async () => {
  const { hosts, serve, connect, failure, time, run } = pairOfHosts();
  const served = new Promise<void>((resolve) => void serve('server', resolve));
  const connection = await connect();
  hosts.cutOneWay('server', 'client');
  const answer = failure(connection.call(1, BODY, { timeoutMs: 60_000 }));
  await run(served);
  expect(isError(await answer, 'unavailable')).toBe(true);
  const given = new AbortController();
  time.setTimer(100, () => given.abort());
  expect(await failure(connect(given.signal))).toMatchObject({ code: 'unavailable' });
});

test('half-open: one side is told at once, the other one when it writes', async () => {
  const { hosts, serve, connect, failure, elapse, time } = pairOfHosts();
  const server = await serve();
  const connection = await connect();
  hosts.halfOpen('server', 'client');
  await elapse(100);
  expect(server.connections).toBe(0);
  expect(connection.lost.aborted).toBe(false);
  const began = time.monotonicMs();
  expect(await failure(connection.call(1, BODY, { timeoutMs: 60_000 }))).toMatchObject({ code: 'unavailable' });
  expect(time.monotonicMs() - began).toBeLessThan(10);
});

test('stranded: nobody is told, the connection carries nothing, a new one does', async () => {
  const { hosts, serve, connect, failure, time, run } = pairOfHosts();
  await serve();
  const connection = await connect();
  hosts.strand('client', 'server');
  const began = time.monotonicMs();
  expect(await failure(connection.call(1, BODY, { timeoutMs: 60_000 }))).toMatchObject({ code: 'unavailable' });
  expect(time.monotonicMs() - began).toBeGreaterThan(1_000);
  expect(await run((await connect()).call(1, BODY, { timeoutMs: 1_000 }))).toEqual(BODY);
});

test('accepted and silent: the handshake times out; refused: at once, while the program lives', async () => {
  const { hosts, serve, connect, failure, run } = pairOfHosts();
  const server = await serve();
  hosts.welcome('server', 'silent');
  expect(await failure(connect())).toMatchObject({ code: 'deadline_exceeded' });
  expect(server.connections).toBe(0);
  hosts.welcome('server', 'refused');
  expect(await failure(connect())).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  hosts.welcome('server', undefined);
  expect(await run((await connect()).call(1, BODY, { timeoutMs: 1_000 }))).toEqual(BODY);
});

test('a host that does not read: what is written waits at its sender', async () => {
  const { hosts, elapse, run } = pairOfHosts();
  let heard = 0;
  await hosts.host('server').listen('server:1', (stream) => {
    stream.listen({
      data: ({ length }) => {
        heard += length;
      },
      lent() {},
      drained() {},
      closed() {},
    });
  });
  const stream = await run(hosts.host('client').connect('server:1', new AbortController().signal));
  stream.listen({ data() {}, lent() {}, drained() {}, closed() {} });
  hosts.ignore('server');
  stream.write(new Uint8Array(1_000));
  await elapse(1_000);
  expect([heard, stream.bufferedBytes]).toEqual([0, 1_000]);
  hosts.heed('server');
  await elapse(10);
  expect([heard, stream.bufferedBytes]).toEqual([1_000, 0]);
});

test('same program twice: same events at the same times', async () => {
  const trace = async () => {
    const { hosts, serve, connect, run, time, failure } = pairOfHosts(3);
    const server = await serve();
    const connection = await connect();
    const answers = Array.from({ length: 50 }, (_, index) => connection.call(1, new Uint8Array(index), { timeoutMs: 5 + index }));
    const outcomes = await run(Promise.all(answers.map((answer) => answer.then((body) => body.length, String))));
    hosts.cut('client', 'server');
    const last = await failure(connection.call(1, BODY, { timeoutMs: 60_000 }));
    await run(server.close());
    return { outcomes, last: String(last), hash: time.traceHash(), steps: time.steps };
  };
  expect(await trace()).toEqual(await trace());
});
