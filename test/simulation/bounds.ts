/**
 * What a master holds in memory, against the bounds that it was given (I9): looked at now and then, from outside.
 */
import type { Master } from '../../src/master/master.js';
import { RPC_BOUNDS } from './sim-master.js';
import type { SimNetwork } from './sim-network.js';
import type { SimProcess } from './sim-process.js';
import type { MasterTuning } from './world-settings.js';

/** Timers of one process: one or a few for each connection, call and loop. One that forgets to cancel has more soon. */
const TIMERS_MAX = 500;
/** Rows in memory on their way to the store: generations of flushes (write-behind), each of this many and one batch more. */
const GENERATIONS_MAX = 4;
const ROWS_PER_BATCH_MAX = 1_000;

interface Held {
  readonly what: string;
  readonly held: number;
  readonly bound: number;
}

/** @returns what is over its bound, in words. @param thoroughly looks at what takes longer to count, too. */
export function overBounds(master: Master, process: SimProcess, network: SimNetwork, tuning: MasterTuning, thoroughly: boolean): string[] {
  const { standbyStreamsMax, connectionsMax, outgoingBytesMax } = RPC_BOUNDS;
  const held: Held[] = [
    ...(thoroughly ? recentBatches(master, tuning) : []),
    { what: 'timers', held: process.timers, bound: TIMERS_MAX },
    { what: 'connections', held: master.connections, bound: connectionsMax },
    { what: 'standbys fed', held: master.standbys.list().length, bound: standbyStreamsMax },
    { what: 'mutations that wait for the journal', held: master.leadership?.queued ?? 0, bound: tuning.queueMax },
    { what: 'bytes on their way to one peer', held: network.bufferedBytes(process.host), bound: outgoingBytesMax },
    {
      what: 'changed rows',
      held: master.replica?.state.changedRows ?? 0,
      bound: GENERATIONS_MAX * (tuning.flushRows + ROWS_PER_BATCH_MAX),
    },
  ];
  return held
    .filter((one) => one.held > one.bound)
    .map(({ what, held, bound }) => `I9: ${process.name} holds ${held} ${what}, and ${bound} is the bound`);
}

function recentBatches({ replica }: Master, { recentBytesMax }: MasterTuning): Held[] {
  if (replica === null) return [];
  const { recent } = replica;
  let [bytes, largest] = [0, 0];
  for (let number = recent.first, batch = recent.get(number); batch !== undefined; number += 1, batch = recent.get(number)) {
    bytes += batch.item.length;
    largest = Math.max(largest, batch.item.length);
  }
  return [{ what: 'bytes of recent batches', held: bytes, bound: Math.max(recentBytesMax, largest) }];
}
