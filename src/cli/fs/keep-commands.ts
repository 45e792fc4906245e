/**
 * The commands of `fs` that say how long and how often files are kept: TTL, pins, replication.
 */
import type { FileStatus, TtlAction } from '../../client/file-status.js';
import type { Attributes } from '../../client/file-system-options.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { durationMs, oneOfWords, wholeNumber } from '../option-values.js';
import { print } from '../output.js';
import { changeTree } from './change-tree.js';
import { shownName } from './ls-format.js';

const REPLICATION_MAX = 2 ** 31 - 1;

export function addKeepCommands(frame: ClientFrame): void {
  addTtlCommands(frame);
  for (const [name, pinned, description] of [
    ['pin', true, 'keep files, or all files of a directory, from being given up for others'],
    ['unpin', false, 'take that back'],
  ] as const) {
    frame.command(`${name} <path...>`, description).action((patterns: string[]) =>
      frame.forPaths(name, patterns, async (fs, path) => {
        await fs.setAttributes(path, { pinned });
        await print(`File '${shownName(path)}' was successfully ${name}ned.`);
      }),
    );
  }
  frame
    .command('setReplication <path...>', 'set how often the blocks of files are kept')
    .option('--min <number>', 'at least', wholeNumber(0, REPLICATION_MAX))
    .option('--max <number>', 'at most; 0 or -1: as many as there are', (text) =>
      text === '-1' ? 0 : wholeNumber(0, REPLICATION_MAX)(text),
    )
    .option('-R', 'of what is below directories, too')
    .action((patterns: string[], { min, max, R = false }: { min?: number; max?: number; R?: boolean }) => {
      if (min === undefined && max === undefined)
        throw new CommandFailed(EXIT.usage, 'setReplication: --min, --max or both have to be given');
      const attributes: Attributes = {
        ...(min === undefined ? {} : { replicationMin: min }),
        ...(max === undefined ? {} : { replicationMax: max }),
      };
      return frame.forPaths('setReplication', patterns, async (fs, path, problems) => {
        if (R) {
          // Directories have no copies of their own.
          const change = async (status: FileStatus) => status.directory || fs.setAttributes(status.path, attributes);
          await changeTree(fs, path, change, problems);
        } else await fs.setAttributes(path, attributes);
        const told = [`Changed the replication level of ${shownName(path)}`];
        if (max !== undefined) told.push(`replicationMax was set to ${max}`);
        if (min !== undefined) told.push(`replicationMin was set to ${min}`);
        await print(told.join('\n'));
      });
    });
}

function addTtlCommands(frame: ClientFrame): void {
  frame
    .command('setTtl <path> <time>', 'have a file or directory expire: such as 90s, 12h or 30day after it was created')
    .option('--action <action>', 'then delete it, or free its blocks (default: delete)', oneOfWords(['delete', 'free']))
    .action((pattern: string, text: string, { action = 'delete' }: { action?: string }) => {
      const ttlMs = timeOf(text);
      const ttlAction = action.toUpperCase() as TtlAction;
      return frame.forPaths('setTtl', [pattern], async (fs, path) => {
        await fs.setAttributes(path, { ttlMs, ttlAction });
        await print(
          `TTL of path '${shownName(path)}' was successfully set to ${ttlMs} milliseconds, with expiry action set to ${ttlAction}`,
        );
      });
    });
  frame.command('unsetTtl <path...>', 'have files or directories not expire').action((patterns: string[]) =>
    frame.forPaths('unsetTtl', patterns, async (fs, path) => {
      await fs.setAttributes(path, { ttlMs: null });
      await print(`TTL of path '${shownName(path)}' was successfully removed.`);
    }),
  );
}

function timeOf(text: string): number {
  try {
    return durationMs(text);
  } catch (error) {
    throw new CommandFailed(EXIT.usage, `setTtl: not a time: ${text}: ${error instanceof Error ? error.message : error}`);
  }
}
