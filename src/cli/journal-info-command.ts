/** `understudy journal info`: what there is of a journal, and how far it goes. */
import { Command } from 'commander';
import type { JournalSummary, StoredCheckpoint } from '../journal/journal-survey.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { isoTime } from './iso-time.js';
import { openSurvey } from './open-journal.js';
import { complain, print } from './output.js';
import { plainTable } from './plain-table.js';
import { TOOL_DEPS } from './tool-deps.js';

export function journalInfoCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('info').description('print what the journal is, and how far it goes'))
    .option('--json', 'print one JSON object')
    .action(async ({ json = false }: { json?: boolean }) => {
      await using survey = await openSurvey(context.load().settings, TOOL_DEPS);
      const summary = await survey.summary();
      await print(json ? jsonOf(summary) : textOf(summary));
      for (const { what } of summary.damage) complain(`damaged: ${what}`);
      if (summary.damage.length > 0) throw new CommandFailed(EXIT.failed, 'for all that is damaged: understudy journal verify');
    });
}

function jsonOf({ end, ...summary }: JournalSummary): string {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return JSON.stringify({ ...summary, end: end === null ? null : { sn: end.sn, hash: hex(end.hash) } }, null, 2);
}

function textOf(summary: JournalSummary): string {
  const { end, boundary, log, checkpoints } = summary;
  const rows = [
    ['Journal', `${summary.location} (${summary.backend}, format version ${summary.formatVersion})`],
    ['Cluster id', summary.clusterId],
    ['Incarnation', summary.incarnationId],
    ...(summary.forkedFrom === null ? [] : [['Forked from', summary.forkedFrom]]),
    ['Epoch', `${summary.epoch}${summary.claims === 0 ? '' : ` (${summary.claims} claims taken)`}`],
    ['Committed', `sn ${summary.committedSn}`],
    ['End', end === null ? 'hidden by damage' : `sn ${end.sn}, hash ${Buffer.from(end.hash).toString('hex')}`],
    ['Kept from', boundary === null ? 'the beginning' : `behind sn ${boundary.sn} of epoch ${boundary.epoch}`],
    ['Log', `${log.files} ${summary.backend === 'directory' ? 'segments' : 'objects'}${log.bytes === null ? '' : `, ${log.bytes} bytes`}`],
    ['Checkpoints', checkpoints.length === 0 ? 'none' : String(checkpoints.length)],
  ];
  const table = plainTable(rows);
  return checkpoints.length === 0 ? table : `${table}\n\n${plainTable(checkpoints.map(rowOf), ['SN', 'Bytes', 'Stored', 'Id', 'State'])}`;
}

function rowOf({ sn, bytes, timeMs, id, isPublished }: StoredCheckpoint): string[] {
  const state = bytes === null ? 'MISSING' : isPublished ? 'published' : 'left over';
  return [String(sn), String(bytes ?? '-'), timeMs === null ? '-' : isoTime(timeMs), id, state];
}
