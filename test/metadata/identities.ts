/** Who asks, in tests of plans and queries. */
import type { Identity } from '../../src/metadata/access.js';
import type { NamespaceSettings, PlanContext, QueryContext, ReadContext } from '../../src/metadata/plan.js';

/** The superuser. */
export const ADA: Identity = { user: 'ada', group: 'staff', groups: new Set(['staff']), isSuperuser: true };

export const NAMESPACE_SETTINGS: NamespaceSettings = { blockBytesDefault: 1024, trashIntervalMs: 0 };

export const asAda: QueryContext = { identity: ADA, settings: NAMESPACE_SETTINGS };

/** A plan's context at this time, and a query's. */
export function planContext(timeMs: number, identity: Identity = ADA, clientId = 0): PlanContext & ReadContext {
  return { timeMs, clientId, identity, settings: NAMESPACE_SETTINGS, noteRead() {} };
}
