/**
 * Who asks, as plans and queries know it.
 */
import type { Identity } from '../metadata/access.js';

/** @param group the primary one, as the client says. */
export function identityOf(user: string, group: string): Identity {
  return { user: user || 'nobody', group: group || 'nogroup', groups: new Set([group || 'nogroup']), isSuperuser: true };
}

/** In whose name the master itself acts. */
export const MASTER_IDENTITY: Identity = { user: '', group: '', groups: new Set(), isSuperuser: true };
