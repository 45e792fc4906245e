/**
 * What it takes a leader to learn what a worker with very many blocks holds, and what that does to others that ask it something meanwhile.
 */
import { randomBytes } from 'node:crypto';
import { silentLog } from '../src/base/log.js';
import { systemClock } from '../src/base/system-clock.js';
import { systemRandom } from '../src/base/system-random.js';
import { sleep } from '../src/base/wait.js';
import type { StoredBlock } from '../src/blocks/block-store.js';
import { operations } from '../src/metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../src/rpc/rpc-connection.js';
import { tcpNetwork } from '../src/rpc/tcp-network.js';
import { ChangeLog } from '../src/worker/change-log.js';
import { MasterLinks } from '../src/worker/master-links.js';
import { waitUntil } from '../test/servers/wait-until.js';
import { everyOne, makeFiles, type Scenario } from './scenario.js';
import { LONG_MS } from './turns.js';

const BLOCKS = 1_000_000;
const LIMIT_MS = 120_000;
const ASKING_MS = 3_000;
/** A turn is written down when it has ended, and the one that let all be known has not yet. */
const LAST_TURN_MS = 100;

export const worker: Scenario = {
  name: 'worker',
  async run(bench) {
    await using loaded = await bench.start({ watchesTurns: true });
    const { cluster, client } = loaded;
    await makeFiles(client, '/w', 1_000);
    const [master = ''] = cluster.place.masters;
    const before = cluster.first.memory();
    const changes = new ChangeLog({ blocks: manyBlocks, watch: () => () => {} });
    const asking = client.run(
      everyOne({ operation: 'get-status', base: '/w', to: 1_000, around: true, inFlight: 1, measureMs: ASKING_MS }),
    );
    const cpuBefore = cluster.first.processorSeconds();
    const [startedMs, startedUnixMs] = [performance.now(), Date.now()];
    await using _links = linksOf(master, changes);
    await waitUntil('the leader knows all blocks', async () => (await blocksKnown(master)) === BLOCKS, LIMIT_MS);
    const seconds = (performance.now() - startedMs) / 1_000;
    const note = `CPU: leader ${(cluster.first.processorSeconds() - cpuBefore).toFixed(2)} s`;
    await sleep(systemClock, LAST_TURN_MS);
    const { tookMs, ownMs } = cluster.first.longestTurns(startedUnixMs);
    const { p50Ms, p99Ms } = await asking;
    const after = cluster.first.memory();
    return [
      { name: 'worker-register', what: `a worker with ${BLOCKS} blocks registers, all told`, value: seconds, unit: 's', note },
      { name: 'worker-register-others', what: 'getStatus meanwhile, 1 in flight, p99', value: p99Ms, unit: 'ms', p50Ms, p99Ms },
      {
        name: 'worker-register-turn',
        what: 'longest turn of the leader’s event loop meanwhile, less the time that it waited for a core',
        value: Math.max(ownMs, LONG_MS),
        isBelow: ownMs < LONG_MS,
        unit: 'ms',
        note: `by the clock: ${tookMs < LONG_MS ? `below ${LONG_MS}` : tookMs.toFixed(1)} ms`,
      },
      {
        name: 'worker-register-memory',
        what: 'resident memory of the leader that it takes',
        value: after.nowMiB - before.nowMiB,
        unit: 'MiB',
      },
    ];
  },
};

function* manyBlocks(): Iterable<StoredBlock> {
  // Numbers that no file has yet: the leader lets them be.
  for (let at = 1; at <= BLOCKS; at++) yield { id: { inodeId: 1e9 + at, index: 0, generation: 1 }, bytes: 4_096, tier: 0, evictable: true };
}

function linksOf(master: string, changes: ChangeLog): MasterLinks {
  const deps = { clock: systemClock, random: systemRandom, log: silentLog, network: tcpNetwork };
  const hex = () => randomBytes(16).toString('hex');
  return new MasterLinks({
    ...deps,
    connect: (address, signal) => connectRpc(RPC_CLIENT_DEFAULTS, deps, address, signal),
    changes,
    identity: { id: hex(), incarnation: hex(), rpcAddress: '127.0.0.1:1', webAddress: '127.0.0.1:1', version: 'bench' },
    tiers: () => [],
    execute: async () => {},
    findMasters: async () => [master],
    blocksOf: { clusterId: '', incarnationId: '' },
    joined: async () => {},
  });
}

async function blocksKnown(master: string): Promise<number> {
  const deps = { clock: systemClock, log: silentLog, network: tcpNetwork };
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, master, AbortSignal.timeout(5_000));
  const { method, request, response } = operations.listWorkers;
  const { workers } = response.decode(await connection.call(method, request.encode({}).finish(), { timeoutMs: 5_000 }));
  return workers[0]?.blocks ?? 0;
}
