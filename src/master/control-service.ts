/**
 * The methods that concern a master or a client's session, not the namespace.
 */
import type { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, UnderstudyError } from '../base/errors.js';
import { digestText } from '../metadata/digest.js';
import { CALL_WINDOW } from '../metadata/keys.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';
import type { CheckpointMaker } from './checkpoint-maker.js';
import type { Leadership } from './leadership.js';
import { confirmedStatus } from './master-status.js';
import { rebuilding, type Served } from './namespace-service.js';
import type { Serving } from './serving.js';
import type { StandbyStreams } from './standby-streams.js';

export interface SessionSettings {
  /** Clients that may be registered at once. */
  readonly clientsMax: number;
  /** Milliseconds that a client may be silent while it writes. */
  readonly leaseTimeoutMs: number;
}

export interface Controlled extends Served {
  readonly sessionSettings: SessionSettings;
  /** It replays and answers reads, and has no other part in the cluster. */
  readonly isObserver: boolean;
  readonly maker: CheckpointMaker;
  /** Null unless this master leads. */
  readonly serving: Serving | null;
  /** Who is fed from memory while this master leads. */
  readonly standbys: StandbyStreams;
  status(): understudy.MasterStatusResponse.$Properties;
}

/** @returns the handlers by method number. */
export function controlMethods(master: Controlled): ReadonlyMap<number, CallHandler> {
  return new Map<number, CallHandler>([
    [operations.registerClient.method, (call) => registerClient(master, call)],
    [operations.closeClient.method, (call) => closeClient(master, call)],
    [operations.masterStatus.method, (call) => masterStatus(master, call)],
    [operations.digest.method, (call) => void digest(master, call)],
    [operations.checkpoint.method, (call) => void checkpoint(master, call)],
    [operations.makeCheckpoint.method, (call) => makeCheckpoint(master, call)],
    [operations.followJournal.method, (call) => master.standbys.follow(call, () => master.notLeader())],
    [operations.reportApplied.method, (call) => master.standbys.report(call)],
  ]);
}

/** A registration that is retried may register twice: the first one is forgotten for want of use. */
function registerClient(master: Controlled, call: ServerCall): void {
  const leadership = mustLead(master);
  const { clientsMax, leaseTimeoutMs } = master.sessionSettings;
  let clientId = 0;
  leadership.submit({
    caller: null,
    plan(state) {
      const { clients } = state.nextIds();
      if (clients >= clientsMax) {
        throw new UnderstudyError('resource_exhausted', `too many clients are registered: clients=${clients} max=${clientsMax}`);
      }
      clientId = state.nextIds().clientId;
      return { entry: { registerClient: { clientId } } };
    },
    settle(refused) {
      if (refused !== null) call.fail(refused);
      else call.reply(encodeMessage(operations.registerClient.response, { clientId, window: CALL_WINDOW, leaseTimeoutMs }));
    },
  });
}

function closeClient(master: Controlled, call: ServerCall): void {
  const leadership = mustLead(master);
  const { clientId } = decodeRequest(operations.closeClient.request, call.body);
  leadership.submit({
    caller: null,
    plan: (state) => (state.session(clientId) === null ? { unchanged: null } : { entry: { expireClients: { clientIds: [clientId] } } }),
    settle: (refused) => (refused === null ? call.reply() : call.fail(refused)),
  });
}

/** A leader says that it leads only if the journal confirms it. One that is handing over has just been confirmed, and is not to be superseded now. */
function masterStatus(master: Controlled, call: ServerCall): void {
  const reply = (refused: UnderstudyError | null) => {
    const status = confirmedStatus(master.status(), refused, master.leadership?.canWrite === true);
    call.reply(encodeMessage(operations.masterStatus.response, status));
  };
  if (master.leadership === null || master.leadership.isHeld) reply(null);
  else master.leadership.release(reply);
}

async function digest(master: Controlled, call: ServerCall): Promise<void> {
  try {
    if (master.replica === null) throw rebuilding();
    const at = await master.replica.writeBehind.digest();
    call.reply(encodeMessage(operations.digest.response, { sn: at.sn, digest: digestText(at.digest) }));
  } catch (error) {
    call.fail(asError(error));
  }
}

async function checkpoint(master: Controlled, call: ServerCall): Promise<void> {
  const { serving } = master;
  try {
    if (serving === null) throw master.notLeader();
    const { newest, made } = await serving.checkpointer.checkpoint();
    const how = made === null ? {} : { made: true, maker: made.maker, tookMs: made.tookMs };
    call.reply(encodeMessage(operations.checkpoint.response, { checkpoint: newest, ...how }));
  } catch (error) {
    call.fail(master.serving === serving ? asError(error) : master.notLeader());
  }
}

function makeCheckpoint(master: Controlled, call: ServerCall): void {
  if (master.isObserver) throw new UnderstudyError('failed_precondition', 'an observer makes no checkpoints');
  void master.maker.serve(call, master.replica);
}

function mustLead(master: Controlled): Leadership {
  if (master.leadership === null) throw master.notLeader();
  return master.leadership;
}
