/**
 * A server that answers every call with as many bytes as the call's first four ask for: the RPC layer alone, to be a floor.
 */
import { silentLog } from '../src/base/log.js';
import { systemClock } from '../src/base/system-clock.js';
import { RPC_SERVER_DEFAULTS, RpcServer } from '../src/rpc/rpc-server.js';
import { tcpNetwork } from '../src/rpc/tcp-network.js';

const ANSWER_BYTES_MAX = 8 << 20;
const bytes = Buffer.alloc(ANSWER_BYTES_MAX);

const server = await RpcServer.open(
  { ...RPC_SERVER_DEFAULTS, listenAddress: '127.0.0.1:0' },
  { network: tcpNetwork, clock: systemClock, log: silentLog },
  (call) => call.reply(bytes.subarray(0, Buffer.from(call.body.buffer, call.body.byteOffset).readUInt32LE())),
);
process.on('disconnect', () => process.exit());
process.send?.(server.address);
