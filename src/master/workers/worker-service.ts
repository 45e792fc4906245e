/**
 * The methods by which workers tell a master what they hold, and people ask for it. Served by every master, whatever its role.
 *
 * A heartbeat is held until there are commands, a second at most: one is always under way, so that the loss of a connection is seen at once.
 * What a report brings is applied at once: up to `CHANGES_MAX` changes, some milliseconds of the event loop.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../../base/clock.js';
import { encodeMessage } from '../../base/encode-message.js';
import { isError, UnderstudyError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { TierUse } from '../../blocks/block-store.js';
import { countFields } from '../../metadata/count-fields.js';
import { decodeRequest } from '../../metadata/operation.js';
import { operations } from '../../metadata/operations.js';
import type { CallHandler, ServerCall } from '../../rpc/rpc.js';
import type { KnownWorker, PersistFailure, WorkerIdentity } from './known-worker.js';
import type { WorkerRoster } from './worker-roster.js';

interface Deps {
  readonly roster: WorkerRoster;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the journal. */
  readonly clusterId: string;
  readonly incarnationId: string;
  readonly ownAddress: () => string;
  /** This master leads: what it commands is to be done. */
  readonly leads: () => boolean;
  /** `host:port` of other masters that are known. */
  readonly masters: () => readonly string[];
}

/** Its blocks would count as those of files that have the same numbers now. */
const OTHER_HISTORY =
  'its blocks are of the history that the journal had before it was restored, and files may have their numbers now: empty its directories, ' +
  'or, where the restore gave nothing up, remove the file CLUSTER from each of them';
const CHANGES_MAX = 16_384;
const OTHER_FIELDS_MAX = 64;
const TIERS_MAX = 16;
const REASON_CHARS_MAX = 1_024;
const HOLD_MS = 1_000;

/** @returns the handlers by method number. */
export function workerMethods(deps: Deps): ReadonlyMap<number, CallHandler> {
  const { registerWorker, reportBlocks, workerHeartbeat, listWorkers } = operations;
  return new Map<number, CallHandler>([
    [registerWorker.method, (call) => register(call, deps)],
    [reportBlocks.method, (call) => report(call, deps)],
    [workerHeartbeat.method, (call) => heartbeat(call, deps)],
    [
      listWorkers.method,
      (call) =>
        call.reply(encodeMessage(listWorkers.response, { workers: deps.roster.list().map((worker) => shown(worker, deps.roster)) })),
    ],
  ]);
}

function register(call: ServerCall, { roster, clusterId, incarnationId, ownAddress }: Deps): void {
  const { request, response } = operations.registerWorker;
  const { worker: who, tiers, change, oldestChange, incarnationId: itsOwn } = decodeRequest(request, call.body);
  const isOfAnother = itsOwn !== '' && itsOwn !== incarnationId;
  const { refused, worker } = isOfAnother
    ? { refused: OTHER_HISTORY, worker: null }
    : roster.meet(identityOf(who), { change, oldestChange });
  if (worker !== null) worker.tiers = tiersOf(tiers);
  const { session = 0, change: knownChange = 0 } = worker ?? {};
  call.reply(encodeMessage(response, { clusterId, incarnationId, knownChange, session, refused, address: ownAddress() }));
}

function report(call: ServerCall, { roster }: Deps): void {
  const { request, response } = operations.reportBlocks;
  const told = decodeReport(request, call.body);
  const worker = roster.ofSession(told.session);
  if (worker !== undefined) roster.hear(worker);
  const isTaken = worker?.take(told) === true;
  if (!isTaken) worker?.doubt();
  call.reply(encodeMessage(response, { knownChange: worker?.change ?? 0, again: !isTaken }));
}

/** @throws `invalid_argument`: more than a report may hold. */
function decodeReport(request: typeof operations.reportBlocks.request, body: Uint8Array): understudy.ReportBlocksRequest {
  if (countFields(body, CHANGES_MAX + OTHER_FIELDS_MAX) > CHANGES_MAX + OTHER_FIELDS_MAX) {
    throw new UnderstudyError('invalid_argument', `the report has too many changes: max=${CHANGES_MAX}`);
  }
  try {
    return request.decode(body);
  } catch (cause) {
    throw new UnderstudyError('invalid_argument', 'the request cannot be decoded', { cause });
  }
}

function heartbeat(call: ServerCall, deps: Deps): void {
  const { roster, clock, log } = deps;
  const told = decodeRequest(operations.workerHeartbeat.request, call.body);
  const worker = roster.ofSession(told.session);
  if (worker === undefined) return answer(call, deps, true, []);
  roster.hear(worker);
  worker.tiers = tiersOf(told.tiers);
  worker.isLeaving = told.leaving;
  if (deps.leads()) worker.noteFailures(told.failures.map(failureOf));
  worker.isCutOff = false;
  worker.beat?.end(false);
  if (!worker.agrees(told)) {
    const { address, blocks } = worker;
    log.warn(
      { address, blocks: told.blocks, known: blocks.count },
      'a worker holds other blocks than this master believes; it tells all again',
    );
    worker.doubt();
    return answer(call, deps, true, []);
  }
  hold(call, worker, deps, clock);
}

function hold(call: ServerCall, worker: KnownWorker, deps: Deps, clock: Clock): void {
  const end = (again: boolean) => {
    if (worker.beat !== beat) return;
    worker.beat = null;
    timer.cancel();
    answer(call, deps, again, again || !deps.leads() ? [] : worker.takeCommands());
  };
  const beat = { end };
  const timer = clock.setTimer(HOLD_MS, () => end(false));
  worker.beat = beat;
  if (worker.hasCommands && deps.leads()) return end(false);
  call.signal.addEventListener('abort', () => {
    if (worker.beat !== beat) return;
    end(false);
    if (!isError(call.signal.reason, 'deadline_exceeded')) deps.roster.cutOff(worker);
  });
}

function answer(call: ServerCall, { masters }: Deps, again: boolean, commands: understudy.WorkerCommand.$Properties[]): void {
  call.reply(encodeMessage(operations.workerHeartbeat.response, { again, commands, masters: [...masters()] }));
}

const ID = /^[0-9a-f]{32}$/;
const ADDRESS = /^[^\s/]{1,255}:\d{1,5}$/;

/** @throws `invalid_argument`. */
function identityOf(told: understudy.WorkerIdentity.$Properties | null | undefined): WorkerIdentity {
  const { id = '', incarnation = '', rpcAddress = '', webAddress = '', domainSocket = '', version = '' } = told ?? {};
  const identity = { id, incarnation, rpcAddress, webAddress, domainSocket, version } as WorkerIdentity;
  if (!ID.test(identity.id) || !ID.test(identity.incarnation) || !ADDRESS.test(identity.rpcAddress)) {
    throw new UnderstudyError('invalid_argument', `a worker does not say who it is: id=${id} address=${JSON.stringify(rpcAddress)}`);
  }
  return identity;
}

function failureOf({ inodeId, generation, reason }: understudy.PersistFailure.$Properties): PersistFailure {
  return { inodeId: inodeId ?? 0, generation: generation ?? 0, reason: (reason ?? '').slice(0, REASON_CHARS_MAX) };
}

function tiersOf(tiers: readonly understudy.TierUse.$Properties[]): readonly TierUse[] {
  return tiers.slice(0, TIERS_MAX).map((tier) => ({
    name: tier.name ?? '',
    capacityBytes: tier.capacityBytes ?? 0,
    usedBytes: tier.usedBytes ?? 0,
    directories: tier.directories ?? 0,
    failedDirectories: tier.failedDirectories ?? 0,
  }));
}

function shown(worker: KnownWorker, roster: WorkerRoster): understudy.WorkerInfo.$Properties {
  return {
    worker: { ...worker.identity },
    state: worker.state,
    tiers: worker.tiers.map((tier) => ({ ...tier })),
    blocks: worker.blocks.count,
    sinceMs: Math.floor(worker.sinceMs),
    heardMs: Math.floor(roster.silenceMs(worker)),
    ...(worker.blocksLeft === null ? {} : { blocksLeft: worker.blocksLeft }),
  };
}
