/**
 * A web port: HTTP within bounds, before any route is known. What comes in is bounded in number, size and time; what a client does wrong costs that
 * client its answer, and never the process.
 */
import type { AddressInfo } from 'node:net';
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { type FastifyError, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { LevelledLog, Log } from '../base/log.js';
import type { Metrics, ShownMetrics } from '../base/metrics.js';
import { answerBrokenRequest, refuseAmbiguous } from './broken-requests.js';
import { limitConnections } from './connection-limit.js';
import { takeRawTargets } from './raw-targets.js';
import { measureRequests } from './request-metrics.js';
import type { WebApp } from './web-app.js';

export interface WebLimits {
  readonly bodyBytesMax: number;
  /** Path, query and other headers of a request together. */
  readonly headerBytesMax: number;
  /** In which they come, from the connection or from the first of them on. */
  readonly headersMaxMs: number;
  /** In which a request comes to its end. */
  readonly requestMaxMs: number;
  /** How long a connection may wait for its next request. */
  readonly keepAliveMs: number;
  /** How long a client may take nothing of its answer. */
  readonly stalledMaxMs: number;
  readonly connectionsMax: number;
}

const LIMITS: WebLimits = {
  bodyBytesMax: 1024 * 1024,
  headerBytesMax: 32 * 1024,
  headersMaxMs: 10_000,
  requestMaxMs: 30_000,
  keepAliveMs: 65_000,
  stalledMaxMs: 120_000,
  connectionsMax: 4_096,
};

export interface WebPlace extends Partial<WebLimits> {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

export interface WebDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly logLevel?: LevelledLog;
  readonly metrics?: Metrics & ShownMetrics;
  readonly version: string;
}

/** A request that is late is seen to be late by this share of what it may take. */
const LATE_SHARE = 10;

/** @param broken answers requests that no route has seen. @returns what routes are added to; it does not listen yet. */
export function makeWebApp(
  place: WebPlace,
  { metrics }: Pick<WebDeps, 'metrics'>,
  broken: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void,
): WebApp {
  const limits = { ...LIMITS, ...place };
  const { headerBytesMax, headersMaxMs, requestMaxMs } = limits;
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: requestMaxMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionTimeout: limits.stalledMaxMs,
    forceCloseConnections: true,
    return503OnClosing: true,
    http: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersMaxMs,
      connectionsCheckingInterval: Math.min(headersMaxMs, requestMaxMs) / LATE_SHARE,
    },
    routerOptions: { maxParamLength: headerBytesMax },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: broken,
  }) as WebApp;
  takeRawTargets(app.server);
  limitConnections(app, limits.connectionsMax);
  refuseAmbiguous(app);
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  if (metrics !== undefined) measureRequests(app, metrics);
  return app;
}

/** @throws `failed_precondition`: the address is in use, or none of this machine. */
export async function listenOn(app: WebApp, { host, port }: WebPlace): Promise<void> {
  try {
    await app.listen({ host, port, backlog: 511 });
  } catch (cause) {
    throw new UnderstudyError('failed_precondition', `the web port cannot be opened: address=${host}:${port}`, { cause });
  }
}

/** @returns that was bound. */
export function portOf(app: WebApp): number {
  return (app.server.address() as AddressInfo).port;
}
