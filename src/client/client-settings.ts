/**
 * What a user of the client may tune. Plain data: clock, network and directory are passed in beside it.
 */
import type { DataSettings } from './data/data-settings.js';

export interface ClientSettings {
  /** `host:port` of masters that are known. Needed where there is no leader directory; beside one, asked when it does not answer. */
  readonly masters: readonly string[];
  /** Who calls: owner of what is made. */
  readonly user: string;
  /** Of what is made, where the masters know no group of the user. */
  readonly group: string;
  /** Permission bits that are taken from the default modes of what is made; a mode that is asked for stays as it is. */
  readonly umask: number;
  /**
   * Who answers reads that do not say: the leader, with the newest; or any master, as long as it has applied all that this client has
   * written and seen (read your writes, never back in time).
   */
  readonly reads: 'leader' | 'anywhere';
  /** Block size of files that are made without naming one; 0: as the masters say. What they say of a path counts before it. */
  readonly blockBytes: number;
  /** Whether what is below a mount point is looked up in mounted storage, where the call itself does not say. */
  readonly loadMetadata: 'ONCE' | 'ALWAYS' | 'NEVER';
  /** It is looked at again where the last look is longer ago; null: not for its age. */
  readonly syncIntervalMs: number | null;
  /** How long a standby may wait until it has applied what a read needs; then another master is asked. */
  readonly standbyWaitMs: number;
  /** How long one call may take, all retries together, where the call itself does not say; of a listing, each time without a page. */
  readonly callTimeoutMs: number;
  /** How long one attempt of a call may take; then it is sent again. */
  readonly attemptTimeoutMs: number;
  /** First pause once the quick retries are over; doubles up to `retryMaxMs`. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** First pause of the quick retries, which double up to `retryBaseMs`: a takeover is usually over within half a second. */
  readonly quickRetryBaseMs: number;
  /** How long trouble is met with quick retries. */
  readonly quickRetryForMs: number;
  readonly connectTimeoutMs: number;
  /** How long one look for the leader may take. */
  readonly lookTimeoutMs: number;
  /** With no answer for this long while calls wait, another look for the leader is taken. */
  readonly suspectAfterMs: number;
  /** How long `close` waits for the master to forget this client. */
  readonly closeTimeoutMs: number;
  readonly connectionsPerMaster: number;
  /** Mutations that may wait for a place in the window; further ones are refused with `resource_exhausted`. */
  readonly waitingCallsMax: number;
  /** While it writes files, the client tells the masters so this often, or more often where their `master.lease.timeout` asks for it. */
  readonly leaseRenewalIntervalMs: number;
  /** Masters a connection is kept to; the one used least recently is closed. */
  readonly mastersMax: number;
  /** What differs from the defaults of reading and writing bytes. */
  readonly data: Partial<DataSettings>;
}

export const DEFAULT_CLIENT_SETTINGS: ClientSettings = {
  masters: [],
  user: '',
  group: '',
  umask: 0o022,
  reads: 'leader',
  blockBytes: 0,
  loadMetadata: 'ONCE',
  syncIntervalMs: null,
  standbyWaitMs: 250,
  callTimeoutMs: 120_000,
  attemptTimeoutMs: 30_000,
  retryBaseMs: 50,
  retryMaxMs: 3_000,
  quickRetryBaseMs: 5,
  quickRetryForMs: 1_000,
  connectTimeoutMs: 1_000,
  lookTimeoutMs: 2_000,
  suspectAfterMs: 1_000,
  closeTimeoutMs: 1_000,
  connectionsPerMaster: 1,
  waitingCallsMax: 65_536,
  leaseRenewalIntervalMs: 200_000,
  mastersMax: 16,
  data: {},
};
