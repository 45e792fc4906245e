/**
 * `fsadmin freeze` and `fsadmin unfreeze`: the namespace is read only for maintenance.
 */
import { freezeNamespace, unfreezeNamespace } from '../../client/freeze.js';
import type { ClientFrame } from '../client-frame.js';
import { isoTime } from '../iso-time.js';
import { print } from '../output.js';

export function addFreezeCommands(frame: ClientFrame): void {
  frame
    .command('freeze', 'refuse all changes of the namespace, whoever leads, until unfreeze: reads go on')
    .option('--reason <text>', 'for those who are refused')
    .action(({ reason = '' }: { reason?: string }) =>
      frame.withClient(async ({ client }) => {
        const { user, sinceMs, reason: why } = await freezeNamespace(client, reason);
        await print(`Frozen by ${user} since ${isoTime(sinceMs)}${why === '' ? '' : `: ${why}`}`);
      }),
    );
  frame.command('unfreeze', 'take changes of the namespace again').action(() =>
    frame.withClient(async ({ client }) => {
      const was = await unfreezeNamespace(client);
      await print(was === undefined ? 'It is not frozen' : `No longer frozen, as it was by ${was.user} since ${isoTime(was.sinceMs)}`);
    }),
  );
}
