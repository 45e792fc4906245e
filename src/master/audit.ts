/**
 * Tells the audit log of every change that this master is asked for, however that ends.
 *
 * - One record for each attempt that is answered, refusals before it was planned among them: one that makes no sense, whose user cannot be told, that
 *   mounted storage refuses.
 * - None of one that is sent on (`not_leader`): the leader tells it. None of an answer that is given again to a later attempt: this master has told it.
 * - Of a request nothing is told but user and paths, so much of them as fits: options of mounts and values of attributes may be secrets.
 */
import type { understudy } from '#proto/understudy.js';
import type { AuditLog, AuditRecord } from '../base/audit-log.js';
import { asError, type UnderstudyError } from '../base/errors.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(operations).map(([name, { method }]) => [method, name]));
/** Paths that are told, and characters of all of them together: two paths of any length. */
const PATHS_MAX = 64;
const PATHS_CHARS_MAX = 8_192;
const USER_CHARS_MAX = 256;

type Caller = understudy.Caller.$Properties | null | undefined;

/** One call, which is told once it is answered. */
export class AuditedCall implements ServerCall {
  readonly method: number;
  readonly body: Uint8Array;
  readonly peer: string;
  readonly deadlineMs: number;
  readonly sessionless?: true;
  readonly #call: ServerCall;
  readonly #audit: AuditLog;
  #asked: Pick<AuditRecord, 'user' | 'paths' | 'more' | 'call'> = { user: '', paths: [] };
  #sn = 0;
  #isTold = false;

  constructor(audit: AuditLog, call: ServerCall) {
    this.#audit = audit;
    this.#call = call;
    ({ method: this.method, body: this.body, peer: this.peer, deadlineMs: this.deadlineMs } = call);
    if (call.sessionless) this.sessionless = true;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  /** The request could be read. */
  asks(user: string, request: object, caller?: Caller): void {
    const inSession = caller?.clientId && !this.sessionless;
    const call = inSession ? { call: `${caller.clientId}/${caller.callId ?? 0}` } : {};
    this.#asked = { user: user.slice(0, USER_CHARS_MAX), ...shownPaths(pathsOf(request)), ...call };
  }

  /** What it is answered with holds as of `sn`. @param isAgain this master has given, and told, that answer before. */
  answers(sn: number, isAgain: boolean): void {
    this.#sn = sn;
    this.#isTold ||= isAgain;
  }

  reply(body?: Uint8Array): void {
    this.#tell('ok');
    this.#call.reply(body);
  }

  fail(error: UnderstudyError): void {
    this.failed(error);
    this.#call.fail(error);
  }

  /** As `fail`, where the caller is told by somebody else. */
  failed({ code }: UnderstudyError): void {
    if (code !== 'not_leader') this.#tell(code);
  }

  item(body: Uint8Array, tail?: Uint8Array): Promise<void> {
    return this.#call.item(body, tail);
  }

  #tell(result: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const what = NAMES.get(this.method) ?? String(this.method);
    const { user, ...asked } = this.#asked;
    this.#audit.note({ user, from: this.peer, what, ...asked, result, sn: this.#sn });
  }
}

/** Answers a call, and tells `told`, where there is one, what it learns. */
type ToldHandler = (call: ServerCall, told: AuditedCall | null) => void;

/** @returns a handler whose calls are told. */
export function audited(audit: AuditLog | undefined, handle: ToldHandler): CallHandler {
  if (audit === undefined) return (call) => handle(call, null);
  return (call) => {
    const told = new AuditedCall(audit, call);
    const failed = (thrown: unknown): never => {
      told.failed(asError(thrown));
      throw thrown;
    };
    try {
      const running: unknown = handle(told, told);
      return (running instanceof Promise ? running.catch(failed) : undefined) as undefined;
    } catch (thrown) {
      return failed(thrown);
    }
  };
}

const { transferLeader, takeLead, enableFeatures, freeze, unfreeze, logLevel } = operations;
/** What operators change that is no row of the namespace, and in whose name. */
const BY_OPERATORS = [transferLeader, takeLead, enableFeatures, freeze, unfreeze, logLevel];

/** @returns the handlers by method number: those of what operators change are told. What changes nothing is not. */
export function auditedControl(audit: AuditLog | undefined, handlers: ReadonlyMap<number, CallHandler>): ReadonlyMap<number, CallHandler> {
  const told = new Map(handlers);
  for (const operation of audit === undefined ? [] : BY_OPERATORS) {
    const handle = handlers.get(operation.method);
    if (handle === undefined) continue;
    const tells = audited(audit, (call, told) => {
      told?.asks(decodeRequest(operation.request, call.body).user, {});
      return handle(call);
    });
    told.set(operation.method, (call) => (isNoChange(call) ? handle : tells)(call));
  }
  return told;
}

/** One master asks another, or a level is only asked for. */
function isNoChange({ method, body }: ServerCall): boolean {
  if (method === logLevel.method) return decodeRequest(logLevel.request, body).level === '';
  return method === takeLead.method && decodeRequest(takeLead.request, body).user === '';
}

function shownPaths(all: readonly string[]): Pick<AuditRecord, 'paths' | 'more'> {
  const paths: string[] = [];
  let room = PATHS_CHARS_MAX;
  for (const path of all.slice(0, PATHS_MAX)) {
    if (room <= 0) break;
    paths.push(path.length <= room ? path : `${path.slice(0, room)}…`);
    room -= path.length;
  }
  return paths.length === all.length ? { paths } : { paths, more: all.length - paths.length };
}

function pathsOf(request: object): readonly string[] {
  const { path, from, to, sources, steps } = request as {
    readonly [Name in 'path' | 'from' | 'to']?: string | null;
  } & { readonly sources?: readonly string[]; readonly steps?: readonly object[] };
  const own = [path, from, to, ...(sources ?? [])].filter((named) => typeof named === 'string');
  return [...own, ...(steps ?? []).flatMap((step) => Object.values(step).flatMap(nestedPaths))];
}

function nestedPaths(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) ? pathsOf(value) : [];
}
