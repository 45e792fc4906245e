/**
 * `fs watch` and `fs cursor`: the change feed, and how far its readers have come.
 */
import type { Command } from 'commander';
import type { ChangeEvent } from '../../client/change-feed.js';
import type { FileSystem } from '../../client/file-system.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { isoTime } from '../iso-time.js';
import { withJson } from '../json-option.js';
import { wholeNumber } from '../option-values.js';
import { jsonText, print, printJson } from '../output.js';
import { plainTable } from '../plain-table.js';
import { expandToOne } from './expand-paths.js';
import { type FreshnessOptions, readOptions, withFreshness } from './freshness.js';
import { shownName } from './ls-format.js';

interface WatchCommandOptions {
  readonly from?: number;
  readonly cursor?: string;
  readonly max?: number;
  readonly json?: boolean;
}

export function addWatchCommands(context: CommandContext, frame: ClientFrame, fs: Command): void {
  withJson(
    frame
      .command('watch <path>', 'print every committed change of what is at a path or below it, once and in order, until interrupted')
      .option('--from <sn>', 'from this entry on (default: what comes from now on)', wholeNumber(1, Number.MAX_SAFE_INTEGER))
      .option(
        '--cursor <name>',
        'from behind where this cursor stands, which is made where there is none, and moved on with what was printed',
      )
      .option('--max <number>', 'end after so many changes', wholeNumber(1, Number.MAX_SAFE_INTEGER)),
    'a line for each change of {sn, step, timeMs, kind, path, toPath: null | path}',
  ).action((pattern: string, options: WatchCommandOptions) => {
    if (options.from !== undefined && options.cursor !== undefined) {
      throw new CommandFailed(EXIT.usage, 'watch: --from and --cursor contradict each other');
    }
    return frame.once('watch', async (client) => watch(client, await expandToOne(client, pattern), options));
  });
  addCursorCommands(context, fs);
}

function addCursorCommands(context: CommandContext, fs: Command): void {
  const cursor = context.addOptions(fs.command('cursor')).description('look after the named readers of the change feed');
  const frame = new ClientFrame(context, cursor);
  withJson(withFreshness(frame.command('list', 'show all cursors')), 'an array of {name, path, sn, movedMs}').action(
    ({ json = false, ...freshness }: FreshnessOptions & { json?: boolean }) =>
      frame.once('cursor list', async (client) => {
        const cursors = await client.listCursors(readOptions(freshness));
        if (json) return printJson(cursors.map(({ name, path, sn, movedMs }) => ({ name, path, sn, movedMs })));
        const rows = cursors.map(({ name, path, sn, movedMs }) => [name, String(sn), isoTime(movedMs), shownName(path)]);
        await print(plainTable(rows, ['Cursor', 'Entry', 'Moved', 'Path']));
      }),
  );
  frame
    .command('set <name>', 'make a cursor, or move it on; it never goes back')
    .option('--path <path>', 'what it watches: needed where it is new')
    .option(
      '--sn <sn>',
      'entries up to here are done with (default, where it is new: all that there are)',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .action((name: string, options: { path?: string; sn?: number }) =>
      frame.once('cursor set', async (client) => {
        await client.setCursor(name, options);
        await print(`Cursor ${shownName(name)} was set`);
      }),
    );
  frame.command('remove <name...>', 'forget cursors').action((names: string[]) =>
    frame.withClient(async (client) => {
      const problems = frame.problems('cursor remove');
      for (const name of names) {
        if (problems.isHopeless) break;
        await problems.catch(async () => {
          await client.removeCursor(name);
          await print(`Cursor ${shownName(name)} was removed`);
        });
      }
      problems.throwIfAny();
    }),
  );
}

async function watch(fs: FileSystem, path: string, options: WatchCommandOptions): Promise<void> {
  const { cursor, from, max = Number.POSITIVE_INFINITY, json = false } = options;
  if (cursor !== undefined && !(await fs.listCursors()).some(({ name }) => name === cursor)) await fs.setCursor(cursor, { path });
  const where = cursor === undefined ? (from === undefined ? {} : { fromSn: from }) : { cursor };
  let printed = 0;
  for await (const { events, throughSn } of fs.watchBatches(path, where)) {
    const some = events.slice(0, max - printed);
    if (some.length > 0) await print(some.map(json ? eventJson : eventLine).join('\n'));
    printed += some.length;
    const last = some.at(-1);
    // Of an entry that was printed in part, all comes again.
    const doneSn = some.length === events.length ? throughSn : events[some.length]?.sn === last?.sn ? (last?.sn ?? 1) - 1 : (last?.sn ?? 0);
    if (cursor !== undefined && events.length > 0 && doneSn > 0) await fs.setCursor(cursor, { sn: doneSn });
    if (printed >= max) return;
  }
}

function eventLine({ sn, timeMs, kind, path, toPath }: ChangeEvent): string {
  return `${sn} ${isoTime(timeMs)} ${kind} ${shownName(path)}${toPath === '' ? '' : ` -> ${shownName(toPath)}`}`;
}

function eventJson({ sn, step, timeMs, kind, path, toPath }: ChangeEvent): string {
  return jsonText({ sn, step, timeMs, kind, path, toPath: toPath === '' ? null : toPath });
}
