/**
 * The commands of `fs` that only look.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isError } from '../base/errors.js';
import type { ReadOptions } from '../client/client.js';
import type { FileStatus } from '../client/file-status.js';
import type { FileSystem } from '../client/file-system.js';
import type { ClientFrame } from './client-frame.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { type FreshnessOptions, readOptions, withFreshness } from './fs-freshness.js';
import { formatLsLine } from './ls-format.js';
import { formatMasters } from './masters-format.js';
import { print } from './output.js';
import { formatStat, formatStatus, STAT_FORMAT_HELP } from './stat-format.js';

/** Lines that are printed at once. */
const LINES_AT_ONCE = 1000;

export function addReadingCommands(frame: ClientFrame): void {
  withFreshness(frame.command('ls <path...>', 'list what is in directories'))
    .option('-R', 'list what is below, too')
    .option('-h', 'sizes for people')
    .helpOption('--help', 'display help for command')
    .action((paths: string[], options: FreshnessOptions & { R?: boolean; h?: boolean }) =>
      frame.withClient((fs) => frame.forEach('ls', paths, (path) => list(fs, path, readOptions(options), options))),
    );
  withFreshness(frame.command('stat <path...>', 'show all there is to know of files and directories'))
    .option('-f <format>', 'print only what FORMAT asks for')
    .addHelpText('after', STAT_FORMAT_HELP)
    .action((paths: string[], { f, ...freshness }: FreshnessOptions & { f?: string }) =>
      frame.withClient((fs) =>
        frame.forEach('stat', paths, async (path) => {
          const status = await fs.getStatus(path, readOptions(freshness));
          await print(f === undefined ? formatStatus(status) : formatStat(f, status));
        }),
      ),
    );
  withFreshness(frame.command('test <path>', 'exit with 0 if it is so, else with 1'))
    .option('-d', 'it is a directory')
    .option('-e', 'it exists')
    .option('-f', 'it is a file')
    .option('-s', 'it is a directory with something in it, or a file longer than 0 bytes')
    .option('-z', 'it is a file of 0 bytes')
    .action((path: string, options: FreshnessOptions & Record<string, unknown>) => frame.withClient((fs) => test(fs, path, options)));
  frame
    .command('leader', 'print host:port of the leader that serves')
    .option('--json', 'as JSON, with epoch and web address')
    .option('--wait <seconds>', 'how long to wait for one', seconds, 2)
    .action((options: { json?: boolean; wait: number }) => frame.withClient((fs) => leader(fs, options.json === true, options.wait)));
  frame
    .command('masterInfo', 'show every master: its state, what it has applied, how far it lags behind')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) =>
      frame.withClient(async (fs) => {
        const masters = await fs.masterInfo();
        await print(json === true ? JSON.stringify(masters, undefined, 2) : formatMasters(masters));
      }),
    );
}

async function list(
  fs: FileSystem,
  path: string,
  read: ReadOptions,
  { R = false, h = false }: { R?: boolean; h?: boolean },
): Promise<void> {
  let lines: string[] = [];
  const flush = async () => {
    if (lines.length > 0) await print(lines.join('\n'));
    lines = [];
  };
  // Directories that are being listed, the innermost last: as deep as the tree, however wide it is.
  const open: AsyncGenerator<FileStatus, void, undefined>[] = [fs.list(path, read)];
  try {
    for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
      const next = await inner.next();
      if (next.done) {
        open.pop();
        continue;
      }
      lines.push(formatLsLine(next.value, h));
      if (lines.length >= LINES_AT_ONCE) await flush();
      if (R && next.value.directory) open.push(fs.list(next.value.path, read));
    }
  } finally {
    await flush();
    for (const listing of open) await listing.return();
  }
}

const TESTS: Readonly<Record<string, (status: FileStatus) => boolean>> = {
  d: ({ directory }) => directory,
  e: () => true,
  f: ({ directory }) => !directory,
  s: ({ directory, childCount, length }) => (directory ? childCount > 0 : length > 0),
  z: ({ directory, length }) => !directory && length === 0,
};

async function test(fs: FileSystem, path: string, options: FreshnessOptions & Readonly<Record<string, unknown>>): Promise<void> {
  const asked = Object.keys(TESTS).filter((letter) => options[letter] === true);
  if (asked.length !== 1) throw new CommandFailed(EXIT.usage, 'test: exactly one of -d, -e, -f, -s and -z has to be given');
  const status = await fs.getStatus(path, readOptions(options)).catch((error) => {
    if (isError(error, 'not_found')) return undefined;
    throw error;
  });
  const holds = status !== undefined && TESTS[asked[0] as string]?.(status) === true;
  if (!holds) throw new CommandFailed(EXIT.failed);
}

const LOOK_AGAIN_MS = 50;

async function leader(fs: FileSystem, json: boolean, waitSeconds: number): Promise<void> {
  const giveUpAt = performance.now() + waitSeconds * 1000;
  for (;;) {
    const place = await fs.leader();
    if (place !== undefined) return print(json ? JSON.stringify(place) : place.address);
    if (performance.now() >= giveUpAt) throw new CommandFailed(EXIT.failed, 'leader: no master serves as leader now');
    await sleep(LOOK_AGAIN_MS);
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 86_400)) throw new CommandFailed(EXIT.usage, `not a number of seconds from 0 to 86400: ${text}`);
  return value;
}
