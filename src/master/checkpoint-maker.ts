/**
 * Has this master make checkpoints, one at a time: for itself where it leads, or for the leader that asks over RPC.
 */
import { encodeMessage } from '../base/encode-message.js';
import { asError, UnderstudyError } from '../base/errors.js';
import { sequence } from '../base/ids.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { CheckpointRecord } from '../metadata/records.js';
import { checkpointOf } from '../metadata/records.js';
import type { ServerCall } from '../rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS, type RpcClientDeps } from '../rpc/rpc-connection.js';
import { type MakeCheckpointDeps, type MakeStep, makeCheckpoint } from './make-checkpoint.js';
import { rebuilding } from './namespace-service.js';
import type { Replica } from './replica.js';

/** Between two words of how much is written. */
const TELL_INTERVAL_MS = 500;
/** No checkpoint takes so long. A maker that is silent is given up much sooner. */
const MAKE_MAX_MS = 24 * 3_600_000;
const { makeCheckpoint: operation } = operations;

export class CheckpointMaker {
  readonly #deps: MakeCheckpointDeps;
  #isMaking = false;

  constructor(deps: MakeCheckpointDeps) {
    this.#deps = deps;
  }

  /** As `makeCheckpoint`. @throws `resource_exhausted`: one is being made here. */
  async make(replica: Replica, told: (step: MakeStep) => void, signal: AbortSignal): Promise<CheckpointRecord> {
    if (this.#isMaking) throw new UnderstudyError('resource_exhausted', 'this master is making a checkpoint already');
    this.#isMaking = true;
    try {
      return await makeCheckpoint(replica, this.#deps, told, signal);
    } finally {
      this.#isMaking = false;
    }
  }

  /** Serves the operation `makeCheckpoint`. Never throws. */
  async serve(call: ServerCall, replica: Replica | null): Promise<void> {
    let sending: Promise<unknown> = Promise.resolve();
    // Whether the leader has gone is told by the call's signal.
    const send = (item: Parameters<typeof operation.response.encode>[0]) => {
      sending = sending.then(() => call.item(encodeMessage(operation.response, item))).catch(() => undefined);
    };
    let toldMs = Number.NEGATIVE_INFINITY;
    const told = (step: MakeStep) => {
      if (step.type === 'armed') return send({ armed: true });
      if (step.type === 'taken') return send({ takenSn: step.sn });
      const nowMs = this.#deps.clock.monotonicMs();
      if (nowMs - toldMs < TELL_INTERVAL_MS) return;
      toldMs = nowMs;
      send({ rows: step.rows });
    };
    try {
      if (replica === null) throw rebuilding();
      const { epoch } = decodeRequest(operation.request, call.body);
      const follows = replica.state.epoch;
      if (epoch !== follows) throw new UnderstudyError('failed_precondition', `another leadership is followed here: epoch=${follows}`);
      send({ checkpoint: await this.make(replica, told, call.signal) });
      await sending;
      call.reply();
    } catch (error) {
      call.fail(asError(error));
    }
  }
}

/** Has the master at `address` make one, for the leader of `epoch`. @throws what that master answers; `unavailable`; `cancelled`. */
export async function makeCheckpointAt(
  deps: RpcClientDeps,
  { address, epoch }: { readonly address: string; readonly epoch: number },
  told: (step: MakeStep) => void,
  signal: AbortSignal,
): Promise<CheckpointRecord> {
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal);
  const items = connection.stream(operation.method, encodeMessage(operation.request, { epoch }), { timeoutMs: MAKE_MAX_MS, signal });
  let made: CheckpointRecord | undefined;
  for await (const body of items) {
    const { armed, takenSn, rows, checkpoint } = operation.response.decode(body);
    if (checkpoint != null) made = checkpointOf(checkpoint);
    else if (armed) told({ type: 'armed' });
    else if (takenSn > 0) told({ type: 'taken', sn: sequence(takenSn) });
    else told({ type: 'written', rows });
  }
  if (made === undefined) throw new UnderstudyError('internal', `no checkpoint came of it: master=${address}`);
  return made;
}
