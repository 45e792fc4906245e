/**
 * The one table of operations: what clients can ask of a master.
 *
 * To add an operation of the namespace: its messages in proto/rpc.proto (and its entry in proto/journal.proto if it changes something), a
 * `plan-<operation>.ts` and its case in apply.ts, or a query in queries.ts, and a row here. Masters serve it and clients can call it then.
 * Method numbers are never reused.
 */
import { understudy } from '#proto/understudy.js';
import type { KvStore } from '../kv/kv-store.js';
import type { Plan } from './plan.js';
import { planCompleteFile } from './plan-complete-file.js';
import { planCreateDirectory } from './plan-create-directory.js';
import { planCreateFile } from './plan-create-file.js';
import { planRemove } from './plan-remove.js';
import { planRename } from './plan-rename.js';
import { planSetAttributes } from './plan-set-attributes.js';
import { exists, getStatus, listStatus, type Pages } from './queries.js';
import type { State, StateView } from './state.js';

/** A generated message class. */
export interface MessageType<M, P = M> {
  encode(message: P): { finish(): Uint8Array };
  decode(bytes: Uint8Array): M;
}

interface Operation<Kind, Request, RequestShape, Response, ResponseShape> {
  readonly kind: Kind;
  readonly method: number;
  readonly request: MessageType<Request, RequestShape>;
  readonly response: MessageType<Response, ResponseShape>;
}

interface WithCaller {
  caller?: understudy.Caller.$Properties | null;
}

interface WithFreshness {
  freshness?: understudy.Freshness.$Properties | null;
}

/** Changes the namespace: journaled, exactly-once, answered when committed. */
export interface Mutation<Request extends WithCaller, RequestShape>
  extends Operation<'mutation', Request, RequestShape, understudy.MutationResponse, understudy.MutationResponse.$Properties> {
  readonly plan: Plan<Request>;
}

/** Asks the namespace something that fits in one answer. */
export interface Query<Request extends WithFreshness, RequestShape, Response, ResponseShape>
  extends Operation<'query', Request, RequestShape, Response, ResponseShape> {
  readonly query: (request: Request, state: StateView) => ResponseShape;
}

/** Asks the namespace something whose answer comes in pages, all as of one moment. */
export interface StreamQuery<Request extends WithFreshness, RequestShape, Page, PageShape>
  extends Operation<'stream', Request, RequestShape, Page, PageShape> {
  readonly open: (request: Request, state: State, kv: KvStore) => Pages;
}

/** Concerns a master or a client's session, not the namespace. */
export type Control<Request, RequestShape, Response, ResponseShape> = Operation<'control', Request, RequestShape, Response, ResponseShape>;

const mutation = <Q extends WithCaller, QS>(method: number, request: MessageType<Q, QS>, plan: Plan<Q>): Mutation<Q, QS> => ({
  kind: 'mutation',
  method,
  request,
  response: understudy.MutationResponse,
  plan,
});

const query = <Q extends WithFreshness, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
  ask: (request: Q, state: StateView) => RS,
): Query<Q, QS, R, RS> => ({ kind: 'query', method, request, response, query: ask });

const stream = <Q extends WithFreshness, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
  open: (request: Q, state: State, kv: KvStore) => Pages,
): StreamQuery<Q, QS, R, RS> => ({ kind: 'stream', method, request, response, open });

const control = <Q, QS, R, RS>(method: number, request: MessageType<Q, QS>, response: MessageType<R, RS>): Control<Q, QS, R, RS> => ({
  kind: 'control',
  method,
  request,
  response,
});

export const operations = {
  registerClient: control(1, understudy.RegisterClientRequest, understudy.RegisterClientResponse),
  closeClient: control(2, understudy.CloseClientRequest, understudy.CloseClientResponse),
  masterStatus: control(3, understudy.MasterStatusRequest, understudy.MasterStatusResponse),
  digest: control(4, understudy.DigestRequest, understudy.DigestResponse),

  getStatus: query(16, understudy.GetStatusRequest, understudy.GetStatusResponse, getStatus),
  exists: query(17, understudy.ExistsRequest, understudy.ExistsResponse, exists),
  listStatus: stream(18, understudy.ListStatusRequest, understudy.ListStatusPage, listStatus),

  createFile: mutation(32, understudy.CreateFileRequest, planCreateFile),
  completeFile: mutation(33, understudy.CompleteFileRequest, planCompleteFile),
  createDirectory: mutation(34, understudy.CreateDirectoryRequest, planCreateDirectory),
  rename: mutation(35, understudy.RenameRequest, planRename),
  remove: mutation(36, understudy.RemoveRequest, planRemove),
  setAttributes: mutation(37, understudy.SetAttributesRequest, planSetAttributes),
} as const;
