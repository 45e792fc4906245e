/**
 * What one fault is: something done to a world at a moment of its schedule, which ends by itself. All chance in it comes from a stream of its
 * own, so that a schedule without one of its faults leaves the others as they were.
 */
import type { MemoryUnderFiles } from '../../../src/underfs/memory-under-store.js';
import type { ClockRates } from '../host-clock.js';
import type { SeededRandom } from '../seeded-random.js';
import type { SharedElection } from '../shared-election.js';
import type { SharedJournal } from '../shared-journal.js';
import type { SimNetwork } from '../sim-network.js';
import type { StorageTrouble } from '../storage-trouble.js';

/** What can be done to a world. Hosts are named; masters first. */
export interface Breakable {
  readonly masters: readonly string[];
  readonly clients: readonly string[];
  /** Those that keep the bytes of files; in many worlds there are none. */
  readonly workers: readonly string[];
  readonly network: SimNetwork;
  readonly election: SharedElection;
  readonly journal: SharedJournal;
  /** What is mounted, where there are workers. */
  readonly under: MemoryUnderFiles;
  /** @returns the master that serves now, if one is known to. */
  leader(): string | undefined;
  /** The process dies; its host goes on. */
  kill(host: string): void;
  /** The host loses power. */
  vanish(host: string): void;
  /** Everything loses power at the same moment, storage too. */
  powerCut(): void;
  /** The process is told to end, and ends in order. */
  stop(host: string): void;
  /** Starts what is not running. */
  restart(host: string): void;
  pause(host: string): void;
  resume(host: string): void;
  /** An operator has the lead handed over: to `host`, or to whoever is nearest. */
  transfer(host: string | undefined): void;
  /** An operator has a checkpoint made. */
  checkpoint(): void;
  /** A checkpoint in the journal is changed or lost, unless it is the only one. @returns whether there was another. */
  damageCheckpoint(random: SeededRandom): boolean;
  /** Loses the host's key-value store; only while it is not running, as `damageDisk`. */
  wipe(host: string): void;
  damageDisk(host: string, what: 'write' | 'row', random: SeededRandom): void;
  /** @returns what makes the disk again what it is now. */
  imageOfDisk(host: string): () => void;
  /** The disk is full, or has room again. */
  diskTakes(host: string, writes: boolean): void;
  /** It takes so many times as long as usual. */
  slowDisk(host: string, times: number): void;
  /** The disk of a worker's host has this trouble. @returns what ends it; undefined: a disk knows no such thing. */
  sufferDisk(host: string, trouble: StorageTrouble, random: SeededRandom): (() => void) | undefined;
  /** A byte of a block changes on the disk of a worker's host. @returns whether there was one. */
  rot(host: string): boolean;
  skewWall(host: string, byMs: number): void;
  drift(host: string, rates: ClockRates): void;
  /** Nothing is broken any more, and everything runs. */
  mend(): void;
}

/** One fault as it happens. */
export interface FaultContext {
  readonly world: Breakable;
  /** Of this fault alone. */
  readonly random: SeededRandom;
  /** @returns a master, the leader more often than not. */
  master(): string;
  /** Ends the fault after a while (the world stretches `toMs`), unless all faults were ended before. */
  later(fromMs: number, toMs: number, fn: () => void): void;
}

/** @returns false: this world knows no such thing, and nothing was done. */
export type Fault = (context: FaultContext) => unknown;
