/**
 * Makes a standby lead by an operator's will, where nobody does or where the leader does not answer: its claim fences whoever led before.
 */
import { asError, UnderstudyError } from '../base/errors.js';
import { operations } from '../metadata/operations.js';
import type { Client, ClientCallOptions } from './client.js';
import { type MasterInfo, masterInfos, UNREACHABLE } from './master-info.js';

export interface PromoteOptions extends ClientCallOptions {
  /** `host:port` of the master that is to lead; without it the standby that is nearest to the end. */
  readonly to?: string;
  /** Even where a leader serves: it is fenced, and calls under way may fail. */
  readonly force?: boolean;
  /** Told which standby it is to be, and how it is, before anything is done. */
  readonly chosen?: (standby: MasterInfo) => Promise<void>;
}

export interface Promoted {
  /** `host:port` of the master that led, as far as was seen, whether it answered or not; empty where nobody did. */
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
}

const TIMEOUT_MS = 20_000;

/**
 * Resolves when the new leader serves.
 *
 * @throws `failed_precondition`: a leader serves, or that master cannot lead. @throws `unavailable`: it cannot lead now, or there is no standby.
 * @throws `permission_denied`: the client's user is no superuser. @throws `deadline_exceeded`, `cancelled`: it may have happened.
 */
export async function promoteLeader(client: Client, { to, force = false, chosen, ...given }: PromoteOptions = {}): Promise<Promoted> {
  const options = { timeoutMs: TIMEOUT_MS, ...given };
  const known = masterInfos(await client.masters(given));
  const infos = to === undefined || known.some(({ address }) => address === to) ? known : await withMaster(client, to, known, given);
  const leader = infos.find(({ state, address }) => state === 'ACTIVE' && address !== to);
  if (leader !== undefined && !force) {
    const message = 'a leader serves: have it hand over (leader transfer), or force it out';
    throw new UnderstudyError('failed_precondition', `${message}: leader=${leader.address} epoch=${leader.epoch}`);
  }
  const standby = to === undefined ? nearest(infos) : infos.find(({ address }) => address === to);
  if (standby !== undefined) await chosen?.(standby);
  const address = to ?? standby?.address;
  if (address === undefined) throw new UnderstudyError('unavailable', 'no standby answers that could lead');
  const request = { user: client.settings.user, force };
  const { epoch, rpcAddress } = await client.ask(address, operations.takeLead, request, options);
  return { from: leader?.address ?? '', to: rpcAddress, epoch };
}

/** One that is known to nobody but the operator. */
async function withMaster(client: Client, address: string, known: readonly MasterInfo[], given: ClientCallOptions) {
  const asked = await client.ask(address, operations.masterStatus, {}, given).then(
    (status) => ({ address, status }),
    (error: unknown) => ({ address, error: asError(error) }),
  );
  const end = Math.max(0, ...known.map(({ appliedSn, lag }) => appliedSn + lag));
  return [...known, ...masterInfos([asked]).map((info) => ({ ...info, lag: Math.max(info.lag, end - info.appliedSn) }))];
}

/** @returns the standby that has most; of those, one that may lead at once. */
function nearest(infos: readonly MasterInfo[]): MasterInfo | undefined {
  const standbys = infos.filter(({ state, observer }) => state !== 'ACTIVE' && state !== UNREACHABLE && !observer);
  return standbys.sort((a, b) => b.appliedSn - a.appliedSn || Number(b.verified) - Number(a.verified))[0];
}
