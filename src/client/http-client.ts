/**
 * Requests to whichever master serves, over HTTP, given only the URLs of the ensemble.
 *
 * - The master that serves is found (http-leader.ts), and redirects of others are followed: they say that nothing was done.
 * - A request is sent again while that is safe: nothing can have been done (no connection, a redirect, a 503 that says so), or the caller says that to do
 *   it twice is as good as once. What may have been done otherwise ends with `outcome_unknown`, and it is the caller's to look.
 */
import type { Clock } from '../base/clock.js';
import { asError, ERROR_NUMBERS, type ErrorCode, UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { sleep } from '../base/wait.js';
import { HttpLeader } from './http-leader.js';

export interface HttpClientSettings {
  /** `http://host:port` of masters of the ensemble, or of a load balancer. */
  readonly urls: readonly string[];
  /** Milliseconds for a request with all its attempts, and for one attempt. */
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
}

export interface HttpClientDeps {
  readonly clock: Clock;
  readonly random: Random;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query, encoded. */
  readonly target: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** To do it twice is as good as once; so it is of GET and HEAD. */
  readonly isRepeatable?: boolean;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Of JSON; undefined where the answer is empty or something else. */
  readonly body: unknown;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const HOPS_MAX = 5;
const PAUSE_FIRST_MS = 20;
const PAUSE_MAX_MS = 500;

interface Failed {
  readonly failure: UnderstudyError;
  readonly mayHaveHappened: boolean;
}
type Attempt = Failed | { readonly answer: HttpAnswer };
type Sent = Failed | { readonly response: Response; readonly body: unknown };

export class HttpClient {
  readonly #settings: HttpClientSettings;
  readonly #deps: HttpClientDeps;
  readonly #leader: HttpLeader;

  /** @throws `invalid_argument`: no URLs, or what is none. */
  constructor(settings: HttpClientSettings, deps: HttpClientDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#leader = new HttpLeader(settings.urls.map(originOf), deps.clock);
    if (settings.urls.length === 0) throw new UnderstudyError('invalid_argument', 'the URLs of the masters are to be named');
  }

  /** @returns the URL of the master that serves, as far as is known; null where none says so. */
  leader(): Promise<string | null> {
    return this.#leader.find();
  }

  /**
   * @returns what the master that serves answers, below 400. @throws its refusal by its code. @throws `unavailable`: none served in time, and nothing was
   *   done. @throws `outcome_unknown`: it may have been done.
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { clock, random } = this.#deps;
    const deadlineMs = clock.monotonicMs() + this.#settings.timeoutMs;
    const isRepeatable = request.isRepeatable ?? (request.method === 'GET' || request.method === 'HEAD');
    for (let pauseMs = PAUSE_FIRST_MS, unknown = false; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const attempt = await this.#attempt(request, deadlineMs);
      if ('answer' in attempt) return attempt.answer;
      const { failure, mayHaveHappened } = attempt;
      request.signal?.throwIfAborted();
      unknown ||= mayHaveHappened;
      if (mayHaveHappened && !isRepeatable) throw outcomeUnknown(failure);
      const waitMs = pauseMs * (0.5 + random.float() / 2);
      if (clock.monotonicMs() + waitMs >= deadlineMs) throw unknown && !isRead(request) ? outcomeUnknown(failure) : failure;
      await sleep(clock, waitMs, request.signal);
    }
  }

  /** @throws a refusal that another attempt would meet as well. */
  async #attempt(request: HttpRequest, deadlineMs: number): Promise<Attempt> {
    let base = await this.#leader.find();
    let url = base === null ? '' : base + request.target;
    for (let hops = 0; base !== null && hops < HOPS_MAX; hops++) {
      const sent = await this.#send(url, request, deadlineMs);
      if ('failure' in sent) {
        this.#leader.forget(base);
        return sent;
      }
      const { response, body } = sent;
      const location = REDIRECTS.has(response.status) ? locationOf(response, url) : null;
      if (location === null) return this.#judge(response.status, body, base);
      url = location.href;
      base = location.origin;
      this.#leader.remember(base);
    }
    if (base !== null) this.#leader.forget(base);
    return { failure: new UnderstudyError('unavailable', 'no master serves now'), mayHaveHappened: false };
  }

  async #send(url: string, request: HttpRequest, deadlineMs: number): Promise<Sent> {
    const { clock } = this.#deps;
    const limit = new AbortController();
    const leftMs = Math.max(0, Math.min(this.#settings.attemptTimeoutMs, deadlineMs - clock.monotonicMs()));
    const timer = clock.setTimer(leftMs, () => limit.abort(new UnderstudyError('deadline_exceeded', 'the master did not answer in time')));
    const signal = request.signal === undefined ? limit.signal : AbortSignal.any([request.signal, limit.signal]);
    try {
      const { method, body } = request;
      const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const response = await fetch(url, { method, signal, redirect: 'manual', ...content });
      return { response, body: parsed(await response.text()) };
    } catch (thrown) {
      const failure = new UnderstudyError('unavailable', `the master cannot be reached: ${asError(thrown).message}`, { cause: thrown });
      return { failure, mayHaveHappened: !isRefusedConnection(thrown) };
    } finally {
      timer.cancel();
    }
  }

  #judge(status: number, body: unknown, base: string): Attempt {
    if (status < 400) return { answer: { status, body } };
    const failure = errorOf(status, body);
    // Whoever stands between may have lost the answer.
    const mayHaveHappened = status === 502 || status === 504 || failure.code === 'outcome_unknown' || failure.code === 'fenced';
    if (status !== 503 && !mayHaveHappened) throw failure;
    this.#leader.forget(base);
    return { failure, mayHaveHappened };
  }
}

function isRead({ method }: HttpRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** @throws `invalid_argument`. */
function originOf(url: string): string {
  const { protocol, origin } = URL.canParse(url) ? new URL(url) : { protocol: '', origin: '' };
  if (protocol !== 'http:' && protocol !== 'https:') throw new UnderstudyError('invalid_argument', `no URL of a master: url=${url}`);
  return origin;
}

function locationOf({ headers }: Response, from: string): URL | null {
  const location = headers.get('location') ?? '';
  if (!URL.canParse(location, from)) return null;
  const url = new URL(location, from);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns the refusal that a master told, or what stands between. */
function errorOf(status: number, body: unknown): UnderstudyError {
  const { code, message, errno, path } = (body as { error?: Partial<UnderstudyError> } | undefined)?.error ?? {};
  if (code === undefined || !(code in ERROR_NUMBERS)) {
    return new UnderstudyError(status === 503 ? 'unavailable' : 'unknown', `an answer that no master gives: status=${status}`);
  }
  return new UnderstudyError(code as ErrorCode, String(message), { ...(errno && { errno }), ...(path && { path }) });
}

function outcomeUnknown(cause: UnderstudyError): UnderstudyError {
  return new UnderstudyError('outcome_unknown', `it may have been done: ${cause.message}`, { cause });
}

/** No connection was made: nothing was sent. */
function isRefusedConnection(error: unknown): boolean {
  const cause = (error as Error | undefined)?.cause;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return (
    code === 'ECONNREFUSED' ||
    code === 'EHOSTUNREACH' ||
    code === 'ENETUNREACH' ||
    code === 'ENOTFOUND' ||
    code === 'EAI_AGAIN' ||
    code === 'UND_ERR_CONNECT_TIMEOUT'
  );
}
