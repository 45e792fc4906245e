/**
 * `fs count` and `fs du`: how much there is below a path. Sums are told from kept counters, whatever the size of the tree.
 */
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import { withJson } from '../json-option.js';
import { JsonArray, Lines, type Results } from '../output.js';
import type { Problems } from '../problems.js';
import { treeBelow } from './change-tree.js';
import { type FreshnessOptions, readOptions, withFreshness } from './freshness.js';
import { alternativesOf, literalPath } from './glob.js';
import { formatBytes, heldPercent, shownName } from './ls-format.js';

interface UsageOptions extends FreshnessOptions {
  readonly h?: boolean;
  readonly s?: boolean;
  readonly json?: boolean;
}

/** How much there is at a path, and how much of that workers hold. */
interface Held {
  readonly path: string;
  readonly bytes: bigint;
  readonly heldBytes: bigint;
  readonly heldPercent: number;
}

export function addUsageCommands(frame: ClientFrame): void {
  withJson(
    withFreshness(frame.command('count <path...>', 'count files, directories and bytes, the path itself included'))
      .option('-h', 'sizes for people')
      .helpOption('--help', 'display help for command'),
    'an array of {path, files, directories, bytes, quota: null | {namesMax, bytesMax}}',
  ).action((patterns: string[], options: UsageOptions) => count(frame, patterns, options));
  withJson(
    withFreshness(frame.command('du <path...>', 'show the sizes of files, and how much of them is held by workers'))
      .option('-s', 'one sum for each path')
      .option('-h', 'sizes for people')
      .helpOption('--help', 'display help for command'),
    'an array of {path, bytes, heldBytes, heldPercent}',
  ).action((patterns: string[], options: UsageOptions) => du(frame, patterns, options));
}

/** Prints results in JSON, or in lines below a head that is printed with the first of them. */
async function printing<T>(
  json: boolean | undefined,
  head: string,
  line: (result: T) => string,
  work: (add: Results<T>['add']) => Promise<void>,
) {
  const array = json === true ? new JsonArray() : undefined;
  const lines = new Lines();
  let isFirst = true;
  const add = async (result: T) => {
    if (array !== undefined) return array.add(result);
    if (isFirst) await lines.add(head);
    isFirst = false;
    await lines.add(line(result));
  };
  try {
    await work(add);
  } finally {
    await (array ?? lines).end();
  }
}

function count(frame: ClientFrame, patterns: readonly string[], { json, h = false, ...freshness }: UsageOptions): Promise<void> {
  // Alluxio has one path, and does not name it.
  const [only, ...others] = patterns.flatMap(alternativesOf);
  const isOne = others.length === 0 && literalPath(only ?? '') !== undefined;
  const row = (files: string, directories: string, size: string, path: string) =>
    `${files.padEnd(25)}${directories.padEnd(25)}${size.padEnd(15)}${isOne ? '' : path}`;
  const head = row('File Count', 'Folder Count', 'Folder Size', 'Path');
  const line = (found: { path: string; files: number; directories: number; bytes: bigint }) =>
    row(String(found.files), String(found.directories), size(found.bytes, h), shownName(found.path));
  return printing(json, head, line, (add) =>
    frame.forPaths('count', patterns, async (fs, path) => {
      const { files, directories, bytes, quota } = await fs.contentSummary(path, readOptions(freshness));
      const bounds = quota === null ? null : { namesMax: quota.namesMax, bytesMax: quota.bytesMax };
      await add({ path, files, directories, bytes, ...{ quota: bounds } });
    }),
  );
}

function du(frame: ClientFrame, patterns: readonly string[], { json, h = false, s = false, ...freshness }: UsageOptions): Promise<void> {
  const row = (size: string, held: string, path: string) => `${size.padEnd(13)} ${held.padEnd(16)} ${path}`;
  const line = ({ path, bytes, heldBytes, heldPercent: percent }: Held) =>
    row(size(bytes, h), `${size(heldBytes, h)} (${percent}%)`, shownName(path));
  return printing(json, row('File Size', 'In Alluxio', 'Path'), line, (add) =>
    frame.forPaths('du', patterns, async (fs, path, problems) => {
      if (s) {
        const { bytes } = await fs.contentSummary(path, readOptions(freshness));
        let heldBytes = 0n;
        for await (const file of filesBelow(fs, path, freshness, problems)) heldBytes += file.heldBytes;
        return add({ path, bytes, heldBytes, heldPercent: bytes === 0n ? 100 : Math.min(100, Number((100n * heldBytes) / bytes)) });
      }
      for await (const held of filesBelow(fs, path, freshness, problems)) await add(held);
    }),
  );
}

async function* filesBelow(fs: FileSystem, path: string, freshness: FreshnessOptions, problems: Problems): AsyncGenerator<Held> {
  for await (const status of treeBelow(fs, path, { ...readOptions(freshness), withHeld: true }, problems)) {
    if (status.directory) continue;
    yield { path: status.path, bytes: BigInt(status.length), heldBytes: BigInt(status.heldBytes ?? 0), heldPercent: heldPercent(status) };
  }
}

function size(bytes: bigint, human: boolean): string {
  return human ? formatBytes(Number(bytes)) : String(bytes);
}
