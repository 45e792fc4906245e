/** A client whose connections come from an address of its own; it finds the leader among `masters`. */
import type { Files } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { systemRandom } from '../../src/base/system-random.js';
import { Client } from '../../src/client/client.js';
import { type ClientSettings, DEFAULT_CLIENT_SETTINGS } from '../../src/client/client-settings.js';
import { FileSystem } from '../../src/client/file-system.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { tcpNetworkFrom } from '../../src/rpc/tcp-network.js';
import { machineClock } from './monotonic-clock.js';

/** @param more `files`: of its host, for blocks that it reads by itself. */
export function connectFrom(
  address: string,
  settings: Partial<ClientSettings> & Pick<ClientSettings, 'user'>,
  more: { readonly files?: Files } = {},
): FileSystem {
  const deps = { clock: machineClock, random: systemRandom, log: silentLog, network: tcpNetworkFrom(address) };
  const client = new Client(
    { ...DEFAULT_CLIENT_SETTINGS, group: settings.user, ...settings },
    { ...deps, ...more, connect: (master, signal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, master, signal) },
  );
  return new FileSystem(client);
}
