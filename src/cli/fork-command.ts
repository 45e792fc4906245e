/** `understudy fork`: a journal of a new cluster with the state of another one's, to try on it what must not go wrong there. */
import { Command, InvalidArgumentError } from 'commander';
import { isError } from '../base/errors.js';
import type { Settings } from '../config/settings.js';
import type { Journal } from '../journal/journal.js';
import { digestText } from '../metadata/digest.js';
import { forkState } from '../metadata/forked-contents.js';
import { type StateAt, stateAt } from '../metadata/state-at.js';
import { committedNow } from './committed-now.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { parseLocation } from './journal-location.js';
import { formatJournal, openJournal, openSurvey } from './open-journal.js';
import { print } from './output.js';
import { groupName } from './system-user.js';
import { TemporaryStores } from './temporary-store.js';
import { TOOL_DEPS } from './tool-deps.js';
import { ToolProgress } from './tool-progress.js';

interface Options {
  readonly from?: string;
  readonly at?: number;
  readonly to: string;
  readonly temp?: string;
}

export function forkCommand(context: CommandContext): Command {
  return context
    .addOptions(
      new Command('fork').description(
        'make a journal of a new cluster with the metadata of another one, which is only read and goes on: to try an upgrade; all mounts are read-only in it',
      ),
    )
    .option('--from <location>', 'the journal: a folder, or s3://bucket/prefix (default: the configured one)', parseLocation)
    .option('--at <sn>', 'as of this entry (default: the last one that is committed now)', parseSequence)
    .requiredOption('--to <location>', 'where to: there must be no journal', parseLocation)
    .option('--temp <folder>', "where to replay to; needs room for a metastore (default: the system's folder for temporary files)")
    .action(async ({ from, at, to, temp }: Options) => {
      const { settings } = context.load();
      const source = { ...settings, masterJournalFolder: from ?? settings.masterJournalFolder };
      refuseNested(source.masterJournalFolder, to);
      await using opened = await openJournal(source, TOOL_DEPS);
      const { journal } = opened;
      await using stores = await TemporaryStores.make(temp);
      const state = await readState(source, journal, stores, at);
      const { sn, digest } = state.mark;
      const claim = { host: '', owner: settings.securityLoginUsername, group: groupName() };
      const keep = (chunks: AsyncIterable<Uint8Array>) => stores.keep('checkpoint', chunks);
      const contents = await forkState(journal.clusterId, state, { ...TOOL_DEPS, keep, claim });
      const made = await formatJournal({ ...settings, masterJournalFolder: to }, TOOL_DEPS, { contents }).catch((error: unknown) => {
        if (!isError(error, 'already_exists')) throw error;
        throw new CommandFailed(EXIT.failed, `${error.message}; nothing was changed`);
      });
      await print(`Forked ${journal.clusterId} as of sn ${sn}, digest: ${digestText(digest)}, to ${to}`);
      await print(`Cluster id: ${made.clusterId}. Its masters need an election path, a metastore and ports of their own.`);
    });
}

function parseSequence(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a sequence number is a whole number from 1 on');
  return value;
}

/** What is made inside of a journal is written to it. */
function refuseNested(from: string, to: string): void {
  const [a, b] = [from, to].map((location) => `${location.replace(/^file:\/\//, '').replace(/\/+$/, '')}/`) as [string, string];
  if (!a.startsWith(b) && !b.startsWith(a)) return;
  throw new CommandFailed(EXIT.failed, `a fork has a place of its own, neither in the journal nor around it: from=${from} to=${to}`);
}

async function readState(settings: Settings, journal: Journal, stores: TemporaryStores, at: number | undefined): Promise<StateAt> {
  await using survey = await openSurvey(settings, TOOL_DEPS);
  const sn = at ?? (await committedNow(survey)).committedSn;
  if (sn === 0) throw new CommandFailed(EXIT.failed, 'there is nothing to fork: the journal is empty');
  using bar = new ToolProgress('fork', sn);
  return await stateAt(journal, sn, { clock: TOOL_DEPS.clock, openStore: () => stores.open(), progress: (done) => bar.update(done) });
}
