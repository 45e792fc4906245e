/** What a whole master is given: the seams through which it meets the world. */

import type { AuditLog } from '../base/audit-log.js';
import type { Clock } from '../base/clock.js';
import type { LevelledLog, Log } from '../base/log.js';
import type { Metrics, ShownMetrics } from '../base/metrics.js';
import type { Election } from '../election/election.js';
import type { Journal } from '../journal/journal.js';
import type { KvStores } from '../kv/kv-store.js';
import type { Network } from '../rpc/network.js';
import type { UnderStores } from '../underfs/under-stores.js';
import type { GroupMapping } from './group-mapping.js';
import type { LiveSettings } from './live-settings.js';
import type { Surroundings } from './surroundings.js';

export interface MasterDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
  readonly journal: Journal;
  readonly election: Election;
  readonly stores: KvStores;
  /** Stay the caller's to close. */
  readonly underStores: UnderStores;
  readonly groups: GroupMapping;
  /** Told what stands in the journal; without it the settings stay as they are. */
  readonly live?: Pick<LiveSettings, 'take'>;
  /** Undefined: nothing is measured. */
  readonly metrics?: Metrics & ShownMetrics;
  /** Undefined: changes are not told. */
  readonly audit?: AuditLog | undefined;
  /** Whose level operators may change. */
  readonly logLevel?: LevelledLog;
  /** What operators are told besides what a master knows itself. */
  readonly surroundings?: Surroundings;
}
