/** `understudy restore`: a journal made of a backup, as of any entry that is in it. */
import { Command, InvalidArgumentError } from 'commander';
import { isError } from '../base/errors.js';
import { BackupFolder } from '../journal/backup-folder.js';
import { CheckpointReader } from '../metadata/checkpoint-reader.js';
import { digestText } from '../metadata/digest.js';
import { type Restore, RestoredContents, type Until } from '../metadata/restored-contents.js';
import { claimByTool } from './claim-by-tool.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { problemLines } from './journal-verify-command.js';
import { formatJournal } from './open-journal.js';
import { print } from './output.js';
import { refuseWhileLed } from './refuse-while-led.js';
import { groupName } from './system-user.js';
import { TOOL_DEPS } from './tool-deps.js';
import { verifySettings } from './verify-settings.js';

interface Options {
  readonly from: string;
  readonly until: Until;
  readonly force?: boolean;
  readonly evenWhileLed?: boolean;
  readonly temp?: string;
}

export function restoreCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('restore').description('make the configured journal, which must not exist yet, out of a backup'))
    .requiredOption('--from <folder>', 'the backup')
    .option('--until <sn or time>', 'the last entry: its number, or the last one up to a time (ISO 8601, with its zone)', parseUntil, 'end')
    .option('--force', 'also where there is a journal: its leader is fenced, and ALL THAT IS IN IT IS LOST')
    .option('--even-while-led', 'with --force: even while a leader answers; without it that is refused')
    .option('--temp <folder>', "where to replay to, to check what was restored (default: the system's folder for temporary files)")
    .action(async ({ from, until, force = false, evenWhileLed = false, temp }: Options) => {
      const { settings } = context.load();
      const backup = await BackupFolder.open(from);
      await backup.check();
      if (force && !evenWhileLed) await refuseWhileLed(settings);
      const claim = { host: '', owner: settings.securityLoginUsername, group: groupName() };
      const contents = new RestoredContents(backup, {
        until,
        epochHighest: backup.manifest.epochHighest,
        claim,
        nowMs: TOOL_DEPS.clock.wallMs(),
        writerId: TOOL_DEPS.random.bytes(16),
        checkpoint: await checkpointOf(backup),
      });
      const options = force ? { contents, force: claimByTool('restore', settings) } : { contents };
      const { clusterId, incarnationId } = await formatJournal(settings, TOOL_DEPS, options).catch((error: unknown) => {
        if (!isError(error, 'already_exists') || force) throw error;
        throw new CommandFailed(EXIT.failed, `${error.message}; nothing was changed. With --force it is replaced, and all in it is lost.`);
      });
      const { to, digest } = backup.manifest;
      const { restoredSn } = contents;
      const { verdict, problems } = await verifySettings(settings, { temp, digestAt: restoredSn });
      if (problems.length > 0)
        throw new CommandFailed(EXIT.failed, ['what was restored is not sound:', ...problems.flatMap(problemLines)].join('\n'));
      const found = verdict.digest === null ? null : digestText(verdict.digest);
      if (restoredSn === to.sn && digest !== null && found !== null && digest !== found)
        throw new CommandFailed(EXIT.failed, `the restored state is not the one that was backed up: digest=${found} backup=${digest}`);
      await print(
        `Restored the journal ${settings.masterJournalFolder} up to sn ${restoredSn}${found === null ? '' : `, digest: ${found}`}`,
      );
      await print(`Cluster id: ${clusterId}, incarnation: ${incarnationId}. Masters of it rebuild what they have by themselves.`);
    });
}

function parseUntil(text: string): Until {
  if (/^\d+$/.test(text)) return { sn: Number(text) };
  const timeMs = Date.parse(text);
  // A time without its zone would mean another entry on another machine.
  if (Number.isNaN(timeMs) || !/(?:Z|[+-]\d\d:?\d\d)$/i.test(text)) {
    throw new InvalidArgumentError('neither a sequence number nor a time such as 2026-01-31T12:00:00Z');
  }
  return { timeMs };
}

async function checkpointOf(backup: BackupFolder): Promise<Restore['checkpoint']> {
  const [ref] = (await backup.retention()).checkpoints;
  if (ref === undefined) return null;
  await using reader = await CheckpointReader.open(backup.checkpoint(ref));
  return { head: reader.head, id: ref.id, bytes: await backup.checkpointBytes(ref) };
}
