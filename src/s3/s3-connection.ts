/**
 * Requests to an S3 server, by the AWS SDK: for the journal's objects and for mounted storage alike.
 *
 * One request a call: the SDK's own retries are off, for only the caller knows what may be sent again. Time-outs are this file's own;
 * credentials are the configured ones, or what the SDK's usual chain finds, and no error shows them. Checksums that the SDK would add are
 * off where the server does not ask for them. Measured on two busy cores: about 1 ms of processor time a PUT, nearly all of it the SDK's
 * and the same for 200 bytes and 50 KB.
 */
import { setMaxListeners } from 'node:events';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { abortError, throwIfAborted } from '../base/wait.js';

export interface S3ConnectionSettings {
  /** Of a server that is not Amazon's: `http://host:port`. */
  readonly endpoint?: string;
  readonly region?: string;
  /** Whether the bucket is named in the path, not in the host. */
  readonly pathStyle: boolean;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Longest wait for the answer to one request. */
  readonly requestTimeoutMs: number;
}

export interface S3Request {
  /** A change that is not answered may have happened; a look may not. */
  readonly kind: 'change' | 'look';
  /** `s3://bucket/key`, for errors. */
  readonly object: string;
  readonly signal?: AbortSignal | undefined;
}

const CONNECT_TIMEOUT_MS = 3_000;
const SOCKETS_MAX = 64;

export class S3Connection implements AsyncDisposable {
  readonly #client: S3Client;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #inFlight = new Set<() => void>();
  #isClosed = false;

  constructor(settings: S3ConnectionSettings, deps: { readonly clock: Clock }) {
    const { endpoint, region, credentials } = settings;
    this.#clock = deps.clock;
    this.#timeoutMs = settings.requestTimeoutMs;
    const agent = { keepAlive: true, maxSockets: SOCKETS_MAX };
    const config: S3ClientConfig = {
      forcePathStyle: settings.pathStyle,
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, httpAgent: agent, httpsAgent: agent, logger: SILENT },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
    };
    this.#client = new S3Client(config);
  }

  /**
   * Sends by `send`, which passes the signal on; its own operating errors stay.
   *
   * @throws `unavailable` (nothing happened), `outcome_unknown` (a change may have), `already_exists`, `permission_denied`,
   *   `resource_exhausted`, `failed_precondition`; or what the caller's signal was aborted with, of a look.
   */
  async send<T>(request: S3Request, send: (client: S3Client, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const { kind, object, signal } = request;
    throwIfAborted(signal);
    if (this.#isClosed) throw new UnderstudyError('unavailable', `the store is closed: object=${object}`);
    const limit = new AbortController();
    const giveUp = () => limit.abort();
    const timer = this.#clock.setTimer(this.#timeoutMs, giveUp);
    this.#inFlight.add(giveUp);
    if (signal !== undefined) setMaxListeners(0, signal); // readers have many requests in flight under one
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      return await send(this.#client, limit.signal);
    } catch (error) {
      if (signal?.aborted && kind === 'look') throw abortError(signal);
      if (error instanceof UnderstudyError) throw error;
      throw describe(kind, error, object, limit.signal.aborted);
    } finally {
      timer.cancel();
      this.#inFlight.delete(giveUp);
      signal?.removeEventListener('abort', giveUp);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const giveUp of this.#inFlight) giveUp();
    this.#client.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A proxy may answer "200" with a page of its own: nothing was stored then, and nothing listed. */
export const NOT_ITS_OWN = "an answer that is no object store's";

/** The SDK would print when many requests wait for a socket. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** What fails before there is a connection. The error's code does not tell: one that was made may end with EHOSTUNREACH too. */
const CONNECTING = new Set(['connect', 'getaddrinfo']);
/** Wrong credentials or rights, which nothing but an operator mends. */
const DENIED = new Set([401, 403]);
/** Answers that say nothing about what happened to the request, nor to an earlier one with the same bytes. */
const UNCLEAR = new Set([408, 409, 429]);

function describe(kind: 'change' | 'look', thrown: unknown, object: string, timedOut: boolean): UnderstudyError {
  const status = statusOf(thrown);
  const what = `${nameOf(thrown)}${status === undefined ? '' : ` (${status})`}`;
  // The SDK's own errors carry the whole request, signature and all: not for logs.
  const cause = new Error(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));
  if (kind === 'change' && status === 412) return new UnderstudyError('already_exists', `an object is there: object=${object}`, { cause });
  if (status !== undefined && DENIED.has(status)) {
    return new UnderstudyError('permission_denied', `the object store refuses access: ${what} object=${object}`, { cause });
  }
  if (status === 507) return new UnderstudyError('resource_exhausted', `the object store is full: ${what} object=${object}`, { cause });
  if (status !== undefined && status >= 300 && status < 500 && !UNCLEAR.has(status)) {
    return new UnderstudyError('failed_precondition', `the object store refuses the request: ${what} object=${object}`, { cause });
  }
  if (nameOf(thrown) === 'CredentialsProviderError') {
    return new UnderstudyError('permission_denied', `there are no credentials for the object store: object=${object}`, { cause });
  }
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const message = timedOut ? 'the object store did not answer in time' : `the object store does not answer: ${code === '' ? what : code}`;
  const isSent = kind === 'change' && !isNeverConnected(thrown);
  return new UnderstudyError(isSent ? 'outcome_unknown' : 'unavailable', `${message} object=${object}`, { cause });
}

/** @returns whether no connection was made, at any of the server's addresses: nothing was sent. */
function isNeverConnected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isNeverConnected);
  return error instanceof Error && 'syscall' in error && CONNECTING.has(String(error.syscall));
}

/** @returns the name that the server, or the SDK, gives the error: `NoSuchKey`. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { readonly httpStatusCode?: number };
  return httpStatusCode;
}
