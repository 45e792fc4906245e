/** `understudy journal verify`: checks all of a journal, and says in the last line whether it can be trusted, and how far. */
import { Command } from 'commander';
import type { JournalProblem, Verdict } from '../metadata/verify-journal.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { print } from './output.js';
import { verifySettings } from './verify-settings.js';

interface Options {
  readonly temp?: string;
  readonly json?: boolean;
}

export function journalVerifyCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('verify').description('check every batch, checkpoint and digest; changes nothing, and may run beside masters'))
    .option('--temp <folder>', "where to replay to; needs room for a metastore (default: the system's folder for temporary files)")
    .option('--json', 'print one JSON object')
    .action(async ({ temp, json = false }: Options) => {
      const { verdict, problems } = await verifySettings(context.load().settings, { temp });
      const { digest: _, ...said } = verdict;
      if (json) await print(JSON.stringify({ isTrusted: problems.length === 0, ...said, found: problems }, null, 2));
      else await print([...problems.flatMap(problemLines), ...verdictLines(verdict)].join('\n'));
      if (problems.length > 0) throw new CommandFailed(EXIT.failed);
    });
}

export function problemLines({ what, file, offset, sn, advice }: JournalProblem): string[] {
  const where = file === undefined ? [] : [`  where: file=${file} offset=${offset}${sn === undefined || sn === 0 ? '' : ` sn=${sn}`}`];
  return [`PROBLEM: ${what}`, ...where, `  what to do: ${advice}`];
}

function verdictLines(verdict: Verdict): string[] {
  const { batches, entries, fromSn, checkpoints, digests, problems, trustedSn, committedSn, endSn, isTorn } = verdict;
  const lines = [
    `Checked ${entries} entries behind sn ${fromSn} in ${batches} batches, ${checkpoints} checkpoints, ${digests} digests that leaders told.`,
  ];
  if (isTorn) lines.push('A batch was being written when its leader ended, and is not part of the log: nothing is wrong with that.');
  if (endSn > committedSn) lines.push(`Entries ${committedSn + 1} to ${endSn} may have been committed: the next leader takes them over.`);
  if (problems === 0) return [...lines, `The journal can be trusted, to its end at sn ${endSn}.`];
  const reach = trustedSn === 0 ? 'at all' : `behind sn ${trustedSn}`;
  const isLogSound = trustedSn >= endSn && endSn >= committedSn;
  const rest = isLogSound ? `the log can, to its end at sn ${endSn}` : `cannot be trusted ${reach}`;
  return [
    ...lines,
    `The journal ${isLogSound ? 'cannot be trusted as a whole, but ' : ''}${rest}: ${problems} problem${problems === 1 ? '' : 's'}.`,
  ];
}
