/**
 * `understudy admin status`: the state of the master of this machine, or of all, as one word that scripts can go by (`atlas_admin.py -status` prints the
 * same ones).
 */
import { Command } from 'commander';
import { shownState } from '../../client/master-info.js';
import type { Settings } from '../../config/settings.js';
import { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { CommandFailed, EXIT, EXIT_HELP } from '../exit-code.js';
import { print } from '../output.js';

const ANSWER_LIMIT_MS = 5_000;
const EVERYWHERE = new Set(['0.0.0.0', '::']);

export function adminCommand(context: CommandContext): Command {
  const admin = new Command('admin').description('see the state of the master of this machine, or of all');
  context.addOptions(admin).addHelpText('after', EXIT_HELP);
  const frame = new ClientFrame(context, admin);
  frame
    .command('status', "print ACTIVE, PASSIVE, BECOMING_ACTIVE or BECOMING_PASSIVE: the state of this machine's master")
    .option(
      '--all',
      'of every master, one a line with its address; OBSERVER behind the state of one that never leads, UNREACHABLE where one does not answer',
    )
    .action(async ({ all }: { all?: boolean }) => {
      if (all !== true) return print(await ownState(context.load().settings));
      await frame.withClient(async (fs) => {
        const masters = await fs.masterInfo();
        await print(masters.map((master) => `${master.address} ${shownState(master)}`).join('\n'));
      });
    });
  return admin;
}

async function ownState({ masterWebBindHost: host, masterWebPort: port }: Settings): Promise<string> {
  const address = `${EVERYWHERE.has(host) ? '127.0.0.1' : host}:${port}`;
  try {
    const answer = await fetch(`http://${address}/api/atlas/admin/status`, {
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      redirect: 'error',
    });
    const { Status: state } = (await answer.json()) as { Status?: unknown };
    if (answer.ok && typeof state === 'string') return state;
  } catch (cause) {
    throw new CommandFailed(EXIT.noAnswer, `no master answers on its web port: address=${address} (${reasonOf(cause)})`);
  }
  throw new CommandFailed(EXIT.failed, `what answers is no master: address=${address}`);
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  if (!(cause instanceof Error)) return message;
  return 'code' in cause ? String(cause.code) : cause.message;
}
