/**
 * The one table of operations: what clients can ask of a master.
 *
 * To add an operation of the namespace: its messages in proto/rpc.proto (and its entry in proto/journal.proto if it changes something), a
 * `plan-<operation>.ts` and its case in apply.ts, or a query in queries.ts, and a row here. Masters serve it and clients can call it then.
 * Method numbers are never reused.
 */
import { understudy } from '#proto/understudy.js';
import { type Encodable, encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import type { KvStore } from '../kv/kv-store.js';
import type { Plan, PlanContext, Planned } from './plan.js';
import { planCompleteFile } from './plan-complete-file.js';
import { planCreateDirectory } from './plan-create-directory.js';
import { planCreateFile } from './plan-create-file.js';
import { planRemove } from './plan-remove.js';
import { planRename } from './plan-rename.js';
import { planSetAttributes } from './plan-set-attributes.js';
import { exists, getStatus, listStatus, type Pages } from './queries.js';
import type { State, StateView } from './state.js';

/** A generated message class. */
export interface MessageType<M, P> extends Encodable<P> {
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

/** A mutation's request, decoded. */
interface PreparedMutation {
  readonly caller: understudy.Caller.$Properties | null | undefined;
  plan(state: StateView, context: PlanContext): Planned;
}

/** A query's request, decoded; `answer` looks at the state once. */
interface PreparedQuery<Answer> {
  readonly freshness: understudy.Freshness.$Properties | null | undefined;
  answer(state: State, kv: KvStore): Answer;
}

/** Changes the namespace: journaled, exactly-once, answered when committed. */
export interface Mutation<Request, RequestShape>
  extends Operation<'mutation', Request, RequestShape, understudy.MutationResponse, understudy.MutationResponse.$Properties> {
  prepare(body: Uint8Array): PreparedMutation;
}

/** Asks the namespace something that fits in one answer. */
export interface Query<Request, RequestShape, Response, ResponseShape>
  extends Operation<'query', Request, RequestShape, Response, ResponseShape> {
  prepare(body: Uint8Array): PreparedQuery<Uint8Array>;
}

/** Asks the namespace something whose answer comes in pages, all as of one moment. */
export interface StreamQuery<Request, RequestShape, Page, PageShape> extends Operation<'stream', Request, RequestShape, Page, PageShape> {
  prepare(body: Uint8Array): PreparedQuery<Pages>;
}

/** Concerns a master or a client's session, not the namespace. */
export type Control<Request, RequestShape, Response, ResponseShape> = Operation<'control', Request, RequestShape, Response, ResponseShape>;

/** A control operation that is answered by a stream. */
export type ControlStream<Request, RequestShape, Item, ItemShape> = Operation<'control stream', Request, RequestShape, Item, ItemShape>;

function mutation<Q extends WithCaller, QS>(method: number, request: MessageType<Q, QS>, plan: Plan<Q>): Mutation<Q, QS> {
  const prepare = (body: Uint8Array): PreparedMutation => {
    const decoded = decodeRequest(request, body);
    return { caller: decoded.caller, plan: (state, context) => plan(decoded, state, context) };
  };
  return { kind: 'mutation', method, request, response: understudy.MutationResponse, prepare };
}

function query<Q extends WithFreshness, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
  ask: (request: Q, state: StateView) => RS,
): Query<Q, QS, R, RS> {
  const prepare = (body: Uint8Array): PreparedQuery<Uint8Array> => {
    const decoded = decodeRequest(request, body);
    return { freshness: decoded.freshness, answer: (state) => encodeMessage(response, ask(decoded, state)) };
  };
  return { kind: 'query', method, request, response, prepare };
}

function stream<Q extends WithFreshness, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
  open: (request: Q, state: State, kv: KvStore) => Pages,
): StreamQuery<Q, QS, R, RS> {
  const prepare = (body: Uint8Array): PreparedQuery<Pages> => {
    const decoded = decodeRequest(request, body);
    return { freshness: decoded.freshness, answer: (state, kv) => open(decoded, state, kv) };
  };
  return { kind: 'stream', method, request, response, prepare };
}

function controlStream<Q, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
): ControlStream<Q, QS, R, RS> {
  return { kind: 'control stream', method, request, response };
}

function control<Q, QS, R, RS>(method: number, request: MessageType<Q, QS>, response: MessageType<R, RS>): Control<Q, QS, R, RS> {
  return { kind: 'control', method, request, response };
}

/** @throws `invalid_argument`: not such a request. */
export function decodeRequest<Q>(request: MessageType<Q, never>, body: Uint8Array): Q {
  try {
    return request.decode(body);
  } catch (cause) {
    throw new UnderstudyError('invalid_argument', 'the request cannot be decoded', { cause });
  }
}

export const operations = {
  registerClient: control(1, understudy.RegisterClientRequest, understudy.RegisterClientResponse),
  closeClient: control(2, understudy.CloseClientRequest, understudy.CloseClientResponse),
  masterStatus: control(3, understudy.MasterStatusRequest, understudy.MasterStatusResponse),
  digest: control(4, understudy.DigestRequest, understudy.DigestResponse),
  checkpoint: control(5, understudy.CheckpointRequest, understudy.CheckpointResponse),
  makeCheckpoint: control(6, understudy.MakeCheckpointRequest, understudy.MakeCheckpointItem),
  followJournal: controlStream(7, understudy.FollowJournalRequest, understudy.FollowJournalItem),
  reportApplied: control(10, understudy.ReportAppliedRequest, understudy.ReportAppliedResponse),
  transferLeader: control(8, understudy.TransferLeaderRequest, understudy.TransferLeaderResponse),
  takeLead: control(9, understudy.TakeLeadRequest, understudy.TakeLeadResponse),

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
