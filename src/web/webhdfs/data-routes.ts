/**
 * WebHDFS on the web port of a worker: the operations that move bytes, to which masters send their clients (data-redirects.ts). Paths, parameters
 * and exceptions are as on masters.
 *
 * A body is written as it comes, in bounded memory; one that breaks off leaves no file, and of one that was appended to nothing new.
 * `replication` means nothing here: a file has the copies that the namespace asks for.
 */
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../base/log.js';
import type { FileWriter } from '../../client/data/file-writer.js';
import { hadoopChecksum } from '../../client/data/hadoop-checksum.js';
import type { FileSystem } from '../../client/file-system.js';
import { originForm } from '../request-target.js';
import type { WebApp } from '../web-app.js';
import { Parameters } from './parameters.js';
import { RemoteException } from './remote-exception.js';
import { checkedPath, PREFIX, parseRequestTarget } from './request-target.js';
import { answerWebHdfsError, operationIn, userOf } from './webhdfs-routes.js';

export interface WebHdfsDataDeps {
  readonly log: Log;
  /** @param user empty: nobody. */
  borrow(user: string): Promise<BorrowedFiles>;
}

/** The file system in somebody's name. */
export interface BorrowedFiles {
  readonly files: FileSystem;
  /** It is not used any more. Idempotent. */
  giveBack(): void;
}

interface DataCall {
  readonly path: string;
  readonly parameters: Parameters;
  readonly files: FileSystem;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

type DataOperation = (call: DataCall) => Promise<FastifyReply>;

const OPERATIONS: ReadonlyMap<string, ReadonlyMap<string, DataOperation>> = new Map([
  [
    'GET',
    new Map<string, DataOperation>([
      ['OPEN', open],
      ['GETFILECHECKSUM', checksum],
    ]),
  ],
  ['PUT', new Map<string, DataOperation>([['CREATE', create]])],
  ['POST', new Map<string, DataOperation>([['APPEND', append]])],
]);

export function webHdfsDataRoutes(app: WebApp, deps: WebHdfsDataDeps): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    scope.setErrorHandler(async (error, request, reply) => answerWebHdfsError(error, request, reply, deps));
    const handler = (request: FastifyRequest, reply: FastifyReply) => run(request, reply, deps);
    for (const url of [PREFIX, `${PREFIX}/*`]) scope.route({ url, method: ['GET', 'PUT', 'POST'], schema: { hide: true }, handler });
  });
}

async function run(request: FastifyRequest, reply: FastifyReply, { borrow }: WebHdfsDataDeps): Promise<FastifyReply> {
  const asked = parseRequestTarget(originForm(request.raw.url ?? ''));
  const parameters = new Parameters(asked.parameters);
  const [, operation] = operationIn(OPERATIONS, request.method, parameters);
  const path = checkedPath(asked.path);
  const { files, giveBack } = await borrow(userOf(parameters));
  if (reply.raw.destroyed) giveBack();
  else reply.raw.once('close', giveBack);
  return await operation({ path, parameters, files, request, reply });
}

async function open({ path, parameters, files, reply }: DataCall): Promise<FastifyReply> {
  const start = parameters.number('offset') ?? 0;
  const most = parameters.number('length') ?? Number.POSITIVE_INFINITY;
  const file = await files.open(path);
  const { length } = file;
  if (start > length) throw new RemoteException('IOException', `Offset=${start} out of the range [0, ${length}); OPEN, path=${path}`);
  const end = Math.min(length, start + most);
  const bytes = file.readable({ start, end });
  bytes.once('close', () => void file.close());
  return reply
    .type('application/octet-stream')
    .header('content-length', end - start)
    .send(bytes);
}

async function checksum({ path, files, reply }: DataCall): Promise<FastifyReply> {
  await using file = await files.open(path);
  const told = await hadoopChecksum(file.lentChunks(), file.status.blockBytes);
  return reply.type('application/json; charset=utf-8').send(JSON.stringify({ FileChecksum: told }));
}

async function create({ path, parameters, files, request, reply }: DataCall): Promise<FastifyReply> {
  const mode = parameters.mode('permission');
  const blockBytes = parameters.number('blocksize', { min: 1n });
  const writer = await files.create(path, {
    overwrite: parameters.boolean('overwrite', false),
    recursive: parameters.boolean('createparent', true),
    ...(mode === undefined ? {} : { mode }),
    ...(blockBytes === undefined ? {} : { blockBytes }),
  });
  await write(writer, request);
  return reply
    .code(201)
    .header('location', `webhdfs://${request.host}${encodeURI(path)}`)
    .send('');
}

async function append({ path, files, request, reply }: DataCall): Promise<FastifyReply> {
  await write(await files.append(path), request);
  return reply.type('application/octet-stream').send('');
}

async function write(writer: FileWriter, { body }: FastifyRequest): Promise<void> {
  try {
    for await (const chunk of (body ?? []) as Readable) await writer.write(chunk as Uint8Array);
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
