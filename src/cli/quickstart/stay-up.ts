/**
 * Leaves the cluster up for people to try, until the process is told to stop.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileSystem } from '../../client/file-system.js';
import { HOME } from '../context.js';
import { print } from '../output.js';
import { hasEnded, type LocalCluster, type LocalMaster } from './cluster.js';

const LONG_MS = 3_600_000;

export interface StayUpOptions {
  /** A directory of the namespace to look at. */
  readonly path: string;
  /** Called when all but the wait is done. */
  readonly beforeWaiting: () => Promise<void> | undefined;
}

/** Starts masters that were killed again, says what can be tried, and never returns. */
export async function stayUp(fs: FileSystem, cluster: LocalCluster, { path: directory, beforeWaiting }: StayUpOptions): Promise<never> {
  for (const { rpcAddress, process: child } of cluster.masters) if (hasEnded(child)) cluster.startMaster(rpcAddress);
  const leader = cluster.master((await cluster.ready(fs)).address);
  await print(commandsToTry(cluster, leader, directory));
  for (const master of cluster.masters) tellEnd(master);
  await beforeWaiting();
  for (;;) await sleep(LONG_MS);
}

function commandsToTry(cluster: LocalCluster, leader: LocalMaster, directory: string): string {
  const fs = `${quoted(path.join(HOME, 'bin', 'understudy'))} fs`;
  const conf = `--conf ${quoted(cluster.confFolder)}`;
  return [
    '  The masters are up, the killed one as a standby. Try, in another terminal:',
    '',
    `    ${fs} ls ${quoted(directory)} ${conf}`,
    `    kill -9 ${leader.process.pid}    # the leader, ${leader.rpcAddress}`,
    `    ${fs} leader ${conf}`,
    '',
    '  Ctrl-C stops them and removes their data.',
  ].join('\n');
}

function tellEnd({ rpcAddress, process: child }: LocalMaster): void {
  child.once(
    'exit',
    (code, signal) => void print(`  The master at ${rpcAddress} (pid ${child.pid}) ended: ${signal ?? `exit code ${code}`}.`),
  );
}

/** @returns `text` as one word for a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
