/** `understudy journal dump`: the journal's entries, one line each. */
import { Command, InvalidArgumentError } from 'commander';
import type { PlainValue } from '../metadata/describe-entry.js';
import { type DumpedEntry, dumpEntries } from '../metadata/dump-entries.js';
import { dumpStart } from '../metadata/dump-start.js';
import { parsePath } from '../metadata/path.js';
import { Replay } from '../metadata/replay.js';
import type { CommandContext } from './context.js';
import { isoTime } from './iso-time.js';
import { openJournal, openSurvey } from './open-journal.js';
import { complain, print } from './output.js';
import { TemporaryStores } from './temporary-store.js';
import { TOOL_DEPS } from './tool-deps.js';

interface Options {
  readonly from: number;
  readonly to: number;
  readonly path?: string;
  readonly resolve?: boolean;
  readonly json?: boolean;
}

export function journalDumpCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('dump').description("print the journal's committed entries, one a line"))
    .option('--from <sn>', 'first entry to print', sequenceNumber, 1)
    .option('--to <sn>', 'last entry to print', sequenceNumber, Number.MAX_SAFE_INTEGER)
    .option('--path <path>', 'only entries that concern this path: at it, below it, or moving or removing a directory above it')
    .option('--resolve', 'print paths rather than numbers of directories; replays the journal (as --path does)')
    .option('--json', 'print one JSON object a line, with all that an entry says')
    .action(async (options: Options) => {
      const { settings } = context.load();
      await using opened = await openJournal(settings, TOOL_DEPS);
      const { journal } = opened;
      await using survey = await openSurvey(settings, TOOL_DEPS);
      const { committedSn, damage } = await survey.summary();
      for (const { what } of damage) complain(`damaged: ${what}`);
      // Where damage hides the end, the reader comes as far as it can.
      const toSn = damage.length > 0 ? options.to : Math.min(options.to, committedSn);
      const fromSn = options.from;
      const path = options.path === undefined ? undefined : `/${parsePath(options.path).join('/')}`;
      await using stores = await TemporaryStores.make();
      const isResolved = path !== undefined || options.resolve === true;
      const { from, kv } = await dumpStart(journal, fromSn, isResolved ? () => stores.open() : undefined);
      if (from.sn >= fromSn) complain(`entries up to sn=${from.sn} were collected, or cannot be resolved any more`);
      if (isResolved && kv === undefined) complain('no checkpoint is sound: directories are told by number');
      await using replay = kv === undefined ? undefined : new Replay(kv, { ...TOOL_DEPS, identity: journal });
      const unresolved = (error: Error, sn: number) => complain(`behind sn=${sn} directories are told by number: ${error.message}`);
      const line = options.json === true ? jsonLine : textLine;
      const request = { from, fromSn, toSn, ...(path === undefined ? {} : { path }) };
      for await (const entry of dumpEntries(journal, request, { unresolved, ...(replay === undefined ? {} : { replay }) })) {
        await print(line(entry));
      }
    });
}

function sequenceNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a sequence number is a whole number from 1 on');
  return value;
}

function jsonLine({ sn, epoch, batchSn, timeMs, kind, paths, entry }: DumpedEntry): string {
  return JSON.stringify({ sn, epoch, batchSn, time: isoTime(timeMs), kind, paths, entry });
}

function textLine({ sn, epoch, timeMs, kind, paths, fields, call }: DumpedEntry): string {
  const said = Object.entries(fields).map(([name, value]) => `${name}=${textOf(value)}`);
  if (call !== null) said.push(`client=${call.clientId}`, `call=${call.callId}`);
  return [sn, epoch, isoTime(timeMs), kind, paths.map(quoted).join(' -> '), ...said].filter((part) => part !== '').join(' ');
}

function textOf(value: PlainValue): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, field]) => `${name}=${textOf(field)}`)
      .join(',')}}`;
  }
  return String(value);
}

/** Nothing in an entry may break a line, or pass for two words. */
function quoted(text: string): string {
  return /^[^\s"\\\p{C}]+$/u.test(text) ? text : JSON.stringify(text);
}
