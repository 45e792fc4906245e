/**
 * Every kind of fault that there is, by its name: a world's settings say which are on.
 */
import { ELECTION_FAULTS } from './election.js';
import { NETWORK_FAULTS } from './network.js';
import { PROCESS_FAULTS } from './processes.js';
import { STORAGE_FAULTS } from './storage.js';

export const FAULTS = { ...PROCESS_FAULTS, ...NETWORK_FAULTS, ...ELECTION_FAULTS, ...STORAGE_FAULTS };

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];
