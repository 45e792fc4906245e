/**
 * How long a client that writes without pause waits when the leader is killed, told to stop, or told to hand the lead over.
 */

import { waitUntil } from '../test/servers/wait-until.js';
import { startZooKeeper } from '../test/servers/zookeeper.js';
import type { Silence } from './load.js';
import { machineMs } from './load.js';
import type { Figure } from './row.js';
import { type Bench, everyOne, type Loaded, makeFiles, type Scenario } from './scenario.js';
import { SESSION_TIMEOUT_MS } from './targets.js';

const MASTERS = 3;
const WRITERS = 16;
const BASE = '/bench/d0';
const BEFORE_MS = 300;
const AFTER_MS = 300;
const TAKEOVER_LIMIT_MS = 60_000;
const WAYS = ['SIGKILL', 'SIGTERM', 'transfer'] as const;

type Way = (typeof WAYS)[number];

/** Who hands over goes on serving until the next one is ready. */
const WHAT: Readonly<Record<Way, string>> = {
  SIGKILL: 'SIGKILL to the next acknowledged write',
  SIGTERM: 'SIGTERM, longest pause between acknowledged writes',
  transfer: 'leader transfer, longest pause between acknowledged writes',
};

export const takeoverEmbedded: Scenario = {
  name: 'takeover-embedded',
  run: async (bench) => {
    await using loaded = await bench.start({ masters: MASTERS });
    return await takeovers(bench, loaded, { name: 'embedded', files: 0, ways: WAYS });
  },
};

export const takeoverZooKeeper: Scenario = {
  name: 'takeover-zookeeper',
  run: (bench) => zooKeeperTakeovers(bench, { name: 'zookeeper', files: bench.sizes.takeoverFiles, ways: WAYS }),
};

/** The same with ten times as many files: the gap must not grow with them. */
export const takeoverLarge: Scenario = {
  name: 'takeover-large',
  run: (bench) => zooKeeperTakeovers(bench, { name: 'zookeeper-large', files: bench.sizes.manyFiles, ways: ['SIGKILL', 'transfer'] }),
};

interface Takeovers {
  readonly name: string;
  /** Files that are there before. */
  readonly files: number;
  readonly ways: readonly Way[];
}

async function zooKeeperTakeovers(bench: Bench, takeover: Takeovers): Promise<Figure[]> {
  await using ensemble = await startZooKeeper();
  const zookeeper = { address: ensemble.connectString, sessionTimeoutMs: SESSION_TIMEOUT_MS };
  await using loaded = await bench.start({ masters: MASTERS, zookeeper });
  return await takeovers(bench, loaded, takeover);
}

async function takeovers({ sizes }: Bench, loaded: Loaded, { name, files, ways }: Takeovers): Promise<Figure[]> {
  await loaded.client.run(everyOne({ operation: 'create-directory', base: '/bench', to: 1, inFlight: 1 }));
  if (files > 0) await makeFiles(loaded.client, '/full', files);
  await loaded.cluster.ready();
  const figures: Figure[] = [];
  for (const way of ways) {
    const silences: Silence[] = [];
    for (let run = 0; run < sizes.takeoverRuns; run++) silences.push(await takeover(loaded, way, `${BASE}/${way}-${run}-`));
    const gaps = silences.map(({ endsAfterMs, lengthMs }) => (way === 'SIGKILL' ? endsAfterMs : lengthMs)).sort((a, b) => a - b);
    const middle = gaps[Math.floor(gaps.length / 2)] ?? Number.NaN;
    const worst = gaps.at(-1) ?? Number.NaN;
    figures.push({
      name: `takeover-${name}-${way.toLowerCase()}`,
      what: `${WHAT[way]}, ${name}, ${files} files, worst of ${gaps.length}`,
      files,
      ...{ value: worst, unit: 'ms', p50Ms: middle, p99Ms: worst },
      note: `all: ${gaps.map((gap) => gap.toFixed(0)).join(' ')}`,
    });
  }
  return figures;
}

/** Takes the lead from the leader while the client writes, waits for another one, and brings the first back as a standby. */
async function takeover({ cluster, client }: Loaded, way: Way, base: string): Promise<Silence> {
  const leader = await cluster.leader();
  if (leader === undefined) throw new Error('nobody leads');
  await client.write(base, WRITERS);
  await pause(BEFORE_MS);
  const atMs = machineMs();
  const gone = way === 'transfer' ? cluster.transfer() : leader.stop(way);
  client.mark(atMs);
  await gone;
  await waitUntil('another leads', async () => ((await cluster.leader()) ?? leader) !== leader, TAKEOVER_LIMIT_MS);
  await pause(AFTER_MS);
  const silence = await client.silence();
  if (way !== 'transfer') leader.start();
  await cluster.ready();
  return silence;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
