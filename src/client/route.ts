/** Which master a call goes to: the leader (`leader-link.ts`), or any one that is near enough (`master-pool.ts`). */
import type { UnderstudyError } from '../base/errors.js';
import type { CallBudget } from './call-budget.js';
import type { MasterConnection } from './connections.js';

export interface Route {
  /** How long one attempt may take, where that is less than usual. */
  readonly attemptMsMax?: number;
  /** Where calls go now, if that is known. */
  readonly current: MasterConnection | undefined;
  /** Resolves with where calls go, once that is known. @throws `unavailable`; as `budget` says. */
  find(budget: CallBudget): Promise<MasterConnection>;
  /** A call begins; `end` follows. */
  begin(): void;
  end(): void;
  /** The master answered, be it with an error of the call's own. */
  answered(): void;
  /** The master did not do its part: the route may lead elsewhere from now on. */
  failed(connection: MasterConnection, failure: UnderstudyError): void;
}
