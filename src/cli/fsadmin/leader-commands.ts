/**
 * `fsadmin leader …`: who leads, by an operator's will, with an election or without one.
 */
import { Command } from 'commander';
import { type MasterInfo, UNREACHABLE } from '../../client/master-info.js';
import { promoteLeader } from '../../client/promote-leader.js';
import { transferLeader } from '../../client/transfer-leader.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { print } from '../output.js';

interface ToOption {
  readonly to?: string;
}

export function leaderCommands(context: CommandContext): Command {
  const leader = context.addOptions(new Command('leader').description('say which master leads'));
  const frame = new ClientFrame(context, leader);
  frame
    .command('transfer', 'hand the lead over to a standby: calls wait for a moment, none fails')
    .option('--to <host:port>', 'the master that is to lead (default: the standby that is nearest to the end)', master)
    .option('--take', 'where no master leads: as leader promote --to')
    .action(({ to, take = false }: ToOption & { take?: boolean }) => {
      if (take && to === undefined) throw new CommandFailed(EXIT.usage, 'leader transfer: --take needs --to');
      return take ? promote(frame, { ...given(to) }) : transfer(frame, to);
    });
  frame
    .command('step-down', 'have the leader hand over and go on as a standby')
    .option('--to <host:port>', 'the master that is to lead then (default: the standby that is nearest to the end)', master)
    .action(({ to }: ToOption) => stepDown(frame, to));
  frame
    .command('promote', 'make a standby lead where no leader serves: one that does not answer is fenced')
    .option('--to <host:port>', 'the standby (default: the one that is nearest to the end)', master)
    .option('--force', 'even where a leader serves: calls under way may fail')
    .action(({ to, force = false }: ToOption & { force?: boolean }) => promote(frame, { ...given(to), force }));
  return leader;
}

const given = (to: string | undefined): ToOption => (to === undefined ? {} : { to });

function master(text: string): string {
  if (!/^.+:\d{1,5}$/.test(text)) throw new CommandFailed(EXIT.usage, `leader: not a host and a port: ${text}`);
  return text;
}

function transfer(frame: ClientFrame, to: string | undefined): Promise<void> {
  return frame.withClient(async ({ client }) => {
    const { from, ...now } = await transferLeader(client, given(to));
    await print(`Old leader: ${from}\nNew leader: ${now.to}, epoch ${now.epoch}; calls were held for ${now.pauseMs.toFixed(1)} ms`);
  });
}

/** The same hand-over: whoever hands over stays in the cluster, behind all others. */
function stepDown(frame: ClientFrame, to: string | undefined): Promise<void> {
  return frame.withClient(async ({ client }) => {
    const { from, ...now } = await transferLeader(client, given(to));
    await print(
      `Stepped down: ${from}, now a standby\nNew leader: ${now.to}, epoch ${now.epoch}; calls were held for ${now.pauseMs.toFixed(1)} ms`,
    );
  });
}

function promote(frame: ClientFrame, options: ToOption & { readonly force?: boolean }): Promise<void> {
  return frame.withClient(async ({ client }) => {
    const { from, to, epoch } = await promoteLeader(client, { ...options, chosen: (standby) => print(shown(standby)) });
    await print(`Old leader: ${from || 'none'}\nNew leader: ${to}, epoch ${epoch}`);
  });
}

function shown({ address, state, epoch, appliedSn, lag, verified, reason }: MasterInfo): string {
  if (state === UNREACHABLE) return `Standby: ${address} does not answer: ${reason}`;
  const sound = verified ? '' : '; its store is not found sound yet';
  const lacks = lag === 0 ? 'nothing that any master knows of' : `${lag} entries, which it reads from the journal before it serves`;
  return `Standby: ${address} has entry ${appliedSn}, of epoch ${epoch}${sound}\nIt lacks: ${lacks}`;
}
