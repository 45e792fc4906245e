/**
 * Errors as HTTP tells them: a status code that scripts and load balancers go by, and a body `{error: {code, message}}` with the code that RPC
 * clients get. A defect is told as such, without its insides, and logged with them.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, isError, type UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { outwardMessage } from './outward-message.js';
import { isOwn, sendToLeader } from './redirect.js';
import type { WebApp, WebContext } from './web-app.js';

/** What differs from 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  out_of_range: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 409,
  aborted: 409,
  resource_exhausted: 429,
  cancelled: 499,
  unimplemented: 501,
  unavailable: 503,
  not_leader: 503,
  fenced: 503,
  // A change may have been made: whoever sends it again by the status alone, as after a 503, would make it twice.
  outcome_unknown: 504,
  deadline_exceeded: 504,
};

const RETRY_AFTER_S = 1;

export function answerErrors(app: WebApp, context: WebContext): void {
  app.setErrorHandler((thrown: FastifyError | UnderstudyError, request, reply) => {
    if (isError(thrown, 'not_leader') && !isOwn(request)) return sendToLeader(context, request, reply);
    return answerError(thrown, request, reply, context.log);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: { code: 'not_found', message: `there is nothing at this address: method=${request.method}` } }),
  );
}

/** Also of requests that no route has seen, badly escaped ones. */
export function answerError(thrown: FastifyError | UnderstudyError, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const error = told(thrown);
  const status = error === null ? 500 : (statusOf(thrown) ?? 500);
  if (status === 503) reply.header('retry-after', RETRY_AFTER_S);
  if (error === null) log.error({ error: thrown, method: request.method, path: request.url }, 'a request met a defect');
  const { code, message, errno, path } = error ?? DEFECT;
  // A route may have another schema for this status, of what it tells itself.
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({ error: { code, message: outwardMessage(message), ...(errno && { errno }), ...(path && { path }) } });
}

export function statusOf(error: FastifyError | UnderstudyError): number | undefined {
  return isError(error) ? STATUS[error.code] : error.statusCode;
}

type Told = Pick<UnderstudyError, 'code' | 'message' | 'errno' | 'path'>;

const DEFECT: Told = { code: 'internal', message: 'a defect here; the log has more', errno: undefined, path: undefined };

/** @returns null of a defect, whose message is nobody's business. */
function told(error: FastifyError | UnderstudyError): Told | null {
  if (isError(error)) return error.code === 'internal' ? null : error;
  const { statusCode = 500, message } = error;
  if (statusCode >= 500) return null;
  return { code: 'invalid_argument', message, errno: undefined, path: undefined };
}
