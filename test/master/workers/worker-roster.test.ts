import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { CopiesUnderWay } from '../../../src/master/workers/copies-under-way.js';
import type { KnownWorker } from '../../../src/master/workers/known-worker.js';
import { WorkerRoster } from '../../../src/master/workers/worker-roster.js';
import { MemoryNetwork } from '../../../src/rpc/memory-network.js';
import { waitUntil } from '../../servers/wait-until.js';

const identity = (id: string, address: string) => ({
  id,
  incarnation: id,
  rpcAddress: address,
  webAddress: address,
  domainSocket: '',
  version: 'test',
});

function meet(roster: WorkerRoster, id: string, address: string): KnownWorker {
  const { refused, worker } = roster.meet(identity(id, address), { change: 0, oldestChange: 0 });
  if (worker === null) throw new Error(refused);
  worker.take({ all: true, last: true, change: 0, changes: [] } as never);
  return worker;
}

const BLOCK = { id: { inodeId: 7, index: 0, generation: 1 }, bytes: 100, tier: 0, evictable: false };

test('worker roster: a copy that is about to be freed is not kept; what was counted with a worker that is gone is not known any more', async () => {
  const life = new AbortController();
  const network = new MemoryNetwork(systemClock);
  const deps = { clock: systemClock, network: network.host('m'), log: silentLog };
  const roster = new WorkerRoster({ workerTimeoutMs: 60_000, decommissionedWorkers: ['v:1'] }, deps, life.signal);
  const [leaving, holder] = [meet(roster, 'a', 'v:1'), meet(roster, 'b', 'w:1')];
  expect(roster.keeps(holder, BLOCK.id)).toBe(true);
  roster.free(holder, [BLOCK.id]);
  expect(roster.keeps(holder, BLOCK.id)).toBe(false);
  expect(roster.keeps(holder, { ...BLOCK.id, index: 1 })).toBe(true);
  holder.take({ all: false, last: true, change: 1, changes: [{ block: BLOCK.id, gone: true }] } as never);
  expect(roster.keeps(holder, BLOCK.id)).toBe(true);
  // It is told of once it has been seen.
  await waitUntil('the roster has looked', () => leaving.state === 'DECOMMISSIONING', 5_000);
  leaving.blocksLeft = 0;
  await waitUntil('it may go', () => leaving.state === 'DECOMMISSIONED', 5_000);
  const { losses } = roster;
  meet(roster, 'b', 'w:1');
  await waitUntil('the holder’s new session is seen', () => roster.losses > losses, 5_000);
  expect([leaving.blocksLeft, leaving.state]).toEqual([null, 'DECOMMISSIONING']);
  life.abort();
});

test('worker roster: one whose address another worker has taken is lost: nothing waits for it', async () => {
  const network = new MemoryNetwork(systemClock);
  await network.host('w').listen('w:1', (stream) => stream.destroy());
  const life = new AbortController();
  const deps = { clock: systemClock, network: network.host('m'), log: silentLog };
  const roster = new WorkerRoster({ workerTimeoutMs: 60_000, decommissionedWorkers: [] }, deps, life.signal);
  const [holder, before] = [meet(roster, 'a', 'v:1'), meet(roster, 'b', 'w:1')];
  const copies = new CopiesUnderWay();
  copies.begin(BLOCK, holder, before, 0);
  expect(copies.target(BLOCK.id, 1)).toBe(before);
  roster.cutOff(before);
  const after = meet(roster, 'c', 'w:1');
  expect(roster.list()).toEqual([holder, after]);
  expect([before.state, before.isSure, after.state]).toEqual(['LOST', false, 'LIVE']);
  expect(copies.target(BLOCK.id, 1)).toBeUndefined();
  life.abort();
});
