/**
 * `fsadmin journal …`: what operators ask the leader to do with the journal.
 */
import { Command } from 'commander';
import { type RequestedCheckpoint, requestCheckpoint } from '../../client/request-checkpoint.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { formatBytes } from '../fs/ls-format.js';
import { isoTime } from '../iso-time.js';
import { print } from '../output.js';

export function journalCommands(context: CommandContext): Command {
  const journal = context.addOptions(new Command('journal').description('have the journal looked after'));
  const frame = new ClientFrame(context, journal);
  frame
    .command('checkpoint', 'make a checkpoint of the whole state, on a standby if there is one, and wait for it')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) =>
      frame.withClient(async ({ client }) => {
        const checkpoint = await requestCheckpoint(client);
        await print(json === true ? JSON.stringify(checkpoint) : sentences(checkpoint));
      }),
    );
  return journal;
}

function sentences({ sn, id, bytes, publishedMs, made }: RequestedCheckpoint): string {
  const first = `Checkpoint ${sn}-${id}: ${formatBytes(bytes)}, all entries up to ${sn}, published ${isoTime(publishedMs)}`;
  if (made === null) return `${first}\nNothing has changed since, so none was made`;
  return `${first}\nMade by ${made.maker} in ${(made.tookMs / 1_000).toFixed(1)} s`;
}
