/** `understudy journal copy`: all that a journal holds, to another place or another kind of storage. */
import { Command } from 'commander';
import type { Settings } from '../config/settings.js';
import { GENESIS, type Journal } from '../journal/journal.js';
import type { JournalContents } from '../journal/journal-contents.js';
import { takeContents } from '../metadata/journal-contents-of.js';
import { claimByTool } from './claim-by-tool.js';
import { committedNow } from './committed-now.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { parseLocation } from './journal-location.js';
import { formatJournal, openJournal, openSurvey } from './open-journal.js';
import { print } from './output.js';
import { refuseWhileLed } from './refuse-while-led.js';
import { TOOL_DEPS } from './tool-deps.js';
import { ToolProgress } from './tool-progress.js';

interface Options {
  readonly from?: string;
  readonly to: string;
  readonly keepIncarnation?: boolean;
}

export function journalCopyCommand(context: CommandContext): Command {
  return context
    .addOptions(
      new Command('copy').description('copy the journal to another place, where there must be none: a folder, or s3://bucket/prefix'),
    )
    .option('--from <location>', 'default: the configured journal', parseLocation)
    .requiredOption('--to <location>', 'where to', parseLocation)
    .option(
      '--keep-incarnation',
      'the copy takes the place of the original, whose leader is fenced and which nobody may lead again: masters go on with what they have',
    )
    .action(async ({ from, to, keepIncarnation = false }: Options) => {
      const { settings } = context.load();
      const source = from === undefined ? settings : { ...settings, masterJournalFolder: from };
      const target = { ...settings, masterJournalFolder: to };
      await using opened = await openJournal(source, TOOL_DEPS);
      await using survey = await openSurvey(source, TOOL_DEPS);
      const { journal } = opened;
      if (keepIncarnation) await retire(settings, journal);
      const summary = await committedNow(survey);
      let toSn = summary.committedSn;
      const forkedFrom = summary.forkedFrom ?? undefined;
      const made = await takeContents(
        journal,
        'everything',
        async (contents) => {
          using bar = new ToolProgress('copy', toSn);
          const kept = keepIncarnation ? { incarnationId: journal.incarnationId } : {};
          return await formatJournal(target, TOOL_DEPS, { contents: { ...watched(contents, bar), forkedFrom }, ...kept });
        },
        async () => {
          toSn = (await committedNow(survey)).committedSn;
          return { toSn };
        },
      );
      await using copied = await openSurvey(target, TOOL_DEPS);
      const { end } = await copied.summary();
      if (end === null)
        throw new CommandFailed(EXIT.failed, `the copy is damaged: understudy journal verify -Dmaster.journal.folder=${to}`);
      await print(`Copied up to sn ${end.sn}, hash ${Buffer.from(end.hash).toString('hex')}, to ${to}`);
      await print(`Cluster id: ${made.clusterId}, incarnation: ${made.incarnationId}`);
    });
}

/**
 * Ends the leadership of a journal that its copy is to replace: a leader that is away for now would acknowledge, when it comes back, what the
 * copy does not have.
 *
 * @throws CommandFailed where a leader answers.
 */
async function retire(settings: Settings, journal: Journal): Promise<void> {
  await refuseWhileLed(settings, 'stop its masters first, or copy it without --keep-incarnation');
  const { boundary } = await journal.checkpoints.published();
  const from = boundary?.point ?? GENESIS;
  await using _writer = await journal.claim({ from, ...claimByTool('copy', settings), deliver: () => undefined });
}

function watched(contents: JournalContents, bar: ToolProgress): JournalContents {
  return {
    clusterId: contents.clusterId,
    begin: contents.begin,
    async *batches() {
      for await (const batch of contents.batches()) {
        bar.update(batch.firstSn);
        yield batch;
      }
    },
    retention: () => contents.retention(),
    checkpoint: (ref) => contents.checkpoint(ref),
  };
}
