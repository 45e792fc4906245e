/**
 * Health by status code, for load balancers and supervisors, who need not read what comes: 200 or 503.
 *
 * - `leader`: it serves as leader, which the journal has confirmed. A leader whose journal takes no changes is one: reads go on, and changes
 *   are told what is wrong.
 * - `ready`: that, or a standby that is not too far behind to answer reads and to take over.
 * - `live`: the process answers.
 */

import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { UnderstudyError } from '../base/errors.js';
import { outwardMessage } from './outward-message.js';
import { whyNotServing } from './own-status.js';
import type { WebApp, WebContext } from './web-app.js';

export const Health = Type.Object({
  healthy: Type.Boolean(),
  why: Type.String({ description: 'Why it is not; empty where it is.' }),
});

const schemaOf = (summary: string) => ({ summary, response: { 200: Health, 503: Health } });

export function healthRoutes(app: WebApp, context: WebContext): void {
  app.get('/health/leader', { schema: schemaOf('Whether this master serves as leader') }, async (_, reply) => {
    const refused = await whyNotServing(context);
    return tellHealth(reply, refused === null ? '' : refused.message);
  });

  app.get('/health/ready', { schema: schemaOf('Whether this master serves as leader, or is near enough to it') }, async (_, reply) => {
    const refused = await whyNotServing(context);
    return tellHealth(reply, refused === null ? '' : whyNotReady(context, refused));
  });

  app.get('/health/live', { schema: schemaOf('Whether this process answers') }, async (_, reply) => tellHealth(reply, ''));
}

/** @returns what keeps a standby from being ready; empty: nothing. */
function whyNotReady({ master, readyLagMaxMs }: WebContext, refused: UnderstudyError): string {
  if (master === null || master.leads) return refused.message;
  const { name } = master.role;
  if (name !== 'following' && name !== 'claiming') return `this master is ${name}: ${master.because}`;
  if (master.isCurrent(readyLagMaxMs)) return '';
  const { ms, entries } = master.behind();
  return `this master is behind: ms=${ms} max_ms=${readyLagMaxMs} entries=${entries}`;
}

export async function tellHealth(reply: FastifyReply, why: string): Promise<{ healthy: boolean; why: string }> {
  reply.code(why === '' ? 200 : 503).header('cache-control', 'no-store');
  return { healthy: why === '', why: outwardMessage(why) };
}
