/**
 * The program behind scripts/quickstart: three masters and a worker, a client that loads a folder's metadata and then the bytes of its files, each time
 * with the leader killed half-way, and the namespace compared with the folder. Ends with 0 only if nothing is lost, duplicated or wrong.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import type { FileSystem as ClientFileSystem } from '../../client/file-system.js';
import { HOME } from '../context.js';
import { CommandFailed, EXIT, exitCodeOf, sentenceOf } from '../exit-code.js';
import { complain, print, printed, quietWhenReaderGone } from '../output.js';
import { groupName, userName } from '../system-user.js';
import { FileSystem } from '../understudy.js';
import { type ByteFigures, filesBelow, storeAndCompare } from './bytes.js';
import { hasEnded, LocalCluster } from './cluster.js';
import { type Comparison, compareFolder } from './compare.js';
import { count, type Figures, figuresOf, figuresText, isGood } from './figures.js';
import type { Place } from './folder-walk.js';
import { countEntries, type LoadFigures, loadFolder } from './load.js';
import { startProgress } from './progress.js';
import { stayUp } from './stay-up.js';

interface Options {
  readonly from: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Ends the process. */
async function main(args: readonly string[]): Promise<never> {
  quietWhenReaderGone();
  const stop = new AbortController();
  let exitCode: number = EXIT.ok;
  for (const [signal, code] of Object.entries(SIGNAL_EXIT)) {
    process.on(signal, () => {
      // A second one does not wait; what the cluster keeps is removed all the same.
      if (stop.signal.aborted) process.exit(code);
      stop.abort(new CommandFailed(code));
    });
  }
  try {
    const options = parse(args);
    exitCode = await quickstart(options, stop.signal);
  } catch (error) {
    if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else exitCode = exitCodeOf(error);
    if (!(error instanceof CommanderError) && sentenceOf(error, false) !== '') complain(`quickstart: ${sentenceOf(error, false)}`);
  }
  await printed();
  process.exit(exitCode);
}

function parse(args: readonly string[]): Options {
  return new Command('scripts/quickstart')
    .description(
      'Starts three masters and a worker on this machine, loads the names, sizes, modes and times of all files below a folder, kills the leader ' +
        'half-way, and compares the result with the folder; then does the same with the bytes of its files, up to 1 GiB of them. What is not a directory is loaded as a file; symbolic links are, too, and are not followed. ' +
        'The folder is only looked at. All data is kept in a temporary folder, which is removed at the end.',
    )
    .option('--from <folder>', 'what to load', path.join(HOME, 'node_modules'))
    .option('--once', 'stop when it is done, instead of leaving the cluster up until Ctrl-C')
    .option('--json', 'print the figures as one JSON object on the last line')
    .addHelpText('after', '\nExit codes:\n  0  nothing is lost, duplicated or wrong\n  1  something is, or it failed\n  2  wrong usage')
    .exitOverride()
    .parse(args, { from: 'user' })
    .opts<Options>();
}

/** @returns the exit code. */
async function quickstart(options: Options, stop: AbortSignal): Promise<number> {
  const place = await placeOf(options.from);
  await using cluster = await LocalCluster.start();
  await using fs = await FileSystem.connect({ masters: cluster.addresses, user: userName(), group: groupName() });
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => reject(stop.reason));
    if (stop.aborted) reject(stop.reason);
  });
  const whole = async () => {
    const { directories, files } = await countEntries(place);
    const entries = directories + files;
    if (entries === 0) throw new CommandFailed(EXIT.usage, `there is nothing below ${place.folder}`);
    await print(`\n  Loading ${place.folder} as ${place.path}: ${count(directories)} directories, ${count(files)} files.\n`);
    const figures = await run(fs, cluster, place, entries);
    const json = () => (options.json === true ? print(JSON.stringify(figures)) : undefined);
    if (options.once === true) await json();
    else await stayUp(fs, cluster, { path: place.path, beforeWaiting: json });
    return isGood(figures) ? EXIT.ok : EXIT.failed;
  };
  return await Promise.race([whole(), stopped]);
}

async function run(fs: ClientFileSystem, cluster: LocalCluster, place: Place, entries: number): Promise<Figures> {
  const leader = await cluster.ready(fs);
  const { process: child } = cluster.master(leader.address);
  await print(`  Three masters share one journal, in ${cluster.folder}; ${leader.address} leads.`);
  await fs.createDirectory(place.path);
  const sinceMs = Date.now();
  let skipped = 0;
  const progress = startProgress(entries, (line) => void print(line));
  let load: LoadFigures;
  try {
    load = await loadFolder(fs, {
      place,
      entries,
      progress: (acknowledged) => progress.update(acknowledged),
      skipped: () => {
        skipped += 1;
      },
      killLeader: () => {
        child.kill('SIGKILL');
        progress.note(`killed the leader, ${leader.address} (pid ${child.pid})`);
      },
    });
  } finally {
    progress.end();
  }
  const comparison: Comparison = await compareFolder(fs, place, sinceMs);
  const nextLeader = (await fs.leader())?.address ?? 'nobody';
  const bytes = await storeBytes(fs, cluster, place);
  const figures = figuresOf(load, comparison, skipped, { killedLeader: leader.address, nextLeader }, bytes);
  await print(`\n${figuresText(figures, [...comparison.problems, ...bytes.problems])}\n`);
  return figures;
}

/** With all masters up again, and the leader killed once more. */
async function storeBytes(fs: ClientFileSystem, cluster: LocalCluster, { folder, path: loaded }: Place): Promise<ByteFigures> {
  for (const { rpcAddress, process: child } of cluster.masters) if (hasEnded(child)) cluster.startMaster(rpcAddress);
  const leader = await cluster.ready(fs);
  await cluster.workerReady(fs);
  const files = await filesBelow({ folder, path: `${loaded}.bytes` });
  await print(`\n  Storing the bytes of ${count(files.length)} files below ${loaded}.bytes, and comparing them.`);
  const { process: child } = cluster.master(leader.address);
  return await storeAndCompare(fs, files, () => void child.kill('SIGKILL'));
}

async function placeOf(from: string): Promise<Place> {
  const folder = path.resolve(from);
  const stats = await stat(folder).catch((error: Error) => {
    throw new CommandFailed(EXIT.usage, `cannot look at ${folder}: ${error.message}`);
  });
  if (!stats.isDirectory()) throw new CommandFailed(EXIT.usage, `not a folder: ${folder}`);
  return { folder, path: `/${path.basename(folder) || 'root'}` };
}

await main(process.argv.slice(2));
