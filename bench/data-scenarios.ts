/**
 * How fast the bytes of files are written and read, and what memory that takes: one worker, blocks in memory where the machine has such a place.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { FileSystem } from '../src/cli/understudy.js';
import { toldPlaces } from '../src/client/data/block-places.js';
import { memoryFolder, ownFolder } from '../test/servers/own-folder.js';
import { waitUntil } from '../test/servers/wait-until.js';
import type { Cluster } from './cluster.js';
import { cpuSeconds } from './cpu-seconds.js';
import type { DataMeasured, DataRequest, DataWork } from './data-load.js';
import { DataClient, DataWorker } from './data-processes.js';
import { residentMemory } from './resident-memory.js';
import type { Figure } from './row.js';
import type { Bench, Scenario } from './scenario.js';

const MIB = 1 << 20;
const QUOTA = '4500MB';
const MASTERS = 3;
const RANDOM_READS = 2_000;
const SMALL_FILES = 10_000;
const SMALL_IN_FLIGHT = 64;

const mebibytes = ({ bytes, seconds }: DataMeasured): number => bytes / 1e6 / seconds;

export const data: Scenario = { name: 'data', run: (bench) => withWorker(bench, measureLarge) };
export const dataSmall: Scenario = { name: 'data-small', run: (bench) => withWorker(bench, measureSmall) };
export const dataTakeover: Scenario = { name: 'data-takeover', run: (bench) => withWorker(bench, measureTakeovers, MASTERS) };

/** Measures with a master, a worker with its blocks in `folder`, and a client process each time. */
interface DataBench {
  readonly folder: string;
  /** Of the large file. */
  readonly bytes: number;
  readonly worker: DataWorker;
  readonly cluster: Cluster;
  readonly run: (work: DataWork, more?: Partial<DataRequest>) => Promise<RunMeasured>;
}

interface RunMeasured extends DataMeasured {
  readonly peakMiB: number;
  /** Where the processor time went: on a machine that does other things, too, this tells more than the time that went by. */
  readonly note: string;
}

async function withWorker(bench: Bench, measure: (data: DataBench) => Promise<Figure[]>, count = 1): Promise<Figure[]> {
  const own = ownFolder('bench-data', memoryFolder());
  const { path: folder } = own;
  await using loaded = await bench.start({ masters: count });
  const { cluster } = loaded;
  const { masters } = cluster.place;
  await using worker = await DataWorker.start(masters, path.join(folder, 'worker'), QUOTA, bench.profileFolder);
  const { dataBytes: bytes } = bench.sizes;
  const run = async (work: DataWork, more: Partial<DataRequest> = {}) => {
    await using client = DataClient.start(bench.profileFolder);
    const before = [worker.pid, ...cluster.masters.map(({ pid }) => pid)].map((pid) => ({ pid, seconds: cpuSeconds(pid) }));
    const measured = await client.measure({ work, masters, path: '/data', bytes, count: 0, inFlight: 1, ...more });
    const [ofWorker = 0, ...ofMasters] = before.map(({ pid, seconds }) => (pid === more.killAtHalf ? 0 : cpuSeconds(pid) - seconds));
    const ofAll = ofMasters.reduce((sum, seconds) => sum + seconds, 0);
    const note = `CPU: client ${cpuSeconds(client.pid).toFixed(2)} s, worker ${ofWorker.toFixed(2)} s, masters ${ofAll.toFixed(2)} s`;
    return { ...measured, peakMiB: residentMemory(client.pid).peakMiB, note };
  };
  try {
    return await measure({ folder, bytes, worker, cluster, run });
  } finally {
    own.remove();
  }
}

async function measureSmall({ run }: DataBench): Promise<Figure[]> {
  const small = { path: '/small', count: SMALL_FILES, inFlight: SMALL_IN_FLIGHT };
  const written = await run('small-writes', small);
  const read = await run('small-reads', small);
  return [smallFigure('data-small-write', 'files of 4 KiB written', written), smallFigure('data-small-read', 'files of 4 KiB read', read)];
}

/** One stream of four times the usual file, left alone and then with the leader killed at half. */
async function measureTakeovers({ folder, bytes, cluster, run }: DataBench): Promise<Figure[]> {
  const size = { bytes: 4 * bytes };
  // Memory that a virtual machine uses for the first time comes slowly.
  const plain = path.join(folder, 'plain');
  writePlain(plain, size.bytes);
  rmSync(plain);
  const figures: Figure[] = [];
  const both = async (work: 'write' | 'read', between: () => Promise<void>) => {
    const alone = await run(work, size);
    await between();
    const leader = await cluster.leader();
    if (leader === undefined) throw new Error('nobody leads');
    const killed = await run(work, { ...size, killAtHalf: leader.pid });
    await leader.stop('SIGKILL');
    leader.start();
    await cluster.ready();
    const what = `of ${Math.round(size.bytes / MIB)} MiB, the leader killed at half`;
    const [gapMs = 0, aloneMs = 0, closeMs = 0, aloneCloseMs = 0] = [killed.gapMs, alone.gapMs, killed.closeMs, alone.closeMs];
    const rates = `${mebibytes(killed).toFixed(0)} MB/s, left alone ${mebibytes(alone).toFixed(0)} MB/s`;
    const note = `left alone: ${aloneMs.toFixed(1)} ms; ${rates}`;
    figures.push({ name: `data-takeover-${work}`, what: `longest pause of a ${work} ${what}`, value: gapMs, unit: 'ms', note });
    if (work === 'read') return;
    const closing = `left alone: ${aloneCloseMs.toFixed(1)} ms`;
    figures.push({ name: 'data-takeover-close', what: 'its last byte to its being complete', value: closeMs, unit: 'ms', note: closing });
  };
  await both('write', () => removeAll(cluster.place.masters));
  await both('read', async () => {});
  return figures;
}

/** Removes the file, and waits until the worker has its room again. */
async function removeAll(masters: readonly string[]): Promise<void> {
  await using fs = await FileSystem.connect({ masters });
  const room = async () => (await toldPlaces(fs.client).workers())[0]?.freeBytes ?? 0;
  const before = await room();
  await fs.remove('/data', { skipTrash: true });
  let last = before;
  await waitUntil('the blocks are gone', async () => {
    const now = await room();
    const isSettled = now > before && now === last;
    last = now;
    return isSettled;
  });
}

async function measureLarge({ folder, bytes, worker, run }: DataBench): Promise<Figure[]> {
  const plain = path.join(folder, 'plain');
  writePlain(plain, bytes);
  const floor = await run('read-plain', { path: plain });
  // What is written below goes to memory that the machine has given out before: the first time takes longer than all else.
  const another = path.join(folder, 'another');
  writePlain(another, bytes);
  rmSync(another);
  rmSync(plain);
  const writeFloor = { what: 'one process writes a file there', value: writePlain(plain, bytes) };
  rmSync(plain);
  const floorOf = { what: "Node's stream of a file", value: mebibytes(floor) };
  const written = await run('write');
  const sent = await run('write-over-socket', { path: '/sent' });
  const read = await run('read');
  const remote = await run('read-over-socket');
  const lent = await run('read-lent');
  const random = await run('random-reads', { count: RANDOM_READS });
  const peakMiB = Math.max(...[sent, written, read, remote, lent, random].map((each) => each.peakMiB));
  const size = `${Math.round(bytes / MIB)} MiB`;
  return [
    {
      name: 'data-write',
      what: `a file of ${size} written, MUST_CACHE, short-circuit`,
      value: mebibytes(written),
      unit: 'MB/s',
      floor: writeFloor,
      note: written.note,
    },
    {
      name: 'data-write-socket',
      what: 'likewise, over the socket',
      value: mebibytes(sent),
      unit: 'MB/s',
      floor: writeFloor,
      note: sent.note,
    },
    {
      name: 'data-read',
      what: `a cached file of ${size} read, short-circuit`,
      value: mebibytes(read),
      unit: 'MB/s',
      floor: floorOf,
      note: `${read.note}; of the floor: ${floor.note}`,
    },
    { name: 'data-read-ratio', what: 'that, over the floor', value: mebibytes(read) / mebibytes(floor), unit: '×' },
    {
      name: 'data-read-socket',
      what: `likewise, over the socket`,
      value: mebibytes(remote),
      unit: 'MB/s',
      floor: floorOf,
      note: remote.note,
    },
    {
      name: 'data-read-lent',
      what: 'likewise, in memory that is lent',
      value: mebibytes(lent),
      unit: 'MB/s',
      floor: floorOf,
      note: lent.note,
    },
    {
      name: 'data-random',
      what: 'random reads of 1 MiB',
      value: random.units / random.seconds,
      unit: '/s',
      p50Ms: random.p50Ms,
      p99Ms: random.p99Ms,
    },
    { name: 'data-client-memory', what: 'resident, the client at most', value: peakMiB, unit: 'MiB' },
    { name: 'data-worker-memory', what: 'resident, the worker at most', value: residentMemory(worker.pid).peakMiB, unit: 'MiB' },
  ];
}

function smallFigure(name: string, what: string, { units, seconds, p50Ms, p99Ms, note }: DataMeasured & { readonly note: string }): Figure {
  return { name, what: `${what}, ${SMALL_IN_FLIGHT} in flight`, value: units / seconds, unit: '/s', p50Ms, p99Ms, note };
}

/** @returns MB/s. */
function writePlain(file: string, bytes: number): number {
  mkdirSync(path.dirname(file), { recursive: true });
  const fd = openSync(file, 'w');
  const piece = Buffer.alloc(MIB, 'understudy ');
  const startMs = performance.now();
  for (let at = 0; at < bytes; at += MIB) writeSync(fd, piece, 0, Math.min(MIB, bytes - at));
  closeSync(fd);
  return bytes / 1e3 / (performance.now() - startMs);
}
