/**
 * The options of `fs` by which a read asks for less than the newest, of any master: then it says on stderr who answered, and how new that is.
 */
import type { Command } from 'commander';
import type { ReadInfo, ReadOptions } from '../../client/client.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { complain } from '../output.js';

export interface FreshnessOptions {
  readonly stale?: boolean;
  readonly atLeastSn?: number;
}

export function withFreshness(command: Command): Command {
  return command
    .option('--stale', 'of any master, as far as it has come')
    .option('--at-least-sn <sn>', 'of any master that has applied that entry', sequence);
}

/** @returns what to give to each read of a command; what its answers tell is printed once for each master that gives one. */
export function readOptions({ stale, atLeastSn }: FreshnessOptions): ReadOptions {
  if (stale !== true && atLeastSn === undefined) return {};
  const heard = new Set<string>();
  const told = ({ master, sn, behind }: ReadInfo) => {
    if (heard.has(master)) return;
    heard.add(master);
    const how = behind === undefined ? 'it leads' : `${behind.entries} entries and ${behind.ms} ms behind, as far as it knows`;
    complain(`told by ${master} as of entry ${sn}: ${how}`);
  };
  return { told, ...(stale === true ? { stale } : {}), ...(atLeastSn === undefined ? {} : { atLeastSn }) };
}

function sequence(text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new CommandFailed(EXIT.usage, `not the number of an entry: ${text}`);
}
