import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { CopiesUnderWay } from '../../../src/master/workers/copies-under-way.js';
import type { KnownWorker } from '../../../src/master/workers/known-worker.js';
import { WorkerRoster } from '../../../src/master/workers/worker-roster.js';
import { MemoryNetwork } from '../../../src/rpc/memory-network.js';

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

test('worker roster: one whose address another worker has taken is lost: nothing waits for it', async () => {
  const network = new MemoryNetwork(systemClock);
  await network.host('w').listen('w:1', (stream) => stream.destroy());
  const life = new AbortController();
  const deps = { clock: systemClock, network: network.host('m'), log: silentLog };
  const roster = new WorkerRoster({ workerTimeoutMs: 60_000, decommissionedWorkers: [] }, deps, life.signal);
  const [holder, before] = [meet(roster, 'a', 'v:1'), meet(roster, 'b', 'w:1')];
  const copies = new CopiesUnderWay();
  const block = { id: { inodeId: 7, index: 0, generation: 1 }, bytes: 100, tier: 0, evictable: false };
  copies.begin(block, holder, before, 0);
  expect(copies.target(block.id, 1)).toBe(before);
  roster.cutOff(before);
  const after = meet(roster, 'c', 'w:1');
  expect(roster.list()).toEqual([holder, after]);
  expect([before.state, before.isSure, after.state]).toEqual(['LOST', false, 'LIVE']);
  expect(copies.target(block.id, 1)).toBeUndefined();
  life.abort();
});
