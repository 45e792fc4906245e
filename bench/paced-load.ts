/**
 * Creates files at an even pace, and now and then finds out how long after the acknowledgement a standby has the same: it is asked for that
 * entry at once. So a lag has one round trip to the standby in it.
 */
import { silentLog } from '../src/base/log.js';
import { systemClock } from '../src/base/system-clock.js';
import type { FileSystem } from '../src/cli/understudy.js';
import { operations } from '../src/metadata/operations.js';
import type { RpcConnection } from '../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../src/rpc/rpc-connection.js';
import { tcpNetwork } from '../src/rpc/tcp-network.js';
import type { Pace, Paced } from './load.js';

const TICK_MS = 1;
const IN_FLIGHT_MAX = 8_192;
/** One create in so many is looked for on each standby. */
const LOOK_EVERY = 50;
const TIMEOUT_MS = 30_000;

export async function paced(fs: FileSystem, pace: Pace): Promise<Paced> {
  const { base, perSecond, forMs, perDirectory } = pace;
  const standbys = await Promise.all(pace.standbys.map(connect));
  const lagsMs: number[] = [];
  const looks = new Set<Promise<void>>();
  const startMs = performance.now();
  let begun = 0;
  let done = 0;
  let inFlight = 0;
  const create = async (index: number): Promise<void> => {
    inFlight += 1;
    const { sn } = await fs.createFile(`${base}/d${Math.floor(index / perDirectory)}/f${index}`, { mode: 0o644 });
    inFlight -= 1;
    done += 1;
    if (index % LOOK_EVERY !== 0) return;
    const look = lagBehind(standbys[(index / LOOK_EVERY) % standbys.length], sn).then((lagMs) => {
      if (lagMs !== undefined) lagsMs.push(lagMs);
      looks.delete(look);
    });
    looks.add(look);
  };
  const creates: Promise<void>[] = [];
  for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs = performance.now() - startMs) {
    const due = Math.floor((elapsedMs / 1000) * perSecond);
    for (; begun < due && inFlight < IN_FLIGHT_MAX; begun++) creates.push(create(begun));
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  const seconds = (performance.now() - startMs) / 1000;
  const inTime = done;
  await Promise.all(creates);
  await Promise.all(looks);
  for (const standby of standbys) await standby.close();
  return { offered: Math.floor(seconds * perSecond), done: inTime, seconds, lagsMs: lagsMs.sort((a, b) => a - b) };
}

async function lagBehind(standby: RpcConnection | undefined, sn: number): Promise<number | undefined> {
  if (standby === undefined) return undefined;
  const { method, request } = operations.exists;
  const beganMs = performance.now();
  await standby.call(method, request.encode({ path: '/', freshness: { atLeastSn: sn } }).finish(), { timeoutMs: TIMEOUT_MS });
  return performance.now() - beganMs;
}

function connect(address: string): Promise<RpcConnection> {
  const deps = { network: tcpNetwork, clock: systemClock, log: silentLog };
  return connectRpc(RPC_CLIENT_DEFAULTS, deps, address, AbortSignal.timeout(TIMEOUT_MS));
}
