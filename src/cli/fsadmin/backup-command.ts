/** `understudy fsadmin backup`: what the journal holds by now, in a folder, while its masters go on. */
import path from 'node:path';
import { Command } from 'commander';
import { BackupFolder, beginBackup, clearBackup, publishBackup, writeBackup } from '../../journal/backup-folder.js';
import { digestText } from '../../metadata/digest.js';
import { takeContents } from '../../metadata/journal-contents-of.js';
import { replayContents } from '../../metadata/replay-contents.js';
import { committedNow } from '../committed-now.js';
import type { CommandContext } from '../context.js';
import { isoTime } from '../iso-time.js';
import { openJournal, openSurvey } from '../open-journal.js';
import { print } from '../output.js';
import { TemporaryStores } from '../temporary-store.js';
import { TOOL_DEPS } from '../tool-deps.js';
import { ToolProgress } from '../tool-progress.js';

interface Options {
  readonly temp?: string;
  /** False with `--no-digest`. */
  readonly digest: boolean;
}

export function backupCommand(context: CommandContext): Command {
  return context
    .addOptions(
      new Command('backup').description("write a backup of the journal to an empty folder, from the journal's storage; masters go on"),
    )
    .argument('<folder>', 'where to; made where it is missing')
    .option('--temp <folder>', "where to replay to; needs room for a metastore (default: the system's folder for temporary files)")
    .option('--no-digest', 'do not replay what was written: quicker, and the backup is then proved only by its checksums')
    .action(async (to: string, { temp, digest: withDigest }: Options) => {
      const { settings } = context.load();
      const folder = path.resolve(to);
      await using opened = await openJournal(settings, TOOL_DEPS);
      const { journal } = opened;
      await using survey = await openSurvey(settings, TOOL_DEPS);
      let summary = await committedNow(survey);
      await beginBackup(folder);
      const draft = await takeContents(
        journal,
        'newest checkpoint',
        async (contents) => {
          await clearBackup(folder);
          using bar = new ToolProgress('backup', summary.committedSn);
          const { incarnationId } = journal;
          return await writeBackup(folder, contents, { incarnationId, epochHighest: Math.max(summary.claims, summary.epoch) }, (sn) =>
            bar.update(sn),
          );
        },
        async () => {
          summary = await committedNow(survey);
          return { toSn: summary.committedSn };
        },
      );
      const digest = withDigest ? await digestOf(BackupFolder.draft(folder, draft), draft.to.sn, temp) : null;
      await publishBackup(folder, { ...draft, digest, madeMs: Math.floor(TOOL_DEPS.clock.wallMs()) });
      const bytes = draft.files.reduce((sum, file) => sum + file.bytes, 0);
      const begin = draft.checkpoint === null ? 'from the beginning' : `with the checkpoint of sn ${draft.checkpoint.sn}`;
      await print(`Backed up ${begin} to sn ${draft.to.sn} (${isoTime(draft.to.timeMs)}): ${bytes} bytes in ${folder}`);
      await print(`Cluster id: ${draft.clusterId}${digest === null ? '' : `, digest: ${digest}`}`);
    });
}

async function digestOf(backup: BackupFolder, endSn: number, temp: string | undefined): Promise<string> {
  await using stores = await TemporaryStores.make(temp);
  using bar = new ToolProgress('replay', endSn);
  const { clock } = TOOL_DEPS;
  const { digest } = await replayContents(backup, { kv: await stores.open(), clock, progress: (sn) => bar.update(sn) });
  return digestText(digest);
}
