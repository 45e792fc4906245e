/**
 * Serves the table of operations (src/metadata/operations.ts) over RPC: a leader everything, a standby reads that ask for less than the newest.
 */
import { understudy } from '#proto/understudy.js';
import type { AuditLog } from '../base/audit-log.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, asOf, UnderstudyError } from '../base/errors.js';
import type { Identity } from '../metadata/access.js';
import type { LoadWish } from '../metadata/load-need.js';
import { operations } from '../metadata/operations.js';
import { checkPrincipal, type NamespaceSettings, type ReadContext, type ToldTroubles } from '../metadata/plan.js';
import type { Pages } from '../metadata/queries.js';
import { type Inode, inodeMessage, inodeMessages } from '../metadata/records.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';
import type { AccessTimes } from './access-times.js';
import type { AppliedWatch } from './applied-watch.js';
import { type AuditedCall, audited, auditedControl } from './audit.js';
import type { Identities } from './identities.js';
import type { Answer, Leadership, Submission, SubmissionCaller } from './leadership.js';
import type { MetadataLoader } from './metadata-loader.js';
import type { MountCheck } from './mount-check.js';
import type { Replica } from './replica.js';
import type { WorkerRoster } from './workers/worker-roster.js';

/** What the service sees of its master. */
export interface Served {
  readonly sessionSettings: { readonly leaseTimeoutMs: number };
  /** Null while it is being rebuilt. */
  readonly replica: Replica | null;
  /** Null unless this master leads. */
  readonly leadership: Leadership | null;
  /** Null unless this master leads. */
  readonly loader: MetadataLoader | null;
  /** Null unless this master leads. */
  readonly serving: { readonly troubles: ToldTroubles } | null;
  readonly applied: AppliedWatch;
  readonly identities: Identities;
  readonly accessTimes: AccessTimes;
  /** What workers have told, whatever this master's role. */
  readonly workers: WorkerRoster;
  /** How far this master knows itself to be behind, where it does not lead. */
  behind(): understudy.Behind.$Properties;
  /** @returns why a request for the leader is refused, with the leader's address where it is known. */
  notLeader(): UnderstudyError;
}

type Table = (typeof operations)[keyof typeof operations];
type MutationRow = Extract<Table, { kind: 'mutation' }>;
type QueryRow = Extract<Table, { kind: 'query' }>;
type StreamRow = Extract<Table, { kind: 'stream' }>;
type Reader = Pick<ReturnType<QueryRow['prepare']>, 'freshness' | 'user' | 'wishes'>;
type Wishes = Reader['wishes'];
type Look = (replica: Replica, context: ReadContext, release: (released: Released) => void, behind: Uint8Array) => void;
type Released = (refused: UnderstudyError | null) => void;

/** Listings that may be open at once: each keeps a snapshot of the store. */
const LISTINGS_MAX = 256;
/** Of one request. */
const LOADS_AT_ONCE = 32;

export class NamespaceService {
  readonly #settings: NamespaceSettings;
  readonly #served: Served;
  readonly #mounts: MountCheck;
  readonly #methods = new Map<number, CallHandler>();
  #listings = 0;

  constructor(
    settings: NamespaceSettings,
    served: Served,
    mounts: MountCheck,
    control: ReadonlyMap<number, CallHandler>,
    audit?: AuditLog,
  ) {
    this.#settings = settings;
    this.#served = served;
    this.#mounts = mounts;
    for (const operation of Object.values(operations)) {
      if (operation.kind === 'mutation')
        this.#methods.set(
          operation.method,
          audited(audit, (call, told) => this.#mutate(operation, call, told)),
        );
      else if (operation.kind === 'query') this.#methods.set(operation.method, (call) => this.#query(operation, call));
      else if (operation.kind === 'stream') this.#methods.set(operation.method, (call) => this.#stream(operation, call));
    }
    for (const [method, handler] of auditedControl(audit, control)) this.#methods.set(method, handler);
  }

  /** Handles every call of the server. */
  readonly handle: CallHandler = (call) => {
    const method = this.#methods.get(call.method);
    if (method === undefined) throw new UnderstudyError('unimplemented', `no such method: method=${call.method}`);
    return method(call);
  };

  #mutate(operation: MutationRow, call: ServerCall, told: AuditedCall | null): void {
    if (this.#served.leadership === null) throw this.#served.notLeader();
    const { caller, request, wishes, plan } = operation.prepare(call.body);
    told?.asks(caller?.user || NOBODY, request, caller);
    const isRenewal = operation.method === operations.renewLease.method;
    const leaseTimeoutMs = isRenewal ? this.#served.sessionSettings.leaseTimeoutMs : 0;
    this.#identify(caller?.user, call, (identity) => {
      const submission: Submission = {
        caller: call.sessionless ? sessionless(identity) : submissionCaller(caller, identity),
        plan,
        makesRoom: operation.method === operations.remove.method,
        settle(refused, answer) {
          told?.answers(answer.sn, answer.isAgain === true);
          if (refused !== null) call.fail(answer.sn === 0 ? refused : asOf(refused, answer.sn));
          else call.reply(mutationResponse(answer, leaseTimeoutMs));
        },
      };
      const refuse = (error: UnderstudyError) => this.#refuse(submission, error);
      this.#whenLoaded(call, wishes, () => this.#submitLooked(operation, submission), refuse);
    });
  }

  #submit(submission: Submission): void {
    const { leadership } = this.#served;
    if (leadership === null) submission.settle(this.#served.notLeader(), { sn: 0, inode: null, inodes: [] });
    else leadership.submit(submission);
  }

  /**
   * Mounted storage refuses it. As a plan's refusal, which a later attempt's answer records: an earlier attempt may be on its way still. Trouble
   * of the moment is told as it is, and the client tries again.
   */
  #refuse(submission: Submission, error: UnderstudyError): void {
    if (error.code === 'unavailable' || error.code === 'corrupt') return submission.settle(error, { sn: 0, inode: null, inodes: [] });
    const plan = () => {
      throw error;
    };
    this.#submit({ ...submission, plan });
  }

  /** Once storage that is to be mounted, or files that would go with a mount, have been looked at; at once anything else. */
  #submitLooked({ method }: MutationRow, submission: Submission): void {
    const { replica } = this.#served;
    if (replica === null || !this.#mounts.concerns(method)) return this.#submit(submission);
    this.#mounts.look(method, submission, replica).then(
      (looked) => this.#submit(looked),
      (error) => this.#refuse(submission, asError(error)),
    );
  }

  #query(operation: QueryRow, call: ServerCall): void {
    const { freshness, user, wishes, answer } = operation.prepare(call.body);
    this.#look(call, { freshness, user, wishes }, (replica, context, release, behind) => {
      let body: Uint8Array;
      try {
        body = withBehind(answer(replica.state, replica.kv, context), behind);
      } catch (thrown) {
        const error = asOf(replica.checked(thrown), replica.state.sn);
        return release((refused) => call.fail(refused ?? error));
      }
      release((refused) => (refused === null ? call.reply(body) : call.fail(refused)));
    });
  }

  #stream(operation: StreamRow, call: ServerCall): void {
    const { freshness, user, wishes, answer } = operation.prepare(call.body);
    this.#look(call, { freshness, user, wishes }, (replica, context, release, behind) => {
      if (this.#listings >= LISTINGS_MAX) {
        return call.fail(new UnderstudyError('resource_exhausted', `too many listings are open: open=${this.#listings}`));
      }
      let pages: Pages;
      try {
        pages = answer(replica.state, replica.kv, context);
      } catch (thrown) {
        const error = asOf(replica.checked(thrown), replica.state.sn);
        return release((refused) => call.fail(refused ?? error));
      }
      this.#listings += 1;
      const done = async (refused: UnderstudyError | null) => {
        try {
          if (refused === null) await this.#sendPages(call, replica, pages, behind);
          else call.fail(refused);
        } finally {
          this.#listings -= 1;
          await pages[Symbol.asyncDispose]();
        }
      };
      release((refused) => void done(refused).catch((error) => call.fail(asError(error))));
    });
  }

  async #sendPages(call: ServerCall, replica: Replica, pages: Pages, behind: Uint8Array): Promise<void> {
    let isSending = false;
    try {
      for await (const page of pages.pages(() => this.#released())) {
        isSending = true;
        await call.item(withBehind(page, behind));
        isSending = false;
      }
      call.reply();
    } catch (thrown) {
      call.fail(isSending ? asError(thrown) : replica.checked(thrown));
    }
  }

  readonly #noteRead = (inode: Inode): void => {
    const { leadership, accessTimes } = this.#served;
    if (leadership !== null) accessTimes.note(inode, leadership.nowMs());
  };

  readonly #troubles: ToldTroubles = {
    ofFile: (inodeId) => this.#served.serving?.troubles.ofFile(inodeId) ?? '',
    ofMount: (mountId) => this.#served.serving?.troubles.ofMount(mountId) ?? '',
  };

  /** Resolves once an answer that sees the state as it is now may leave. */
  #released(): Promise<void> {
    const { leadership } = this.#served;
    if (leadership === null) return Promise.resolve();
    return new Promise((resolve, reject) => leadership.release((refused) => (refused === null ? resolve() : reject(refused))));
  }

  /** Goes on with who the user is, at once where that is known. */
  #identify(user: string | null | undefined, call: ServerCall, then: (identity: Identity) => void): void {
    const { identities } = this.#served;
    const named = checkPrincipal(user || NOBODY, 'user');
    const known = identities.known(named);
    if (known !== null) return then(known);
    identities
      .identify(named)
      .then(then)
      .catch((error) => call.fail(asError(error)));
  }

  /** Goes on once under stores have been asked for what the request has to know of them; at once where nothing is to be asked. */
  #whenLoaded(call: ServerCall, wishes: Wishes, then: () => void, refuse: (error: UnderstudyError) => void): void {
    const { loader } = this.#served;
    const needed = loader?.hasMounts ? wishes(loader.now()).filter((wish) => loader.isNeeded(wish)) : [];
    if (loader === null || needed.length === 0) return then();
    loadAll(loader, needed, call)
      .then(then, (error) => refuse(asError(error)))
      .catch((error) => call.fail(asError(error)));
  }

  /** Lets `look` look at the state, once the master has what the reader asks for, with the way to release its answer. */
  #look(call: ServerCall, reader: Reader, look: Look): void {
    this.#identify(reader.user, call, (identity) => {
      const context = {
        identity,
        settings: this.#settings,
        noteRead: this.#noteRead,
        copies: this.#served.workers,
        troubles: this.#troubles,
      };
      const lookNow = () => this.#lookAs(context, call, reader.freshness, look);
      this.#whenLoaded(call, reader.wishes, lookNow, (error) => call.fail(error));
    });
  }

  #lookAs(context: ReadContext, call: ServerCall, freshness: Reader['freshness'], look: Look): void {
    const { leadership, replica, applied } = this.#served;
    if (leadership !== null && replica !== null) return look(replica, context, (released) => leadership.release(released), NEWEST);
    if (!freshness?.stale && !freshness?.atLeastSn) throw this.#served.notLeader();
    const waiter = {
      waitMs: freshness.waitMs ?? 0,
      get signal() {
        return call.signal;
      },
    };
    applied.wait(freshness.atLeastSn ?? 0, waiter, (refused) => {
      const current = this.#served.replica;
      if (refused !== null || current === null) return call.fail(refused ?? rebuilding());
      // By now this master may lead and have pending changes: then its answers pass its gate too.
      const leads = this.#served.leadership;
      if (leads !== null) return look(current, context, (released) => leads.release(released), NEWEST);
      look(current, context, (released) => released(null), encodeMessage(understudy.ReadAnswer, { behind: this.#served.behind() }));
    });
  }
}

/** Some at a time: a request may name more than may be asked for at once. */
async function loadAll(loader: MetadataLoader, wishes: readonly LoadWish[], call: ServerCall): Promise<void> {
  for (let at = 0; at < wishes.length; at += LOADS_AT_ONCE) {
    await Promise.all(wishes.slice(at, at + LOADS_AT_ONCE).map((wish) => loader.load(wish, call.signal)));
  }
}

const NEWEST = new Uint8Array();
/** Who says no name. */
const NOBODY = 'nobody';

function mutationResponse({ sn, inode, inodes }: Answer, leaseTimeoutMs: number): Uint8Array {
  const answer = { sn, inode: inode && inodeMessage(inode), inodes: inodes.length === 0 ? [] : inodeMessages(inodes), leaseTimeoutMs };
  return encodeMessage(understudy.MutationResponse, answer);
}

/** @returns the answer to a read, with how far behind it is: messages that follow each other are one. */
function withBehind(answer: Uint8Array, behind: Uint8Array): Uint8Array {
  return behind.length === 0 ? answer : Buffer.concat([answer, behind]);
}

export function rebuilding(): UnderstudyError {
  return new UnderstudyError('unavailable', 'this master is rebuilding its metastore');
}

function sessionless(identity: Identity): SubmissionCaller {
  return { clientId: 0, callId: 0, attempt: 1, lowestUnanswered: 0, identity, sessionless: true };
}

/** The client says the group of what is made where the masters know none of the user. */
function submissionCaller(caller: understudy.Caller.$Properties | null | undefined, identity: Identity): SubmissionCaller {
  return {
    clientId: caller?.clientId ?? 0,
    callId: caller?.callId ?? 0,
    attempt: caller?.attempt ?? 0,
    lowestUnanswered: caller?.lowestUnanswered ?? 0,
    identity: identity.group === '' && caller?.group ? { ...identity, group: checkPrincipal(caller.group, 'group') } : identity,
  };
}
