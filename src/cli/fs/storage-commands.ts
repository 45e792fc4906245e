/**
 * The commands of `fs` between workers and mounted storage: bring files to workers, write files to the storage.
 */
import { UnderstudyError } from '../../base/errors.js';
import { systemClock } from '../../base/system-clock.js';
import { sleep } from '../../base/wait.js';
import type { FileStatus } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import { durationMs, wholeNumber } from '../option-values.js';
import { print } from '../output.js';
import type { Problems } from '../problems.js';
import { treeAt } from './change-tree.js';
import { shownName } from './ls-format.js';
import { Transfer } from './transfer.js';

const LOOK_MS = 100;
/** Without a further block. */
const NO_PROGRESS_MS = 60_000;
const PERSIST_MS = 20 * 60_000;
const PARALLEL_MAX = 1_024;
/** Files at once, unless said otherwise. */
const LOADS = 16;
const PERSISTS = 4;

export function addStorageCommands(frame: ClientFrame): void {
  frame
    .command('load <path...>', 'bring files of mounted storage, or all files of directories, to workers')
    .action((patterns: string[]) => loadAll(frame, 'load', patterns, 1));
  frame
    .command('distributedLoad <path...>', 'the same, many files at once')
    .option('-p, --parallelism <number>', 'files at once', wholeNumber(1, PARALLEL_MAX), LOADS)
    .action((patterns: string[], { parallelism }: { parallelism: number }) => loadAll(frame, 'distributedLoad', patterns, parallelism));
  frame
    .command('free <path...>', 'have workers give up the blocks of files, or all files of directories, that mounted storage has')
    .option('-f', 'of pinned files, too')
    .action((patterns: string[], { f = false }: { f?: boolean }) =>
      frame.forPaths('free', patterns, async (fs, path, problems) => {
        await eachFile(fs, path, problems, (status) =>
          problems.catch(async () => {
            await fs.free(status.path, { forced: f });
            await print(`${shownName(status.path)} was successfully freed.`);
          }),
        );
      }),
    );
  frame
    .command('persist <path...>', 'write files, or all files of directories, to mounted storage, and wait until they are there')
    .option('-p, --parallelism <number>', 'files at once', wholeNumber(1, PARALLEL_MAX), PERSISTS)
    .option('-t, --timeout <duration>', 'for each file', durationMs, PERSIST_MS)
    .action((patterns: string[], { parallelism, timeout }: { parallelism: number; timeout: number }) =>
      frame.forPaths('persist', patterns, async (fs, path, problems) => {
        using transfer = new Transfer('persisted', problems, parallelism);
        await eachFile(fs, path, problems, (status) =>
          transfer.add(async (moved) => {
            await fs.persist(status.path, { timeoutMs: timeout });
            moved(status.length);
            await print(`persisted file ${shownName(status.path)} with size ${status.length}`);
          }),
        );
        await transfer.settle();
      }),
    );
}

function loadAll(frame: ClientFrame, name: string, patterns: readonly string[], parallelism: number): Promise<void> {
  return frame.forPaths(name, patterns, async (fs, path, problems) => {
    using transfer = new Transfer('loaded', problems, parallelism);
    await eachFile(fs, path, problems, (status) =>
      transfer.add(async (moved) => {
        await loadFile(fs, status, moved);
        await print(`${shownName(status.path)} loaded`);
      }),
    );
    await transfer.settle();
  });
}

async function eachFile(fs: FileSystem, path: string, problems: Problems, work: (status: FileStatus) => Promise<void>): Promise<void> {
  for await (const status of treeAt(fs, path, {}, problems)) {
    if (problems.isHopeless) return;
    if (!status.directory) await work(status);
  }
}

/** A worker that is asked for a byte of a block fetches all of it. */
async function loadFile(fs: FileSystem, { path }: FileStatus, moved: (bytes: number) => void): Promise<void> {
  await using file = await fs.open(path, { readType: 'CACHE' });
  const missing = async () => (await fs.getBlockLocations(path)).filter(({ workers }) => workers.length === 0);
  let left = await missing();
  for (const { offset } of left) await file.read(Buffer.alloc(1), offset);
  let endMs = systemClock.monotonicMs() + NO_PROGRESS_MS;
  while (left.length > 0) {
    await sleep(systemClock, LOOK_MS);
    const now = await missing();
    if (now.length < left.length) {
      const bytes = (blocks: typeof now) => blocks.reduce((sum, { length }) => sum + length, 0);
      moved(bytes(left) - bytes(now));
      endMs = systemClock.monotonicMs() + NO_PROGRESS_MS;
    }
    left = now;
    if (systemClock.monotonicMs() > endMs)
      throw new UnderstudyError('resource_exhausted', `no worker keeps all of its blocks: path=${path} missing=${left.length}`);
  }
}
