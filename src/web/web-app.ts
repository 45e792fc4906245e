/**
 * What the routes of the web port have in common: the HTTP framework with its schemas, and what they see of the master.
 *
 * A folder of routes is a function from `WebApp` and `WebContext` to routes, with TypeBox schemas for all that comes in and goes out: checks,
 * serialisation and the description (OpenAPI) come from them.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { LevelledLog, Log } from '../base/log.js';
import type { ShownMetrics } from '../base/metrics.js';
import type { LocalCallOptions, LocalCalls } from '../master/local-calls.js';
import type { Master } from '../master/master.js';

export type WebApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface WebContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined where nothing is measured. */
  readonly metrics?: ShownMetrics | undefined;
  /** Whose level may be changed. */
  readonly logLevel?: LevelledLog | undefined;
  /** Of the program. */
  readonly version: string;
  /** How far a standby may be behind and still be ready. */
  readonly readyLagMaxMs: number;
  /** Null until the master is there: while its store is opened, which may take long. */
  readonly master: Master | null;
}

/**
 * @returns how a request calls its master: given up when its connection is lost. It is the answer that is looked at: the request itself ends as
 * soon as its body is read.
 */
export function callOptions({ request: { socket }, raw }: FastifyReply): LocalCallOptions {
  const leaving = new AbortController();
  const closed = () => {
    // An answer that was sent closes, too, and then nobody cares: aborting is not for nothing.
    if (!raw.writableFinished) leaving.abort();
  };
  if (raw.destroyed) closed();
  else raw.once('close', closed);
  return { peer: `${socket.remoteAddress}:${socket.remotePort ?? 0}`, signal: leaving.signal };
}

/** @throws `unavailable`: the master is not there yet. */
export function callsOf({ master }: WebContext): LocalCalls {
  if (master === null) throw new UnderstudyError('unavailable', 'this master starts');
  return master.calls;
}
