/** Calls that are an operator's alone and concern masters, not the namespace: whoever makes them has to be a superuser. */
import { checkSuperuser } from '../metadata/access.js';
import { checkPrincipal } from '../metadata/plan.js';
import type { Identities } from './identities.js';

/** @param user as the call says; who says no name is nobody. @throws EPERM; `unavailable`: the user's groups cannot be told now. */
export async function checkOperator(identities: Identities, user: string, what: string): Promise<void> {
  const named = checkPrincipal(user || 'nobody', 'user');
  checkSuperuser(identities.known(named) ?? (await identities.identify(named)), what, '');
}
