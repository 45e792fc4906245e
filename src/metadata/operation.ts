/**
 * What an operation is: the row of the table (operations.ts) that masters serve and clients call.
 */
import { understudy } from '#proto/understudy.js';
import { type Encodable, encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import type { KvStore } from '../kv/kv-store.js';
import { countFields } from './count-fields.js';
import { type LoadWish, type Look, loadWishes } from './load-need.js';
import type { PlanContext, Planned, ReadContext } from './plan.js';
import type { Pages } from './queries.js';
import type { State, StateView } from './state.js';
import { withUnderWork } from './under-work.js';

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
  user?: string | null;
}

/** A mutation's request, decoded. */
export interface PreparedMutation {
  /** As `PreparedQuery.wishes`. */
  wishes(now: Look): readonly LoadWish[];
  readonly caller: understudy.Caller.$Properties | null | undefined;
  readonly request: object;
  plan(state: State, context: PlanContext): Planned;
}

/** A query's request, decoded; `answer` looks at the state once. */
interface PreparedQuery<Answer> {
  /** @returns what under stores have to be asked before, for a request that came at this time of the leader's. */
  wishes(now: Look): readonly LoadWish[];
  readonly freshness: understudy.Freshness.$Properties | null | undefined;
  /** In whose name; empty: nobody's. */
  readonly user: string;
  answer(state: State, kv: KvStore, context: ReadContext): Answer;
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

export function mutation<Q extends WithCaller, QS>(
  method: number,
  request: MessageType<Q, QS>,
  plan: (request: Q, state: State, context: PlanContext) => Planned,
  asked: (request: Q, now: Look) => readonly LoadWish[] = (decoded, now) => loadWishes(decoded, false, now),
): Mutation<Q, QS> {
  const prepare = (body: Uint8Array): PreparedMutation => {
    const decoded = decodeRequest(request, body);
    const wishes = (now: Look) => asked(decoded, now);
    return {
      caller: decoded.caller,
      request: decoded,
      wishes,
      plan: (state, context) => withUnderWork(plan(decoded, state, context), state),
    };
  };
  return { kind: 'mutation', method, request, response: understudy.MutationResponse, prepare };
}

export function query<Q extends WithFreshness, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
  ask: (request: Q, state: StateView, context: ReadContext) => RS,
): Query<Q, QS, R, RS> {
  const prepare = (body: Uint8Array): PreparedQuery<Uint8Array> => {
    const decoded = decodeRequest(request, body);
    return {
      freshness: decoded.freshness,
      user: decoded.user ?? '',
      wishes: (now) => loadWishes(decoded, false, now),
      answer: (state, _kv, context) => encodeMessage(response, ask(decoded, state, context)),
    };
  };
  return { kind: 'query', method, request, response, prepare };
}

export function stream<Q extends WithFreshness, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
  open: (request: Q, state: State, kv: KvStore, context: ReadContext) => Pages,
): StreamQuery<Q, QS, R, RS> {
  const prepare = (body: Uint8Array): PreparedQuery<Pages> => {
    const decoded = decodeRequest(request, body);
    return {
      freshness: decoded.freshness,
      user: decoded.user ?? '',
      wishes: (now) => loadWishes(decoded, true, now),
      answer: (state, kv, context) => open(decoded, state, kv, context),
    };
  };
  return { kind: 'stream', method, request, response, prepare };
}

export function controlStream<Q, QS, R, RS>(
  method: number,
  request: MessageType<Q, QS>,
  response: MessageType<R, RS>,
): ControlStream<Q, QS, R, RS> {
  return { kind: 'control stream', method, request, response };
}

export function control<Q, QS, R, RS>(method: number, request: MessageType<Q, QS>, response: MessageType<R, RS>): Control<Q, QS, R, RS> {
  return { kind: 'control', method, request, response };
}

/** No request has as many. */
const FIELDS_MAX = 2_048;
/** Shorter ones cannot hold so many that it matters. */
const COUNTED_BYTES_MIN = 1_024;

/** @throws `invalid_argument`: not such a request. */
export function decodeRequest<Q>(request: MessageType<Q, never>, body: Uint8Array): Q {
  if (body.length > COUNTED_BYTES_MIN && countFields(body, FIELDS_MAX) > FIELDS_MAX) {
    throw new UnderstudyError('invalid_argument', `the request has too many fields: max=${FIELDS_MAX}`, { errno: 'EINVAL' });
  }
  try {
    return request.decode(body);
  } catch (cause) {
    throw new UnderstudyError('invalid_argument', 'the request cannot be decoded', { cause });
  }
}

/** @throws `internal`: what a master sent is no such answer; what it answers may have happened. */
export function decodeResponse<R>(response: { decode(bytes: Uint8Array): R }, body: Uint8Array): R {
  try {
    return response.decode(body);
  } catch (cause) {
    throw new UnderstudyError('internal', `the answer of a master cannot be read: bytes=${body.length}`, { cause });
  }
}
