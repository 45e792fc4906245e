/**
 * `fs ls`: what is in directories, line by line as `alluxio fs ls` prints it.
 *
 * It is printed as it comes, however much there is. Only what is to be sorted is held in memory, and bounded.
 */
import { UnderstudyError } from '../../base/errors.js';
import type { FileStatus } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import type { ListOptions } from '../../client/file-system-options.js';
import { STATUS_SHAPE, statusJson } from '../../client/status-json.js';
import type { ClientFrame } from '../client-frame.js';
import { withJson } from '../json-option.js';
import { oneOfWords } from '../option-values.js';
import { JsonArray, Lines, type Results } from '../output.js';
import type { Problems } from '../problems.js';
import { treeBelow } from './change-tree.js';
import { expandPath } from './expand-paths.js';
import { type FreshnessOptions, readOptions, withFreshness } from './freshness.js';
import { formatLsLine, heldPercent, TIMESTAMPS, type Timestamp } from './ls-format.js';

interface LsOptions extends FreshnessOptions {
  readonly R?: boolean;
  readonly d?: boolean;
  readonly f?: boolean;
  readonly h?: boolean;
  readonly p?: boolean;
  readonly r?: boolean;
  readonly sort?: SortKey;
  readonly timestamp?: Timestamp;
  readonly json?: boolean;
}

type SortKey = 'name' | 'path' | 'size' | 'creationTime' | 'lastModificationTime' | 'lastAccessTime' | 'inMemoryPercentage';

/** Alluxio's words. */
const SORT_KEYS: Readonly<Record<SortKey, (a: FileStatus, b: FileStatus) => number>> = {
  name: (a, b) => compareBytes(a.name, b.name),
  path: (a, b) => compareBytes(a.path, b.path),
  size: (a, b) => a.length - b.length,
  creationTime: (a, b) => a.createdMs - b.createdMs,
  lastModificationTime: (a, b) => a.modifiedMs - b.modifiedMs,
  lastAccessTime: (a, b) => a.accessedMs - b.accessedMs,
  inMemoryPercentage: (a, b) => heldPercent(a) - heldPercent(b),
};

const SORTED_MAX = 1_000_000;

export function addListCommand(frame: ClientFrame): void {
  const command = withFreshness(frame.command('ls <path...>', 'list what is in directories'))
    .option('-R', 'list what is below, too')
    .option('-d', 'list directories themselves, not what is in them')
    .option('-f', 'look at the under store first, whatever was loaded before')
    .option('-h', 'sizes for people')
    .option('-p', 'only what is pinned')
    .option('-r', 'in reverse order')
    .option('--sort <key>', `in order of ${Object.keys(SORT_KEYS).join(', ')}`, oneOfWords(Object.keys(SORT_KEYS)))
    .option('--timestamp <time>', `the time to show: ${TIMESTAMPS.join(', ')}`, oneOfWords(TIMESTAMPS))
    .helpOption('--help', 'display help for command');
  withJson(command, `an array of ${STATUS_SHAPE}`).action((patterns: string[], options: LsOptions) =>
    frame.withClient(async (fs) => {
      const problems = frame.problems('ls');
      const out = options.json === true ? new JsonArray() : new Lines();
      const show = options.json === true ? statusJson : (status: FileStatus) => formatLsLine(status, options.h === true, options.timestamp);
      const results = { add: (status: FileStatus) => (out as Results<unknown>).add(show(status)), end: () => out.end() };
      try {
        for (const pattern of patterns) {
          if (problems.isHopeless) break;
          await problems.catch(() => listAll(fs, pattern, options, results, problems));
        }
      } finally {
        await out.end();
      }
      problems.throwIfAny();
    }),
  );
}

async function listAll(fs: FileSystem, pattern: string, options: LsOptions, results: Results<FileStatus>, problems: Problems) {
  const read: ListOptions = { ...readOptions(options), withHeld: true, ...(options.f === true ? { loadMetadata: 'ALWAYS' } : {}) };
  for await (const path of expandPath(fs, pattern, read)) {
    if (problems.isHopeless) return;
    await problems.catch(async () => {
      const found = list(fs, path, read, options, problems);
      const shown = options.sort === undefined && options.r !== true ? found : await sorted(found, options);
      for await (const status of shown) await results.add(status);
    });
  }
}

async function* list(fs: FileSystem, path: string, read: ListOptions, { R = false, d = false, p = false }: LsOptions, problems: Problems) {
  if (d) {
    const status = await fs.getStatus(path, read);
    if (!p || status.pinned) yield status;
    return;
  }
  const entries = R ? treeBelow(fs, path, read, problems) : fs.list(path, read);
  for await (const status of entries) if (!p || status.pinned) yield status;
}

async function sorted(found: AsyncIterable<FileStatus>, { sort = 'name', r = false }: LsOptions): Promise<readonly FileStatus[]> {
  const all: FileStatus[] = [];
  for await (const status of found) {
    if (all.length === SORTED_MAX) {
      throw new UnderstudyError('resource_exhausted', `more than ${SORTED_MAX} entries are not sorted here: list them as they come`);
    }
    all.push(status);
  }
  const compare = SORT_KEYS[sort];
  all.sort((a, b) => compare(a, b) || compareBytes(a.path, b.path));
  return r ? all.reverse() : all;
}

/** By Unicode code points, which is the order of UTF-8 bytes. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
