/**
 * Who asks, as plans and queries know it.
 */
import type { Identity } from '../metadata/plan.js';

/** @param group the primary one, as the client says. */
export function identityOf(user: string, group: string): Identity {
  return { user: user || 'nobody', groups: [group || 'nogroup'], isSuperuser: true };
}

/** In whose name the master itself acts. */
export const MASTER_IDENTITY: Identity = { user: '', groups: [], isSuperuser: true };
