/** The methods by which the lead moves on purpose. */
import { encodeMessage } from '../base/encode-message.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { CallHandler } from '../rpc/rpc.js';
import type { HandOver } from './hand-over.js';
import type { LeadTaker } from './take-lead.js';

/** @returns the handlers by method number. */
export function transferMethods(handOver: HandOver, taker: LeadTaker): ReadonlyMap<number, CallHandler> {
  const { transferLeader, takeLead } = operations;
  return new Map<number, CallHandler>([
    [
      transferLeader.method,
      async (call) => {
        const { to } = decodeRequest(transferLeader.request, call.body);
        const { pauseMs, ...told } = await handOver.run(to);
        call.reply(encodeMessage(transferLeader.response, { ...told, pauseUs: Math.round(pauseMs * 1_000) }));
      },
    ],
    [
      takeLead.method,
      async (call) => {
        const request = decodeRequest(takeLead.request, call.body);
        call.reply(encodeMessage(takeLead.response, await taker.take(request, call.signal)));
      },
    ],
  ]);
}
