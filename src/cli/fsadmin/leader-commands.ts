/**
 * `fsadmin leader …`: who leads, by an operator's will.
 */
import { Command } from 'commander';
import { takeLead, transferLeader } from '../../client/transfer-leader.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { print } from '../output.js';

interface TransferCommandOptions {
  readonly to?: string;
  readonly take?: boolean;
}

export function leaderCommands(context: CommandContext): Command {
  const leader = context.addOptions(new Command('leader').description('say which master leads'));
  const frame = new ClientFrame(context, leader);
  frame
    .command('transfer', 'hand the lead over to a standby: calls wait for a moment, none fails')
    .option('--to <host:port>', 'the master that is to lead (default: the standby that is nearest to the end)')
    .option('--take', 'where no master leads: the one named by --to takes the lead')
    .action((options: TransferCommandOptions) => transfer(frame, options));
  return leader;
}

function transfer(frame: ClientFrame, { to, take = false }: TransferCommandOptions): Promise<void> {
  if (to !== undefined && !/^.+:\d{1,5}$/.test(to)) throw new CommandFailed(EXIT.usage, `leader transfer: not a host and a port: ${to}`);
  if (take && to === undefined) throw new CommandFailed(EXIT.usage, 'leader transfer: --take needs --to');
  return frame.withClient(async ({ client }) => {
    const { from, ...now } = take ? await takeLead(client, to ?? '') : await transferLeader(client, to === undefined ? {} : { to });
    const pause = take ? '' : `; calls were held for ${now.pauseMs.toFixed(1)} ms`;
    await print(`Old leader: ${from || 'none'}\nNew leader: ${now.to}, epoch ${now.epoch}${pause}`);
  });
}
