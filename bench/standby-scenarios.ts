/**
 * What standbys cost a leader that feeds them, and how far they are behind what it has acknowledged, at an even pace of creates.
 */
import { s3Settings, startS3 } from '../test/servers/s3.js';
import type { ClusterSettings } from './cluster.js';
import type { Paced } from './load.js';
import type { Figure } from './row.js';
import { type Bench, FILES_PER_DIRECTORY, makeDirectories, type Scenario } from './scenario.js';

const PER_SECOND = 10_000;
const STANDBYS = 2;
const BUCKET = 'bench';

export const standbys: Scenario = {
  name: 'standbys',
  async run(bench) {
    const alone = await measure(bench, { masters: 1 });
    const fed = await measure(bench, { masters: 1 + STANDBYS });
    const [aloneUs, fedUs] = [alone, fed].map(microsecondsPerCreate) as [number, number];
    return [
      lagFigure('standby-lag', 'directory', fed.paced),
      {
        name: 'standby-achieved',
        what: `creates done of those offered at ${PER_SECOND}/s, ${STANDBYS} standbys fed`,
        ...{ value: fed.paced.done / fed.paced.offered, unit: '×' },
      },
      {
        name: 'standby-cost',
        what: `leader's processor time a create, ${STANDBYS} standbys fed over alone`,
        ...{ value: fedUs / aloneUs, unit: '×' },
        note: `${aloneUs.toFixed(1)} µs alone, ${fedUs.toFixed(1)} µs fed`,
      },
    ];
  },
};

export const standbysS3: Scenario = {
  name: 'standbys-s3',
  async run(bench) {
    await using server = await startS3({ make: 'versitygw' });
    await server.createBucket(BUCKET);
    const { paced } = await measure(bench, { masters: 1 + STANDBYS, settings: s3Settings(server.endpoint, BUCKET, 'standbys') });
    return [lagFigure('standby-lag-s3', 'S3', paced)];
  },
};

interface Measured {
  readonly paced: Paced;
  /** Of the leader, for the warm-up left out. */
  readonly processorSeconds: number;
}

async function measure(bench: Bench, settings: Partial<ClusterSettings>): Promise<Measured> {
  await using loaded = await bench.start(settings);
  const { cluster, client } = loaded;
  const leader = await cluster.leader();
  if (leader === undefined) throw new Error('nobody leads');
  const others = cluster.masters.filter((master) => master !== leader).map(({ address }) => address);
  const { measureMs, warmUpMs } = bench.sizes;
  await makeDirectories(client, '/warm', (PER_SECOND * 2 * warmUpMs) / 1000);
  await makeDirectories(client, '/bench', (PER_SECOND * 2 * measureMs) / 1000);
  const common = { perSecond: PER_SECOND, perDirectory: FILES_PER_DIRECTORY, standbys: others };
  await client.pace({ ...common, base: '/warm', forMs: warmUpMs });
  const before = leader.processorSeconds();
  const paced = await client.pace({ ...common, base: '/bench', forMs: measureMs });
  return { paced, processorSeconds: leader.processorSeconds() - before };
}

function microsecondsPerCreate({ paced, processorSeconds }: Measured): number {
  return (processorSeconds / paced.done) * 1e6;
}

function lagFigure(name: string, journal: string, { lagsMs, done, seconds }: Paced): Figure {
  const quantile = (share: number) => lagsMs[Math.min(lagsMs.length - 1, Math.floor(lagsMs.length * share))] ?? Number.NaN;
  return {
    name,
    what: `standby's lag behind the acknowledgement, ${journal}, p99 of ${lagsMs.length}`,
    ...{ value: quantile(0.99), unit: 'ms', p50Ms: quantile(0.5), p99Ms: quantile(0.99) },
    note: `at ${Math.round(done / seconds)} creates/s, one round trip to the standby included; longest ${quantile(1).toFixed(1)} ms`,
  };
}
