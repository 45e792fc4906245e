/**
 * `understudy format`: makes the journal of a new cluster.
 */
import { hostname } from 'node:os';
import { Command } from 'commander';
import { isError } from '../base/errors.js';
import { silentLog } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import type { Settings } from '../config/settings.js';
import type { ClaimRequest } from '../journal/journal.js';
import { encodeEntry } from '../metadata/entries.js';
import { clientPlaces, openClient } from './connect.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { formatJournal } from './open-journal.js';
import { print } from './output.js';
import { groupName } from './system-user.js';
import { TOOL_DEPS } from './tool-deps.js';

/** How long a leader may take to answer. */
const LOOK_TIMEOUT_MS = 3_000;

export function formatCommand(context: CommandContext): Command {
  return context
    .addOptions(new Command('format').description('make an empty journal; a folder that holds one, or may, is refused'))
    .option('--force', 'also where there is a journal: its leader is fenced, and ALL THAT IS IN IT IS LOST')
    .option('--even-while-led', 'with --force: even while a leader answers; without it that is refused')
    .action(async ({ force = false, evenWhileLed = false }: { force?: boolean; evenWhileLed?: boolean }) => {
      const { settings } = context.load();
      if (force && !evenWhileLed) await refuseWhileLed(settings);
      try {
        const { clusterId } = await formatJournal(settings, TOOL_DEPS, force ? { force: claimOf(settings) } : {});
        await print(`Formatted the journal ${settings.masterJournalFolder}\nCluster id: ${clusterId}`);
      } catch (error) {
        if (!isError(error, 'already_exists') || force) throw error;
        throw new CommandFailed(
          EXIT.failed,
          `${error.message}; nothing was changed. With --force it is formatted anew, and all in it is lost.`,
        );
      }
    });
}

/** @throws CommandFailed where one of the cluster's masters says that it leads. */
async function refuseWhileLed(settings: Settings): Promise<void> {
  const { client, closeDirectory } = await openClient(clientPlaces(settings, groupName()), silentLog);
  try {
    const leader = await client.leader({ timeoutMs: LOOK_TIMEOUT_MS });
    if (leader === undefined) return;
    const advice = 'stop its masters first, or add --even-while-led';
    throw new CommandFailed(
      EXIT.failed,
      `a leader answers: ${advice}; nothing was changed: leader=${leader.address} epoch=${leader.epoch}`,
    );
  } finally {
    await client.close();
    await closeDirectory();
  }
}

/** What stands in the old journal as its last claim, for masters that still read it. */
function claimOf(settings: Settings): Pick<ClaimRequest, 'entry'> {
  const claim = { host: `format@${hostname()}`, owner: settings.securityLoginUsername, group: groupName() };
  return {
    entry(epoch, notBeforeMs) {
      const timeMs = Math.max(notBeforeMs, Math.floor(systemClock.wallMs()));
      return { bytes: encodeEntry({ timeMs, claim: { epoch, ...claim } }), timeMs };
    },
  };
}
