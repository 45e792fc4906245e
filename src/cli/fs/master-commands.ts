/**
 * `fs leader` and `fs masterInfo`: the masters, as clients see them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { withJson } from '../json-option.js';
import { print, printJson } from '../output.js';
import { formatMasters } from './masters-format.js';

export const MASTER_SHAPE =
  '{address, state: "ACTIVE" | "PASSIVE" | "BECOMING_ACTIVE" | "BECOMING_PASSIVE" | "UNREACHABLE", epoch, appliedSn, lag, behindMs, observer, ' +
  'manual, freeze: {user, reason, sinceMs} | null, fork: {clusterId, sn, forkedMs} | null, webAddress, version, clusterId, startedMs, sinceMs, verified, reason}';

export function addMasterCommands(frame: ClientFrame): void {
  withJson(frame.command('leader', 'print host:port of the leader that serves'), '{address, webAddress, epoch}')
    .option('--wait <seconds>', 'how long to wait for one', seconds, 2)
    .action((options: { json?: boolean; wait: number }) => frame.withClient((fs) => leader(fs, options.json === true, options.wait)));
  withJson(
    frame.command('masterInfo', 'show every master: its state, what it has applied, how far it lags behind'),
    `an array of ${MASTER_SHAPE}`,
  ).action(({ json }: { json?: boolean }) =>
    frame.withClient(async (fs) => {
      const masters = await fs.masterInfo();
      await (json === true ? printJson(masters) : print(formatMasters(masters)));
    }),
  );
}

const LOOK_AGAIN_MS = 50;

async function leader(fs: FileSystem, json: boolean, waitSeconds: number): Promise<void> {
  const giveUpAt = performance.now() + waitSeconds * 1000;
  for (;;) {
    const place = await fs.leader();
    if (place !== undefined) return json ? printJson(place) : print(place.address);
    if (performance.now() >= giveUpAt) throw new CommandFailed(EXIT.failed, 'leader: no master serves as leader now');
    await sleep(LOOK_AGAIN_MS);
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 86_400)) throw new CommandFailed(EXIT.usage, `not a number of seconds from 0 to 86400: ${text}`);
  return value;
}
