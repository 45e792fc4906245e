/** What a user of a master may tune: the settings of all its parts, and what a whole master has besides. */
import type { RpcServerSettings } from '../rpc/rpc-server.js';
import type { CheckpointerSettings } from './checkpointer.js';
import type { ClaimantSettings } from './claimant.js';
import type { ClockWatchSettings } from './clock-watch.js';
import type { SessionSettings } from './control-service.js';
import type { EarlyElectionSettings } from './early-election.js';
import type { FollowerSettings } from './follower.js';
import type { HousekeepingSettings } from './housekeeping.js';
import type { IdentitySettings } from './identities.js';
import type { LeadershipSettings } from './leadership.js';
import type { ReplicaSettings } from './replica.js';
import type { StandbyStreamsSettings } from './standby-streams.js';
import type { BalanceSettings } from './workers/balance-blocks.js';
import type { WorkerRosterSettings } from './workers/worker-roster.js';

export interface MasterSettings
  extends ReplicaSettings,
    Omit<LeadershipSettings, 'batchBytesMax'>,
    HousekeepingSettings,
    IdentitySettings,
    ClaimantSettings,
    FollowerSettings,
    StandbyStreamsSettings,
    EarlyElectionSettings,
    ClockWatchSettings,
    SessionSettings,
    CheckpointerSettings,
    BalanceSettings,
    WorkerRosterSettings,
    RpcServerSettings {
  /** `host:port` under which clients and other masters reach this one; port 0 stands for the port that was bound. */
  readonly rpcAddress: string;
  readonly webAddress: string;
  readonly version: string;
  /** `host:port` of masters of the cluster, itself perhaps among them: one of them may be handed the lead. */
  readonly peers: readonly string[];
  /** It replays and answers reads, and never leads. */
  readonly isObserver: boolean;
  /** Only an operator says who leads: nobody takes over by itself, nor hands the lead over when it stops. */
  readonly isManual: boolean;
}
