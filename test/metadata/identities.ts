/** Who asks, in tests of plans and queries. */
import type { Identity } from '../../src/metadata/access.js';
import type { NamespaceSettings, PlanContext, ReadContext } from '../../src/metadata/plan.js';

/** The superuser. */
export const ADA: Identity = { user: 'ada', group: 'staff', groups: new Set(['staff']), isSuperuser: true };

export const NAMESPACE_SETTINGS: NamespaceSettings = { blockBytesDefault: 1024, trashIntervalMs: 0 };

/** No worker and no leader has told anything. */
export const asAda: ReadContext = {
  identity: ADA,
  settings: NAMESPACE_SETTINGS,
  noteRead() {},
  copies: { copiesOf: () => undefined, isComplete: false, settledMs: 0, blocksAtOnce: 10_000, turn: async () => {} },
  troubles: { ofFile: () => '', ofMount: () => '' },
};

/** A plan's context at this time, and a query's. */
export function planContext(timeMs: number, identity: Identity = ADA, clientId = 0): PlanContext & ReadContext {
  return { ...asAda, timeMs, clientId, identity };
}
