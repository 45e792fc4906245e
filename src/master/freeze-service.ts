/** The methods by which the namespace is made read only for maintenance, and is no longer: of superusers. */
import type { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import type { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Freeze } from '../metadata/freeze.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import { planFreeze, planUnfreeze } from '../metadata/plan-freeze.js';
import type { CallHandler } from '../rpc/rpc.js';
import type { Identities } from './identities.js';
import type { Leadership } from './leadership.js';
import { checkOperator } from './operators.js';

interface Freezable {
  readonly identities: Identities;
  /** Null unless this master leads. */
  readonly leadership: Leadership | null;
  notLeader(): UnderstudyError;
}

/** @returns the handlers by method number. Either may be asked for again: what is so already stays as it is. */
export function freezeMethods(master: Freezable, { log }: { readonly log: Log }): ReadonlyMap<number, CallHandler> {
  const { freeze, unfreeze } = operations;
  const leadership = (): Leadership => {
    if (master.leadership === null) throw master.notLeader();
    return master.leadership;
  };
  return new Map<number, CallHandler>([
    [
      freeze.method,
      async (call) => {
        const { user, reason } = decodeRequest(freeze.request, call.body);
        await checkOperator(master.identities, user, 'freeze the namespace');
        let holds: Freeze | understudy.Freeze.$Properties | null = null;
        let isNew = false;
        await leadership().append((state, { timeMs }) => {
          const entry = planFreeze({ user, reason }, state, timeMs);
          holds = entry?.freeze?.freeze ?? state.frozenBy();
          isNew = entry !== null;
          return entry;
        });
        if (isNew) log.warn({ user, reason }, 'the namespace is frozen: changes are refused until it is unfrozen');
        call.reply(encodeMessage(freeze.response, { freeze: holds }));
      },
    ],
    [
      unfreeze.method,
      async (call) => {
        const { user } = decodeRequest(unfreeze.request, call.body);
        await checkOperator(master.identities, user, 'unfreeze the namespace');
        let was: Freeze | null = null;
        await leadership().append((state) => {
          was = state.frozenBy();
          return planUnfreeze(state);
        });
        if (was !== null) log.info({ user }, 'the namespace is no longer frozen');
        call.reply(encodeMessage(unfreeze.response, { freeze: was }));
      },
    ],
  ]);
}
