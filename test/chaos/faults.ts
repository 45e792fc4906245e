/** All kinds of faults, and which of them a world can have. */
import type { Fault } from './fault.js';
import { masterFaults } from './faults/master-faults.js';
import { mountedFaults } from './faults/mounted-faults.js';
import { networkFaults } from './faults/network-faults.js';
import { operatorFaults } from './faults/operator-faults.js';
import { plantedFaults } from './faults/planted-faults.js';
import { storeFaults } from './faults/store-faults.js';
import { workerFaults } from './faults/worker-faults.js';
import { zookeeperFaults } from './faults/zookeeper-faults.js';
import type { World } from './world.js';

const FAULTS: readonly Fault[] = [
  ...masterFaults,
  ...storeFaults,
  ...zookeeperFaults,
  ...networkFaults,
  ...operatorFaults,
  ...workerFaults,
  ...mountedFaults,
];

export interface FaultsOfWorld {
  readonly possible: readonly Fault[];
  readonly lacking: readonly { readonly fault: Fault; readonly lack: string }[];
}

/** @param only names; all kinds but the planted ones without it. @throws where there is none of that name. */
export function faultsFor(world: World, only?: readonly string[]): FaultsOfWorld {
  const all = [...FAULTS, ...plantedFaults];
  const unknown = only?.filter((name) => !all.some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`no such fault: ${unknown.join(', ')}; there are: ${all.map(({ name }) => name).join(', ')}`);
  const wanted = only === undefined ? FAULTS : all.filter(({ name }) => only.includes(name));
  const judged = wanted.map((fault) => ({ fault, lack: fault.lacks?.(world) }));
  return {
    possible: judged.filter(({ lack }) => lack === undefined).map(({ fault }) => fault),
    lacking: judged.flatMap(({ fault, lack }) => (lack === undefined ? [] : [{ fault, lack }])),
  };
}
