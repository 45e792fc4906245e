/**
 * What a test asks one master, wherever it runs, and what it waits for among several.
 */
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { operations } from '../../src/metadata/operations.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';
import { waitUntil } from '../servers/wait-until.js';

const CALL_LIMIT_MS = 5_000;
/** Takeovers are quicker by far; a busy machine takes its time. */
const LIMIT_MS = 20_000;
/** A stopped process answers late: its connections are kept. */
const PATIENT = { ...RPC_CLIENT_DEFAULTS, keepAliveIntervalMs: 60_000, keepAliveTimeoutMs: 60_000 };

/** A master by its RPC address. */
export interface Asked {
  readonly address: string;
}

/** A connection of its own, that outlives a stop of the process. */
export function connectTo({ address }: Asked): Promise<RpcConnection> {
  const deps = { network: tcpNetwork, clock: systemClock, log: silentLog };
  return connectRpc(PATIENT, deps, address, AbortSignal.timeout(CALL_LIMIT_MS));
}

export async function statusOf(master: Asked) {
  const { method, request, response } = operations.masterStatus;
  return response.decode(await ask(master, method, request.encode({}).finish()));
}

/** The digest of its state as of the entry `sn`. */
export async function digestOf(master: Asked) {
  const { method, request, response } = operations.digest;
  return response.decode(await ask(master, method, request.encode({}).finish()));
}

async function ask(master: Asked, method: number, body: Uint8Array): Promise<Uint8Array> {
  await using connection = await connectTo(master);
  return await connection.call(method, body, { timeoutMs: CALL_LIMIT_MS });
}

/** Waits until one of `among` says that it leads, confirmed by the journal. */
export async function leaderAmong<Master extends Asked>(among: readonly Master[]): Promise<Master> {
  let leader: Master | undefined;
  const leads = async () => {
    const states = await Promise.all(among.map((master) => statusOf(master).catch(() => undefined)));
    leader = among[states.findIndex((status) => status?.state === 'ACTIVE' && status.reason === '')];
    return leader !== undefined;
  };
  await waitUntil('a master leads', leads, LIMIT_MS);
  return leader as Master;
}

/**
 * Waits until all of `among` have applied the same entries. @returns their digests at that entry, which are to be the same.
 * Nothing may be changing the state.
 */
export async function digestsOf(among: readonly Asked[]): Promise<readonly string[]> {
  let digests: readonly { sn: number; digest: string }[] = [];
  const standTogether = async () => {
    const told = await Promise.all(among.map((master) => digestOf(master).catch(() => undefined)));
    digests = told.flatMap((one) => (one === undefined ? [] : [one]));
    return digests.length === among.length && new Set(digests.map(({ sn }) => sn)).size === 1;
  };
  await waitUntil(`${among.length} masters stand at the same entry`, standTogether, LIMIT_MS);
  return digests.map(({ sn, digest }) => `${sn} ${digest}`);
}
