/**
 * The namespace for curl: `/api/v1/files/<path>`, each component percent-encoded. GET tells the status of one or lists a directory, PUT makes one,
 * POST moves it, PATCH changes its attributes, DELETE removes it.
 *
 * A change is made in nobody's session: one that is sent again is another change, which finds what the first one did.
 */
import { type Static, Type } from 'typebox';
import type { understudy } from '#proto/understudy.js';
import { childPath, fileStatus } from '../client/file-status.js';
import type { Attributes } from '../client/file-system-options.js';
import {
  createDirectoryRequest,
  createFileRequest,
  removeRequest,
  renameRequest,
  setAttributesRequest,
} from '../client/mutation-requests.js';
import type { LocalCallOptions, LocalCalls } from '../master/local-calls.js';
import { operations } from '../metadata/operations.js';
import { FileStatus, statusBody } from './file-status-body.js';
import { namespacePath, pathOfBody } from './namespace-path.js';
import { callOptions, callsOf, type WebApp, type WebContext } from './web-app.js';

const ROUTE = '/api/v1/files/*';
const ENTRIES_MAX = 1_000;
const UMASK = 0o022;

const User = { 'user.name': Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Who asks; nobody without it.' })) };
const flag = (description: string) => Type.Optional(Type.Boolean({ description }));
const Mode = Type.String({ pattern: '^[0-7]{1,4}$', description: 'Octal digits.' });

const Asked = Type.Object({
  ...User,
  list: flag('What is in the directory, instead of its own status.'),
  startAfter: Type.Optional(Type.String({ description: 'With `list`: a name; the page begins behind it.' })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: ENTRIES_MAX, default: ENTRIES_MAX, description: 'With `list`: entries of the page.' }),
  ),
  stale: flag('From any master, as far as that has come.'),
});
const Page = Type.Object({
  entries: Type.Array(FileStatus),
  next: Type.Union([Type.String(), Type.Null()], { description: 'Where there is more: `startAfter` of the next page.' }),
});

const Made = Type.Object({
  ...User,
  directory: flag('Makes a directory instead of a file.'),
  recursive: flag('Makes missing parents.'),
  allowExists: flag('Of a directory: one that is there is as good.'),
  overwrite: flag('Of a file: replaces one that is there.'),
  length: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Of a file, which is complete; 0 without it.' }),
  ),
  mode: Type.Optional(Mode),
});

const Moved = Type.Object(
  {
    to: Type.String({ description: 'The new path.' }),
    overwrite: flag('Replaces what is there as rename(2) does.'),
    into: flag('A directory at `to` takes it in, under its own name.'),
  },
  { additionalProperties: false },
);

const Patch = Type.Object(
  {
    owner: Type.Optional(Type.String()),
    group: Type.Optional(Type.String()),
    mode: Type.Optional(Mode),
    modifiedMs: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    accessedMs: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    pinned: Type.Optional(Type.Boolean()),
    ttlMs: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()])),
    ttlAction: Type.Optional(Type.Enum(['DELETE', 'FREE'])),
  },
  { additionalProperties: false, minProperties: 1 },
);

const Removed = Type.Object({ ...User, recursive: flag('With all that is in it.'), skipTrash: flag('For good.') });
const Caller = Type.Object(User);
const Target = Type.Object({ to: Type.String() });

export function filesRoutes(app: WebApp, context: WebContext): void {
  const serializerCompiler = () => JSON.stringify;

  const asked = { summary: 'The status of a file or directory, or what is in a directory', querystring: Asked };
  const schema = { ...asked, response: { 200: Type.Union([FileStatus, Page]) } };
  app.get(ROUTE, { schema, serializerCompiler }, async (request, reply) => {
    const path = namespacePath(ROUTE, request);
    const { list, limit = ENTRIES_MAX, startAfter = '', stale = false } = request.query;
    const reader = { path, user: request.query['user.name'] ?? '', freshness: { stale } };
    if (list === true) return await pageOf(callsOf(context), callOptions(reply), { ...reader, startAfter }, limit);
    const { inode, underUri } = await callsOf(context).call(operations.getStatus, reader, callOptions(reply));
    return statusBody({ ...fileStatus(path, inode ?? {}), underUri });
  });

  const made = { summary: 'Makes a directory, or a file that is complete', querystring: Made, response: { 201: FileStatus } };
  app.put(ROUTE, { schema: made, serializerCompiler }, async (request, reply) => {
    const path = namespacePath(ROUTE, request);
    const { directory, recursive = false, allowExists = false, overwrite = false, length: completeLength = 0, mode } = request.query;
    const options = { recursive, ...modeOf(mode) };
    const caller = callerOf(request.query);
    const calls = callsOf(context);
    const answer =
      directory === true
        ? calls.call(
            operations.createDirectory,
            { ...createDirectoryRequest(path, { ...options, allowExists }, UMASK), caller },
            callOptions(reply),
          )
        : calls.call(
            operations.createFile,
            { ...createFileRequest(path, { ...options, overwrite, completeLength }, { umask: UMASK, blockBytes: 0 }), caller },
            callOptions(reply),
          );
    const { inode } = await answer;
    reply.code(201);
    return statusBody(fileStatus(path, inode ?? {}));
  });

  const moved = { summary: 'Moves a file or directory', querystring: Caller, body: Moved, response: { 200: Target } };
  app.post(ROUTE, { schema: moved }, async (request, reply) => {
    const { to, ...options } = request.body;
    const message = { ...renameRequest(namespacePath(ROUTE, request), pathOfBody(to), options), caller: callerOf(request.query) };
    await callsOf(context).call(operations.rename, message, callOptions(reply));
    return { to };
  });

  const changed = { summary: 'Changes attributes', querystring: Caller, body: Patch, response: { 200: FileStatus } };
  app.patch(ROUTE, { schema: changed, serializerCompiler }, async (request, reply) => {
    const path = namespacePath(ROUTE, request);
    const { mode, ...same } = request.body;
    const message = { ...setAttributesRequest(path, { ...same, ...modeOf(mode) } as Attributes), caller: callerOf(request.query) };
    const { inode } = await callsOf(context).call(operations.setAttributes, message, callOptions(reply));
    return statusBody(fileStatus(path, inode ?? {}));
  });

  const removed = { summary: 'Removes a file or directory', querystring: Removed, response: { 204: Type.Null() } };
  app.delete(ROUTE, { schema: removed }, async (request, reply) => {
    const { recursive = false, skipTrash = false } = request.query;
    const message = { ...removeRequest(namespacePath(ROUTE, request), { recursive, skipTrash }), caller: callerOf(request.query) };
    await callsOf(context).call(operations.remove, message, callOptions(reply));
    reply.code(204);
    return null;
  });
}

/** @returns up to `limit` entries; one more is asked for, to know whether there are more. */
async function pageOf(
  calls: LocalCalls,
  options: LocalCallOptions,
  reader: understudy.ListStatusRequest.$Properties & { readonly path: string },
  limit: number,
): Promise<Static<typeof Page>> {
  const entries: { readonly name: string; readonly body: Static<typeof FileStatus> }[] = [];
  for await (const page of calls.stream(operations.listStatus, { ...reader, pageEntries: limit + 1 }, options)) {
    for (const { name = '', inode } of page.entries) {
      entries.push({ name: name ?? '', body: statusBody(fileStatus(name ? childPath(reader.path, name) : reader.path, inode ?? {})) });
    }
    if (entries.length > limit) break;
  }
  const shown = entries.slice(0, limit);
  return { entries: shown.map(({ body }) => body), next: entries.length > limit ? (shown.at(-1)?.name ?? null) : null };
}

function callerOf(query: { readonly 'user.name'?: string }): understudy.Caller.$Properties {
  return { user: query['user.name'] ?? '' };
}

function modeOf(octal: string | undefined): { readonly mode?: number } {
  return octal === undefined ? {} : { mode: Number.parseInt(octal, 8) };
}
