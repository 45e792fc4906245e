/**
 * What a scenario is, and what each is given.
 */
import type { Cluster, ClusterSettings } from './cluster.js';
import type { Floors } from './floors.js';
import type { Load, Measured } from './load.js';
import type { LoadClient } from './load-client.js';
import type { Sizes } from './options.js';
import type { Figure } from './row.js';

export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  readonly run: (bench: Bench) => Promise<readonly Figure[]>;
}

/** A cluster and the process that loads it, ended together. */
export interface Loaded extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly client: LoadClient;
}

export interface Bench {
  readonly sizes: Sizes;
  readonly floors: Floors;
  /** For files of the run's own; it goes with it. */
  readonly folder: string;
  /** Where processes leave CPU profiles, if they are to. */
  readonly profileFolder: string | undefined;
  /** A new cluster of its own. */
  start(settings?: Partial<ClusterSettings>): Promise<Loaded>;
  /** One master with many files, all in one directory: made once, shared by those scenarios that follow each other. */
  full(): Promise<Full>;
}

export interface Full extends Loaded {
  /** Files are `/full/d0/f<number>`, made and completed by two calls each. */
  readonly files: number;
  readonly filled: Measured;
}

export const FILES_PER_DIRECTORY = 1_000;
const FILL_IN_FLIGHT = 2_048;
const UNBOUNDED_MS = 3_600_000;

/** All that `load` does not say: files of small directories, each number once, without warm-up, to the end. */
export function everyOne(load: Pick<Load, 'operation' | 'base' | 'to'> & Partial<Load>): Load {
  return { from: 0, perDirectory: FILES_PER_DIRECTORY, inFlight: FILL_IN_FLIGHT, warmUpMs: 0, measureMs: UNBOUNDED_MS, ...load };
}

/** Makes the directories that files [0, to) below `base` go to. */
export async function makeDirectories(client: LoadClient, base: string, to: number, perDirectory = FILES_PER_DIRECTORY): Promise<void> {
  await client.run(everyOne({ operation: 'create-directory', base, to: Math.ceil(to / perDirectory), inFlight: 64 }));
}

/** Makes files [0, to) below `base`, which the client is writing. */
export async function makeOpenFiles(client: LoadClient, base: string, to: number): Promise<void> {
  await makeDirectories(client, base, to);
  await client.run(everyOne({ operation: 'create', base, to }));
}

/** Makes files [0, to) below `base`, completed. */
export async function makeFiles(client: LoadClient, base: string, to: number): Promise<void> {
  await makeDirectories(client, base, to);
  await client.run(everyOne({ operation: 'create-completed', base, to }));
}
