/**
 * How many durable creates a second one client gets done with the journal on S3: on a server on this machine, and on one whose PUTs take
 * 10 ms, as a store in the next building has them.
 */
import { systemClock } from '../src/base/system-clock.js';
import { S3ObjectStore } from '../src/journal/s3-object-store.js';
import { CREDENTIALS, s3Settings, startS3 } from '../test/servers/s3.js';
import { S3FaultProxy } from '../test/servers/s3-fault-proxy.js';
import type { Figure, Floor } from './row.js';
import { type Bench, everyOne, makeDirectories, type Scenario } from './scenario.js';

const IN_FLIGHT = 2_048;
const SLOW_PUT_MS = 10;
const BUCKET = 'bench';
/** Bytes that an entry has in the journal, roughly; half of the calls in flight are in one batch. */
const ENTRY_BYTES = 128;
const BATCH_ENTRIES = IN_FLIGHT / 2;
const PUTS = 200;

export const s3: Scenario = {
  name: 's3',
  async run(bench) {
    await using server = await startS3({ make: 'versitygw' });
    await server.createBucket(BUCKET);
    await using proxy = await S3FaultProxy.start(server.endpoint);
    proxy.putDelayMs = SLOW_PUT_MS;
    const near = await created(bench, 's3-create-2048', 'createFile, journal on S3', server.endpoint, 'near');
    const slow = await created(
      bench,
      's3-create-2048-slow',
      `createFile, journal on S3 with PUTs of ${SLOW_PUT_MS} ms more`,
      proxy.endpoint,
      'slow',
    );
    return [near, slow];
  },
};

async function created(bench: Bench, name: string, what: string, endpoint: string, prefix: string): Promise<Figure> {
  const { files, warmUpMs, measureMs } = bench.sizes;
  const put = await measurePut(endpoint);
  await using loaded = await bench.start({ settings: s3Settings(endpoint, BUCKET, prefix) });
  await makeDirectories(loaded.client, '/bench', files);
  const load = everyOne({ operation: 'create', base: '/bench', to: files, inFlight: IN_FLIGHT, warmUpMs, measureMs });
  const { units, seconds, p50Ms, p99Ms } = await loaded.client.run(load);
  const floor: Floor = { what: `a PUT of ${BATCH_ENTRIES} entries at a time`, value: (BATCH_ENTRIES / put.tookMs) * 1000 };
  const note = `a PUT takes ${put.tookMs.toFixed(1)} ms, ${put.processorMs.toFixed(1)} ms of them processor time of the client`;
  return { name, what: `${what}, ${IN_FLIGHT} in flight`, value: units / seconds, unit: '/s', p50Ms, p99Ms, floor, note };
}

/** One after the other, with nothing else to do. */
async function measurePut(endpoint: string): Promise<{ readonly tookMs: number; readonly processorMs: number }> {
  const settings = { bucket: BUCKET, prefix: 'floor/', endpoint, region: 'us-east-1', pathStyle: true, credentials: CREDENTIALS };
  await using store = new S3ObjectStore({ ...settings, requestTimeoutMs: 10_000 }, { clock: systemClock });
  const bytes = Buffer.alloc(BATCH_ENTRIES * ENTRY_BYTES, 1);
  const name = `${process.pid}-${performance.now()}`;
  const before = process.cpuUsage();
  const startMs = performance.now();
  for (let put = 0; put < PUTS; put++) await store.create(`${name}-${put}`, bytes);
  const { user, system } = process.cpuUsage(before);
  return { tookMs: (performance.now() - startMs) / PUTS, processorMs: (user + system) / 1000 / PUTS };
}
