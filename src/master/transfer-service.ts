/** The methods by which the lead moves on purpose. From operators they take it of a superuser; a leader that hands over names itself. */
import { encodeMessage } from '../base/encode-message.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { CallHandler } from '../rpc/rpc.js';
import type { HandOver } from './hand-over.js';
import type { Identities } from './identities.js';
import { checkOperator } from './operators.js';
import type { LeadTaker } from './take-lead.js';

interface Parts {
  readonly handOver: HandOver;
  readonly taker: LeadTaker;
  readonly identities: Identities;
}

/** @returns the handlers by method number. */
export function transferMethods({ handOver, taker, identities }: Parts): ReadonlyMap<number, CallHandler> {
  const { transferLeader, takeLead } = operations;
  return new Map<number, CallHandler>([
    [
      transferLeader.method,
      async (call) => {
        const { to, user } = decodeRequest(transferLeader.request, call.body);
        await checkOperator(identities, user, 'hand the lead over');
        const { pauseMs, ...told } = await handOver.run(to);
        call.reply(encodeMessage(transferLeader.response, { ...told, pauseUs: Math.round(pauseMs * 1_000) }));
      },
    ],
    [
      takeLead.method,
      async (call) => {
        const request = decodeRequest(takeLead.request, call.body);
        if (request.from === '') await checkOperator(identities, request.user, 'make a master lead');
        call.reply(encodeMessage(takeLead.response, await taker.take(request, call.signal)));
      },
    ],
  ]);
}
