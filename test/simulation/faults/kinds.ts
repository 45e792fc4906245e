/**
 * Every kind of fault that there is, by its name: a world's settings say which are on.
 */
import { ELECTION_FAULTS } from './election.js';
import { NETWORK_FAULTS } from './network.js';
import { PROCESS_FAULTS } from './processes.js';
import { STORAGE_FAULTS } from './storage.js';
import { WORKER_FAULTS } from './workers.js';

const EVERYWHERE = { ...PROCESS_FAULTS, ...NETWORK_FAULTS, ...ELECTION_FAULTS, ...STORAGE_FAULTS };

export const FAULTS = { ...EVERYWHERE, ...WORKER_FAULTS };

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(EVERYWHERE) as readonly FaultName[];

/** Of worlds that have workers; there are none of them in others. */
export const WORKER_FAULT_NAMES = Object.keys(WORKER_FAULTS) as readonly FaultName[];
