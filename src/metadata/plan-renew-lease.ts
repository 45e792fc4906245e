import type { Planned } from './plan.js';

/** Says that the client goes on with all that it is writing: like every entry of its calls it keeps its session, and so its leases. */
export function planRenewLease(): Planned {
  return { entry: { renewLease: {} } };
}
