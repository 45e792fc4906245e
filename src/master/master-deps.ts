/** What a whole master is given: the seams through which it meets the world. */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Election } from '../election/election.js';
import type { Journal } from '../journal/journal.js';
import type { KvStores } from '../kv/kv-store.js';
import type { Network } from '../rpc/network.js';
import type { UnderStores } from '../underfs/under-stores.js';
import type { GroupMapping } from './group-mapping.js';
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
  /** What operators are told besides what a master knows itself. */
  readonly surroundings?: Surroundings;
}
