import { expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { Client } from '../../src/client/client.js';
import { FileSystem } from '../../src/client/file-system.js';
import { operations } from '../../src/metadata/operations.js';
import type { ByteStream, Network } from '../../src/rpc/network.js';
import type { ServerCall } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { RPC_SERVER_DEFAULTS, RpcServer } from '../../src/rpc/rpc-server.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';
import { created, QUICK, status } from './scripted-cluster.js';

const deps = { clock: systemClock, random: systemRandom, log: silentLog, network: tcpNetwork };
const connect = (address: string, signal: AbortSignal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
const settings = { ...QUICK, suspectAfterMs: 1_000, lookTimeoutMs: 1_000 };

function serve(listenAddress: string, mutation: (call: ServerCall, caller: understudy.Caller.$Properties) => void): Promise<RpcServer> {
  return RpcServer.open({ ...RPC_SERVER_DEFAULTS, listenAddress }, deps, (call) => {
    if (call.method === operations.masterStatus.method) return call.reply(status('ACTIVE', 1));
    if (call.method === operations.registerClient.method) {
      return call.reply(understudy.RegisterClientResponse.encode({ clientId: 7, window: 64 }).finish());
    }
    if (call.method === operations.closeClient.method) return call.reply();
    return mutation(call, understudy.CreateFileRequest.decode(call.body).caller ?? {});
  });
}

test('client over TCP: server gone under way and back at the same address, each call is sent again as attempt 2', async () => {
  let sent = 0;
  const first = await serve('127.0.0.1:0', () => {
    sent += 1;
  });
  await using fs = new FileSystem(new Client({ ...settings, masters: [first.address] }, { ...deps, connect }));
  const pending = Promise.all(Array.from({ length: 100 }, (_, index) => fs.createFile(`/${index}`)));
  await expect.poll(() => sent).toBe(64);
  await first.close();
  const seen: understudy.Caller.$Properties[] = [];
  const second = await serve(first.address, (call, caller) => {
    seen.push(caller);
    call.reply(created(caller.callId ?? 0));
  });
  const changes = await pending;
  expect(new Set(changes.map(({ sn }) => sn)).size).toBe(100);
  // The first 64 filled the window and were sent before; the others were not.
  expect(seen.filter(({ attempt }) => attempt === 2).map(({ callId }) => callId)).toEqual(
    Array.from({ length: 64 }, (_, index) => index + 1),
  );
  expect(seen.filter(({ attempt }) => attempt === 1).length).toBe(36);
  await fs.close();
  await second.close();
});

test('client over TCP: unavailable from a server that stays, the attempt is still the first', async () => {
  const attempts: unknown[] = [];
  await using server = await serve('127.0.0.1:0', (call, { attempt }) => {
    attempts.push(attempt);
    if (attempts.length < 3) call.fail(new UnderstudyError('unavailable', 'the journal is full'));
    else call.reply(created(1));
  });
  await using fs = new FileSystem(new Client({ ...settings, masters: [server.address] }, { ...deps, connect }));
  await fs.createFile('/x');
  expect(attempts).toEqual([1, 1, 1]);
});

test('client over TCP: calls of one tick leave in one write, and are answered in few', async () => {
  const written = { byClient: 0, byServer: 0 };
  const counting = (by: keyof typeof written, stream: ByteStream): ByteStream => {
    const write = stream.write.bind(stream);
    stream.write = (chunk) => {
      written[by] += 1;
      write(chunk);
    };
    return stream;
  };
  const network: Network = {
    connect: async (address, signal) => counting('byClient', await tcpNetwork.connect(address, signal)),
    listen: (address, accept) => tcpNetwork.listen(address, (stream) => accept(counting('byServer', stream))),
  };
  await using server = await RpcServer.open({ ...RPC_SERVER_DEFAULTS, listenAddress: '127.0.0.1:0' }, { ...deps, network }, (call) => {
    if (call.method === operations.masterStatus.method) return call.reply(status('ACTIVE', 1));
    call.reply(understudy.GetStatusResponse.encode({ sn: 1, inode: { id: 2 } }).finish());
  });
  const connected = (address: string, signal: AbortSignal) => connectRpc(RPC_CLIENT_DEFAULTS, { ...deps, network }, address, signal);
  await using fs = new FileSystem(new Client({ ...settings, masters: [server.address] }, { ...deps, connect: connected }));
  await fs.getStatus('/first');
  const before = { ...written };
  await Promise.all(Array.from({ length: 500 }, (_, index) => fs.getStatus(`/${index}`)));
  expect(written.byClient - before.byClient).toBeLessThanOrEqual(3);
  expect(written.byServer - before.byServer).toBeLessThanOrEqual(10);
});
