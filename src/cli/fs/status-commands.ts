/**
 * `fs stat` and `fs test`: one path, and what it is.
 */
import { isError } from '../../base/errors.js';
import type { FileStatus } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import { STATUS_SHAPE, statusJson } from '../../client/status-json.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { withJson } from '../json-option.js';
import { JsonArray, print } from '../output.js';
import { expandToOne } from './expand-paths.js';
import { type FreshnessOptions, readOptions, withFreshness } from './freshness.js';
import { formatStat, formatStatus, STAT_FORMAT_HELP } from './stat-format.js';

export function addStatusCommands(frame: ClientFrame): void {
  const stat = withFreshness(frame.command('stat <path...>', 'show all there is to know of files and directories'))
    .option('-f <format>', 'print only what FORMAT asks for')
    .addHelpText('after', STAT_FORMAT_HELP);
  withJson(stat, `an array of ${STATUS_SHAPE}`).action(
    async (patterns: string[], { f, json, ...freshness }: FreshnessOptions & { f?: string; json?: boolean }) => {
      const found = json === true ? new JsonArray() : undefined;
      try {
        await frame.forPaths('stat', patterns, async (fs, path) => {
          const status = await fs.getStatus(path, { ...readOptions(freshness), withHeld: true });
          await (found?.add(statusJson(status)) ?? print(f === undefined ? formatStatus(status) : formatStat(f, status)));
        });
      } finally {
        await found?.end();
      }
    },
  );
  withFreshness(frame.command('test <path>', 'exit with 0 if it is so, else with 1'))
    .option('-d', 'it is a directory')
    .option('-e', 'it exists')
    .option('-f', 'it is a file')
    .option('-s', 'it is a directory with something in it, or a file longer than 0 bytes')
    .option('-z', 'it is a file of 0 bytes')
    .option('-r', 'the user may read it')
    .option('-w', 'the user may write it')
    .option('-x', 'the user may search it, or run it')
    .action((pattern: string, options: FreshnessOptions & Record<string, unknown>) =>
      frame.once('test', (fs) => test(fs, pattern, options)),
    );
}

const TESTS: Readonly<Record<string, (status: FileStatus) => boolean>> = {
  d: ({ directory }) => directory,
  e: () => true,
  f: ({ directory }) => !directory,
  s: ({ directory, childCount, length }) => (directory ? childCount > 0 : length > 0),
  z: ({ directory, length }) => !directory && length === 0,
};
const ACCESS: readonly string[] = ['r', 'w', 'x'];

async function test(fs: FileSystem, pattern: string, options: FreshnessOptions & Readonly<Record<string, unknown>>): Promise<void> {
  const letters = [...Object.keys(TESTS), ...ACCESS];
  const [letter, ...others] = letters.filter((each) => options[each] === true);
  if (letter === undefined || others.length > 0) {
    throw new CommandFailed(EXIT.usage, `exactly one of ${letters.map((each) => `-${each}`).join(', ')} has to be given`);
  }
  try {
    if (await holds(fs, await expandToOne(fs, pattern), letter, options)) return;
  } catch (error) {
    if (!isError(error, 'not_found')) throw error;
  }
  throw new CommandFailed(EXIT.failed);
}

async function holds(fs: FileSystem, path: string, letter: string, options: FreshnessOptions): Promise<boolean> {
  if (!ACCESS.includes(letter)) return TESTS[letter]?.(await fs.getStatus(path, readOptions(options))) === true;
  try {
    await fs.checkAccess(path, letter, readOptions(options));
    return true;
  } catch (error) {
    if (isError(error, 'permission_denied')) return false;
    throw error;
  }
}
