/**
 * Clients in a process of their own: the probe, the workers and watchers of a recorded history, or those of files. What they do goes to a file; the parent is told of
 * every call by which service is measured, and says when to stop.
 */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { FileSystem } from '../../src/cli/understudy.js';
import { runFileClients } from './file-clients.js';
import { runClients } from './history-clients.js';
import { Probe } from './probe.js';

/** The one argument, as JSON. */
export interface ClientTask {
  readonly kind: 'probe' | 'history' | 'files';
  readonly file: string;
  readonly seed: number;
  readonly user: string;
  readonly masters: readonly string[];
  readonly zookeeper: string;
  /** This host's, one for each client of the history, or of files. */
  readonly addresses: readonly string[];
  /** Hosts of workers, each of which is on the host of one client of files, as that client sees it. */
  readonly localWorkers: readonly string[];
}

/** From the child: what was begun at this time has succeeded. */
export interface Served {
  readonly begunAt: number;
}

async function runProbe({ file, user, masters, zookeeper }: ClientTask, stopped: Promise<void>): Promise<void> {
  const output = createWriteStream(file);
  await using fs = await FileSystem.connect({ user, masters, zookeeper });
  const probe = new Probe(fs, (line) => {
    output.write(`${JSON.stringify(line)}\n`);
    if (line.id !== undefined) process.send?.({ begunAt: line.at } satisfies Served);
  });
  await stopped;
  await probe.stop();
  output.end();
  await finished(output);
}

const RUN = { probe: runProbe, history: runClients, files: runFileClients };
const task = JSON.parse(process.argv[2] ?? '') as ClientTask;
process.once('disconnect', () => process.exit(1));
const stopped = new Promise<void>((resolve) => process.once('message', () => resolve()));
await RUN[task.kind](task, stopped);
process.exit(0);
