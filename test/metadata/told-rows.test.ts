/** Pages of listings, of the blocks of as many workers as a large cluster has: what is told is right, and no turn of the event loop is long. */
import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { WorkerRoster } from '../../src/master/workers/worker-roster.js';
import { encodeChild } from '../../src/metadata/keys.js';
import type { ChildRow } from '../../src/metadata/listing.js';
import type { ToldCopies } from '../../src/metadata/plan.js';
import { type Inode, inodeCodec, PERSISTENCE } from '../../src/metadata/records.js';
import { RowTelling, type ToldRow } from '../../src/metadata/told-rows.js';
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import { Acting, ROOT } from './acting.js';

const WORKERS = 100;
const FILES = 300;
const BLOCKS = 8;
const BLOCK = 1_024;
const FIRST_ID = 1_000;

/** Of each file each block is at one worker, but that every tenth file has lost its last. */
function roster(signal: AbortSignal): WorkerRoster {
  const deps = { clock: systemClock, log: silentLog, network: new MemoryNetwork(systemClock).host('m') };
  const workers = new WorkerRoster({ workerTimeoutMs: 60_000, decommissionedWorkers: [] }, deps, signal);
  for (let at = 0; at < WORKERS; at++) {
    const rpcAddress = `w${at}:29999`;
    const identity = { id: `${at}`, incarnation: 'i', rpcAddress, webAddress: '', domainSocket: '', version: '' };
    const { worker } = workers.meet(identity, { change: 0, oldestChange: 0 });
    for (let file = 0; file < FILES; file++) {
      for (let index = 0; index < BLOCKS; index++) {
        if ((file + index) % WORKERS !== at || (file % 10 === 0 && index === BLOCKS - 1)) continue;
        worker?.blocks.set({ id: { inodeId: FIRST_ID + file, index, generation: 1 }, bytes: BLOCK, tier: 0, evictable: false });
      }
    }
  }
  return workers;
}

/** Counts what is looked for between two turns. */
class Counted implements ToldCopies {
  readonly #workers: WorkerRoster;
  #looked = 0;
  most = 0;
  turns = 0;

  constructor(workers: WorkerRoster) {
    this.#workers = workers;
  }

  copiesOf(inodeId: number, index: number) {
    this.#looked += 1;
    this.most = Math.max(this.most, this.#looked);
    return this.#workers.copiesOf(inodeId, index);
  }

  /** As it is after the first minute. */
  readonly isComplete = true;
  readonly settledMs = Number.POSITIVE_INFINITY;

  get blocksAtOnce(): number {
    return this.#workers.blocksAtOnce;
  }

  async turn(): Promise<void> {
    await this.#workers.turn();
    this.turns += 1;
    this.#looked = 0;
  }
}

test('a page of files with many blocks at many workers: each is told as it is, over turns of few looks each', async () => {
  await using world = await Acting.begin();
  world.act(ROOT, 'createFile', { path: '/f', blockBytes: BLOCK, completeLength: BLOCKS * BLOCK, mode: 0o644 });
  const inode = world.state.child(1, 'f') as Inode;
  const stop = new AbortController();
  const copies = new Counted(roster(stop.signal));
  const rows: ChildRow[] = Array.from({ length: FILES }, (_, file) => [
    encodeChild(1, `${file}`),
    inodeCodec.encode({ ...inode, id: FIRST_ID + file }),
  ]);
  for (const withHeld of [true, false]) {
    copies.turns = 0;
    await copies.turn();
    const telling = new RowTelling(copies, withHeld);
    const told: ToldRow[] = [];
    // Of pages that follow each other in one turn, too.
    for (let at = 0; at < FILES; at += 10) told.push(...(await telling.tell(rows.slice(at, at + 10))));
    expect(told.map(([key]) => key)).toEqual(rows.map(([key]) => key));
    told.forEach(([, bytes, held = 0], file) => {
      const lost = file % 10 === 0;
      const { persistence } = inodeCodec.decode(bytes);
      expect([persistence, held]).toEqual([lost ? PERSISTENCE.lost : inode.persistence, withHeld ? (BLOCKS - (lost ? 1 : 0)) * BLOCK : 0]);
    });
    expect(copies.turns).toBeGreaterThan((FILES * BLOCKS) / copies.blocksAtOnce / 2);
  }
  // One file may be looked for to its end.
  expect(copies.most).toBeLessThanOrEqual(copies.blocksAtOnce + 2 * BLOCKS);
  expect(copies.most * WORKERS).toBeLessThan(25_000);
  stop.abort();
});

test('turns of those who ask for blocks at the same time: each comes in its own turn of the event loop', async () => {
  const stop = new AbortController();
  const workers = roster(stop.signal);
  let [turn, isOver] = [0, false];
  const count = () => {
    turn += 1;
    if (!isOver) systemClock.defer(count);
  };
  systemClock.defer(count);
  const seen = await Promise.all(Array.from({ length: 8 }, () => workers.turn().then(() => turn)));
  isOver = true;
  expect(new Set(seen).size).toBe(8);
  stop.abort();
});
