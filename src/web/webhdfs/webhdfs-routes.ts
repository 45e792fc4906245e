/**
 * WebHDFS, Hadoop's REST of a file system, as version 3 has it: `/webhdfs/v1/<path>?op=<OPERATION>&user.name=<USER>`.
 *
 * Every instance answers for itself, and a standby never redirects: it says StandbyException while a leader serves, so that a client that was
 * given several addresses goes on to the next, and RetriableException while none does. Who asks is who says so, in `user.name`; nobody may
 * ask in somebody else's name (`doas`). Bodies are not read.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isError } from '../../base/errors.js';
import type { LocalCallOptions } from '../../master/local-calls.js';
import { statusOf } from '../errors.js';
import { originForm } from '../request-target.js';
import { callOptions, type WebApp, type WebContext } from '../web-app.js';
import { aclOperations } from './acl-operations.js';
import { attributeOperations } from './attribute-operations.js';
import { contentOperations } from './content-operations.js';
import { dataRedirects } from './data-redirects.js';
import { listOperations } from './list-operations.js';
import { badParameter, Parameters } from './parameters.js';
import { RemoteException, remoteExceptionOf } from './remote-exception.js';
import { checkedPath, PREFIX, parseRequestTarget } from './request-target.js';
import { serverOperations } from './server-operations.js';
import { treeOperations } from './tree-operations.js';
import { usageOperations } from './usage-operations.js';
import { type HttpMethod, type OperationsByMethod, type WebHdfsAnswer, type WebHdfsOperation, WebHdfsRedirect } from './web-hdfs-call.js';
import { xattrOperations } from './xattr-operations.js';

const TABLES: readonly OperationsByMethod[] = [
  treeOperations,
  listOperations,
  attributeOperations,
  usageOperations,
  aclOperations,
  xattrOperations,
  contentOperations,
  dataRedirects,
  serverOperations,
];
const METHODS: readonly HttpMethod[] = ['GET', 'PUT', 'POST', 'DELETE'];
const OPERATIONS: ReadonlyMap<string, ReadonlyMap<string, WebHdfsOperation>> = new Map(
  METHODS.map((method) => [method as string, new Map(TABLES.flatMap((table) => Object.entries(table[method] ?? {})))]),
);

/** As Hadoop has it unless it is told otherwise. */
const USER_NAME = /^[A-Za-z_][A-Za-z0-9._-]*[$]?$/;

export function webHdfsRoutes(app: WebApp, context: WebContext): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));
    scope.setErrorHandler(async (error, request, reply) => {
      return answerWebHdfsError(await toldApart(error, request, context.master), request, reply, context);
    });
    for (const url of [PREFIX, `${PREFIX}/*`]) {
      scope.route({ url, method: [...METHODS], schema: { hide: true }, handler: (request, reply) => answer(request, reply, context) });
    }
  });
}

async function answer(request: FastifyRequest, reply: FastifyReply, context: WebContext): Promise<FastifyReply> {
  const told = await run(request, callOptions(reply), context);
  reply.header('cache-control', 'no-cache');
  if (told instanceof WebHdfsRedirect) return tellPlace(told, request, reply);
  if (told === undefined) return reply.type('application/octet-stream').send('');
  return reply.type('application/json; charset=utf-8').send(told);
}

function tellPlace({ location }: WebHdfsRedirect, { raw }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const parameters = new Parameters(parseRequestTarget(originForm(raw.url ?? '')).parameters);
  if (parameters.boolean('noredirect', false))
    return reply.type('application/json; charset=utf-8').send(JSON.stringify({ Location: location }));
  return reply.code(307).header('location', location).type('application/octet-stream').send('');
}

async function run(request: FastifyRequest, options: LocalCallOptions, { master }: WebContext): Promise<WebHdfsAnswer> {
  const target = originForm(request.raw.url ?? '');
  const asked = parseRequestTarget(target);
  const parameters = new Parameters(asked.parameters);
  const [op, operation] = operationIn(OPERATIONS, request.method, parameters);
  const user = userOf(parameters);
  const path = checkedPath(asked.path);
  if (!master?.leadership) throw await notServing(master);
  const { calls, namespaceSettings: settings } = master;
  return operation({ op, path, target, user, parameters, calls, options, settings });
}

/** @returns what of `error` only the master's state tells. */
async function toldApart(error: unknown, { method }: FastifyRequest, master: WebContext['master']): Promise<unknown> {
  if (isError(error, 'not_leader')) return await notServing(master);
  const takesNoChanges = method !== 'GET' && method !== 'HEAD' && master?.leadership?.canWrite === false;
  return takesNoChanges && isError(error, 'unavailable') ? new RemoteException('SafeModeException', error.message, error) : error;
}

/** @returns whether another master is to be asked, or the same one again: nothing was done. */
async function notServing(master: WebContext['master']): Promise<RemoteException> {
  const leader = await master?.leaderPlace.find();
  if (leader) return new RemoteException('StandbyException', `this master does not lead, another does: leader=${leader.webAddress}`);
  return new RemoteException('RetriableException', 'no master serves as leader now');
}

/** @throws RemoteException: there is no such operation under this method. */
export function operationIn<Operation>(
  operations: ReadonlyMap<string, ReadonlyMap<string, Operation>>,
  method: string,
  parameters: Parameters,
): [op: string, operation: Operation] {
  const op = parameters.text('op')?.toUpperCase();
  if (op === undefined) throw new RemoteException('UnsupportedOperationException', 'op=NULL is not supported');
  const http = method === 'HEAD' ? 'GET' : method;
  const operation = operations.get(http)?.get(op);
  if (operation === undefined) throw badParameter('op', `${op} is not a valid ${http} operation.`);
  return [op, operation];
}

/** @throws RemoteException: no name, or somebody else's. */
export function userOf(parameters: Parameters): string {
  const user = parameters.text('user.name') ?? '';
  if (user !== '' && !USER_NAME.test(user)) {
    throw badParameter('user.name', `Invalid value: ${JSON.stringify(user)} does not belong to the domain ${USER_NAME.source}`);
  }
  const other = parameters.text('doas');
  if (other !== undefined && other !== user) {
    throw new RemoteException('AuthorizationException', `User: ${user} is not allowed to impersonate ${other}`);
  }
  return user;
}

const IS_TARGET = new RegExp(`^${PREFIX}(?![^/?#])`);

/** Whether the request is one of WebHDFS, by its target alone. */
export function isWebHdfs({ raw }: Pick<FastifyRequest, 'raw'>): boolean {
  return IS_TARGET.test(originForm(raw.url ?? ''));
}

/** Also of requests that no route has seen, badly escaped ones. */
export function answerWebHdfsError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { log }: Pick<WebContext, 'log'>,
): FastifyReply {
  const told = toldOf(error);
  if (told.exception === 'RuntimeException') log.error({ error, method: request.method, path: request.url }, 'a request met a defect');
  return reply.code(told.status).type('application/json; charset=utf-8').send(told.body);
}

function toldOf(error: unknown): RemoteException {
  if (error instanceof RemoteException) return error;
  if (isError(error) && error.code !== 'internal') return remoteExceptionOf(error);
  const isOfHttp = error instanceof Error && !isError(error) && (statusOf(error as never) ?? 500) < 500;
  if (isOfHttp) return new RemoteException('IllegalArgumentException', error.message);
  return new RemoteException('RuntimeException', 'a defect in this master; its log has more');
}
