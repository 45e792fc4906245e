/**
 * How many durable changes a second one client gets done.
 */
import type { Floors } from './floors.js';
import type { Measured, Operation } from './load.js';
import type { Figure, Floor } from './row.js';
import { type Bench, everyOne, makeDirectories, makeFiles, makeOpenFiles, type Scenario } from './scenario.js';

const IN_FLIGHT = [1, 64, 256, 2_048];
const MANY_IN_FLIGHT = 2_048;
const ROWS_PER_CHANGE = 3;
/** A removed tree is seen by the reaper once it is in the store. */
const REAP_STILL_MS = 3_000;
const REAP_LIMIT_MS = 300_000;

export const create: Scenario = {
  name: 'create',
  async run(bench) {
    const figures: Figure[] = [];
    for (const inFlight of IN_FLIGHT) {
      const measured = await runChange(bench, 'create', inFlight);
      figures.push(await changeFigure(bench, `create-${inFlight}`, `createFile, ${inFlight} in flight`, measured, inFlight));
    }
    return figures;
  },
};

export const complete: Scenario = {
  name: 'complete',
  async run(bench) {
    const two = await runChange(bench, 'create-then-complete', MANY_IN_FLIGHT);
    const one = await runChange(bench, 'create-completed', MANY_IN_FLIGHT);
    return [
      await changeFigure(bench, 'complete-two-calls', 'createFile + completeFile, two calls', two, MANY_IN_FLIGHT, 2),
      await changeFigure(bench, 'complete-one-call', 'createFile + completeFile, one call', one, MANY_IN_FLIGHT),
    ];
  },
};

export const blocks: Scenario = {
  name: 'blocks',
  async run(bench) {
    const measured = await runChange(bench, 'add-blocks', MANY_IN_FLIGHT, makeOpenFiles);
    return [await changeFigure(bench, 'add-blocks', 'addBlocks, 64 blocks a call', measured, MANY_IN_FLIGHT)];
  },
};

export const rename: Scenario = {
  name: 'rename',
  async run(bench) {
    const measured = await runChange(bench, 'rename', MANY_IN_FLIGHT, makeFiles);
    return [await changeFigure(bench, 'rename', 'rename of files', measured, MANY_IN_FLIGHT)];
  },
};

export const remove: Scenario = {
  name: 'remove',
  async run(bench) {
    const measured = await runChange(bench, 'remove', MANY_IN_FLIGHT, makeFiles);
    return [await changeFigure(bench, 'remove', 'remove of single files', measured, MANY_IN_FLIGHT)];
  },
};

export const removeTree: Scenario = {
  name: 'remove-tree',
  async run({ sizes, floors, start }) {
    await using loaded = await start();
    const { client, cluster } = loaded;
    await makeFiles(client, '/bench/d0', sizes.treeFiles);
    await stillSince(() => cluster.appliedSn());
    const startMs = performance.now();
    const call = await client.run(everyOne({ operation: 'remove-tree', base: '/bench', to: 1, inFlight: 1 }));
    const reapedMs = (await stillSince(() => cluster.appliedSn())) - startMs;
    const what = `remove of a tree of ${sizes.treeFiles}`;
    const { putsPerSecond } = await floors.level();
    const floor = { what: 'LevelDB deletes', value: (sizes.treeFiles * 2) / putsPerSecond };
    return [
      { name: 'remove-tree-call', what: `${what}: the call`, value: call.p50Ms, unit: 'ms', floor: await oneCallFloor(floors) },
      { name: 'remove-tree-reaped', what: `${what}: until reaped`, value: reapedMs / 1000, unit: 's', floor },
    ];
  },
};

/** Loads a new cluster; `prepare` makes what the operation needs, by default the directories. */
async function runChange(bench: Bench, operation: Operation, inFlight: number, prepare = makeDirectories): Promise<Measured> {
  const { files, warmUpMs, measureMs } = bench.sizes;
  await using loaded = await bench.start();
  await prepare(loaded.client, '/bench', files);
  return await loaded.client.run(everyOne({ operation, base: '/bench', to: files, inFlight, warmUpMs, measureMs }));
}

/** @param calls that one unit of it takes, one after the other. */
export async function changeFigure(
  { floors }: Bench,
  name: string,
  what: string,
  { units, seconds, p50Ms, p99Ms }: Measured,
  inFlight: number,
  calls = 1,
): Promise<Figure> {
  const floor = await changeFloor(floors, inFlight);
  return { name, what, value: units / seconds, unit: '/s', p50Ms, p99Ms, floor: { ...floor, value: floor.value / calls } };
}

/**
 * One call alone pays for frame and disk in turn. With many in flight the frames, the disk (half of the calls in one batch) and LevelDB
 * (the file, its id, the answer) work at once, and the slowest of them decides.
 */
async function changeFloor(floors: Floors, inFlight: number): Promise<Floor> {
  const frames = await floors.echo(inFlight);
  const entriesPerBatch = Math.ceil(inFlight / 2);
  const appends = await floors.append(entriesPerBatch);
  if (inFlight === 1) return { what: 'frame echo, then fdatasync', value: 1 / (1 / frames + 1 / appends) };
  const all = [
    { what: 'frame echo', value: frames },
    { what: `fdatasync of ${entriesPerBatch}`, value: appends },
    { what: `LevelDB puts, ${ROWS_PER_CHANGE} each`, value: (await floors.level()).putsPerSecond / ROWS_PER_CHANGE },
  ];
  return all.reduce((slowest, floor) => (floor.value < slowest.value ? floor : slowest));
}

async function oneCallFloor(floors: Floors): Promise<Floor> {
  const { what, value } = await changeFloor(floors, 1);
  return { what, value: 1000 / value };
}

/** @returns when `value` last changed, once it has stood still for a second. */
async function stillSince(value: () => Promise<number>): Promise<number> {
  const limitMs = performance.now() + REAP_LIMIT_MS;
  let last = await value();
  let sinceMs = performance.now();
  while (performance.now() - sinceMs < REAP_STILL_MS) {
    const now = await value();
    if (now !== last) sinceMs = performance.now();
    last = now;
    if (performance.now() > limitMs) throw new Error(`the tree is still being reaped: sn=${now}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return sinceMs;
}
