/**
 * What stands in ZooKeeper, as Curator's LeaderSelector and Alluxio's masters lay it out:
 *
 *     <election path>/_c_<uuid>-lock-<10 digits>   ephemeral, sequential; data: `host:port`, and in a second line the cluster id. The lowest
 *                                                  leads; the list is that of all masters, which are of one cluster.
 *     <leader path>/<host:port>                    ephemeral; data: JSON {"rpcAddress", "webAddress", "epoch", "clusterId"}
 *
 * The uuid is the candidate's own: it finds its node again when the answer to a create was lost.
 */
import { isError } from '../base/errors.js';
import { epoch } from '../base/ids.js';
import type { LeaderRecord } from './election.js';
import type { ZooKeeperSession } from './zookeeper-session.js';

export interface ZooKeeperPaths {
  /** Default `/understudy/election`. */
  readonly electionPath: string;
  /** Default `/understudy/leader`. */
  readonly leaderPath: string;
}

export interface ElectionNode {
  readonly name: string;
  readonly uuid: string;
  readonly sequence: number;
}

export const electionPrefix = (uuid: string): string => `_c_${uuid}-lock-`;

/** @returns the election nodes among `names`, first in the queue first. */
export function electionNodes(names: readonly string[]): readonly ElectionNode[] {
  const nodes: ElectionNode[] = [];
  for (const name of names) {
    const match = /^_c_([0-9a-f-]{36})-lock-(\d{10})$/.exec(name);
    if (match?.[1] !== undefined) nodes.push({ name, uuid: match[1], sequence: Number(match[2]) });
  }
  return nodes.sort((a, b) => a.sequence - b.sequence);
}

/** @returns a random uuid of version 4. */
export function uuidFrom(bytes: Uint8Array): string {
  const copy = Buffer.from(bytes.subarray(0, 16));
  copy[6] = ((copy[6] ?? 0) & 0x0f) | 0x40;
  copy[8] = ((copy[8] ?? 0) & 0x3f) | 0x80;
  return copy.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** @returns the names below `path`; none where it does not exist. */
export async function childrenIfAny(session: ZooKeeperSession, path: string): Promise<readonly string[]> {
  try {
    return await session.children(path);
  } catch (error) {
    if (isError(error, 'not_found')) return [];
    throw error;
  }
}

/** What stands in an election node. */
export interface Candidate {
  readonly rpcAddress: string;
  /** Empty: not told. */
  readonly clusterId: string;
}

export const encodeCandidate = ({ rpcAddress, clusterId }: Candidate): string => `${rpcAddress}\n${clusterId}`;

export function decodeCandidate(data: Buffer): Candidate {
  const [rpcAddress = '', clusterId = ''] = data.toString('utf8').split('\n');
  return { rpcAddress, clusterId };
}

export const encodeLeader = ({ rpcAddress, webAddress, epoch: number }: LeaderRecord, clusterId: string): string =>
  JSON.stringify({ rpcAddress, webAddress, epoch: number, clusterId });

/** @returns undefined for what is none of ours: others may keep nodes under the same path. */
export function decodeLeader(data: Buffer): LeaderRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
  const { rpcAddress, webAddress, epoch: number } = Object(value) as Record<string, unknown>;
  if (typeof rpcAddress !== 'string' || typeof webAddress !== 'string') return undefined;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) return undefined;
  return { rpcAddress, webAddress, epoch: epoch(number) };
}
