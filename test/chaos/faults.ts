/** All kinds of faults, and which of them a world can have. */
import type { Fault } from './fault.js';
import { masterFaults } from './faults/master-faults.js';
import { networkFaults } from './faults/network-faults.js';
import { operatorFaults } from './faults/operator-faults.js';
import { storeFaults } from './faults/store-faults.js';
import { zookeeperFaults } from './faults/zookeeper-faults.js';
import type { World } from './world.js';

const FAULTS: readonly Fault[] = [...masterFaults, ...storeFaults, ...zookeeperFaults, ...networkFaults, ...operatorFaults];

export interface FaultsOfWorld {
  readonly possible: readonly Fault[];
  readonly lacking: readonly { readonly fault: Fault; readonly lack: string }[];
}

export function faultsFor(world: World): FaultsOfWorld {
  const judged = FAULTS.map((fault) => ({ fault, lack: fault.lacks?.(world) }));
  return {
    possible: judged.filter(({ lack }) => lack === undefined).map(({ fault }) => fault),
    lacking: judged.flatMap(({ fault, lack }) => (lack === undefined ? [] : [{ fault, lack }])),
  };
}
