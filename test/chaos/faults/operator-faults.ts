/** What operators do, at bad moments: the lead handed over, a checkpoint asked for. What they are refused is no failure. */
import { requestCheckpoint } from '../../../src/client/request-checkpoint.js';
import { transferLeader } from '../../../src/client/transfer-leader.js';
import type { Fault } from '../fault.js';

const TRANSFER_LIMIT_MS = 5_000;
const CHECKPOINT_LIMIT_MS = 10_000;

export const operatorFaults: readonly Fault[] = [
  {
    name: 'lead handed over',
    lastsMs: [0, 500],
    promisedMs: 100,
    async begin(world, random) {
      const leading = await world.leader();
      const { address } = random.pick(world.masters.filter((master) => master !== leading));
      const asked = transferLeader(world.fs.client, { to: address, timeoutMs: TRANSFER_LIMIT_MS }).catch(() => undefined);
      return async () => {
        await asked;
      };
    },
  },
  {
    name: 'checkpoint asked for',
    lastsMs: [0, 500],
    promisedMs: 0,
    async begin(world) {
      const asked = requestCheckpoint(world.fs.client, { timeoutMs: CHECKPOINT_LIMIT_MS }).catch(() => undefined);
      return async () => {
        await asked;
      };
    },
  },
];
