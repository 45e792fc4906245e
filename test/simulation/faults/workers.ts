/**
 * What happens to workers: to their processes, hosts and disks, and between them and some of those whom they talk to.
 */
import type { StorageTrouble } from '../storage-trouble.js';
import type { Fault, FaultContext } from './fault.js';

export const WORKER_FAULTS = {
  'kill a worker': (fault) => {
    const host = worker(fault);
    fault.world.kill(host);
    fault.later(1, 3_000, () => fault.world.restart(host));
  },
  'kill all workers': (fault) => {
    for (const host of fault.world.workers) {
      fault.world.kill(host);
      fault.later(1, 2_000, () => fault.world.restart(host));
    }
  },
  'stop a worker': (fault) => fault.world.stop(worker(fault)),
  'pause a worker': (fault) => pauseFor(fault, worker(fault), 8_000),
  'pause the workers and the leader': (fault) => {
    for (const host of [fault.master(), ...fault.world.workers]) pauseFor(fault, host, 5_000);
  },
  "cut a worker's power": (fault) => {
    const host = worker(fault);
    fault.world.vanish(host);
    fault.later(1, 5_000, () => fault.world.restart(host));
  },
  'replace a worker': (fault) => {
    const host = worker(fault);
    fault.world.kill(host);
    fault.world.wipe(host);
    fault.later(1, 2_000, () => fault.world.restart(host));
  },
  'rot a block': (fault) => fault.world.rot(worker(fault)),
  "fail a worker's disk": (fault) => sufferDisk(fault, fault.random.pick(['gone', 'errors', 'read-only', 'unreadable'])),
  "fill a worker's disk": (fault) => sufferDisk(fault, 'full'),
  "slow a worker's disk": (fault) => sufferDisk(fault, 'slow'),
  'cut a worker from a master': (fault) => cut(fault, [fault.master()]),
  'cut a worker from all masters': (fault) => cut(fault, fault.world.masters),
  'cut a worker from the clients': (fault) => cut(fault, fault.world.clients),
  'cut a worker from the workers': (fault) => {
    const host = worker(fault);
    cut(
      fault,
      fault.world.workers.filter((other) => other !== host),
      host,
    );
  },
  'trouble mounted storage': (fault) => {
    const { under } = fault.world;
    const share = fault.random.between(0.02, 1);
    const what = fault.random.pick(['lost', 'answer lost'] as const);
    under.intercept = () => (fault.random.chance(share) ? what : undefined);
    fault.later(1, 4_000, () => {
      under.intercept = undefined;
    });
  },
  "jump a worker's clock": (fault) => {
    const byMs = (fault.random.chance(0.5) ? 1 : -1) * fault.random.between(10, 10_000_000);
    fault.world.skewWall(worker(fault), byMs);
  },
} satisfies Record<string, Fault>;

function worker({ world, random }: FaultContext): string {
  return random.pick(world.workers);
}

function pauseFor(fault: FaultContext, host: string, toMs: number): void {
  fault.world.pause(host);
  fault.later(1, toMs, () => fault.world.resume(host));
}

function sufferDisk(fault: FaultContext, trouble: StorageTrouble): boolean {
  const end = fault.world.sufferDisk(worker(fault), trouble, fault.random);
  if (end !== undefined) fault.later(1, 4_000, end);
  return end !== undefined;
}

function cut(fault: FaultContext, others: readonly string[], host = worker(fault)): void {
  const { network } = fault.world;
  for (const other of others) network.cut(host, other);
  fault.later(1, 6_000, () => {
    for (const other of others) network.heal(host, other);
  });
}
