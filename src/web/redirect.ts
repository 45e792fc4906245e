/**
 * Sends who asks a standby for the namespace to the leader that serves: 302 for what reads, 307 for what changes something, with path and query as
 * they came, byte for byte; 503 with `Retry-After` while nobody serves.
 *
 * A route is this master's own, answered by every instance about itself, only if it stands in the list here, by its exact pattern. All others are
 * the leader's. Where the leader is, it says itself: nothing of the request decides it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { originForm } from './request-target.js';
import type { WebApp, WebContext } from './web-app.js';

const RETRY_AFTER_S = 1;

/** Patterns of routes, as they are registered. */
const OWN_ROUTES: ReadonlySet<string> = new Set([
  '/api/atlas/admin/status',
  '/api/v1/master/status',
  '/api/v1/openapi.json',
  '/health/leader',
  '/health/ready',
  '/health/live',
  '/metrics',
  '/metrics/prometheus',
  '/metrics/prometheus/',
  '/metrics/json',
  '/metrics/json/',
  '/monitor/replication',
  '/api/v1/log/level',
  // Its clients go by its own exceptions instead.
  '/webhdfs/v1',
  '/webhdfs/v1/*',
]);

export function redirectToLeader(app: WebApp, context: WebContext): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (context.master?.leadership || isOwn(request) || request.is404 || mayBeStale(request)) done();
    else sendToLeader(context, request, reply).catch(done);
  });
}

export function isOwn({ routeOptions: { url } }: FastifyRequest): boolean {
  return url !== undefined && OWN_ROUTES.has(url);
}

/** Answers with where the leader is, or that there is none. */
export async function sendToLeader({ master }: WebContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const place = (await master?.leaderPlace.find()) ?? null;
  reply.header('cache-control', 'no-store');
  if (place === null) {
    const error = { code: 'unavailable', message: 'no master serves as leader now; nothing was done' };
    return reply.code(503).header('retry-after', RETRY_AFTER_S).send({ error });
  }
  const location = `http://${place.webAddress}${originForm(request.raw.url ?? '')}`;
  return (
    reply
      .code(isRead(request) ? 302 : 307)
      .header('location', location)
      // Of no route: schemas say nothing of it.
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({ leader: place.webAddress })
  );
}

/** A read that any master may answer, from what it has. */
function mayBeStale(request: FastifyRequest): boolean {
  return isRead(request) && (request.query as Record<string, unknown>).stale === 'true';
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}
