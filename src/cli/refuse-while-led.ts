/** What destroys a journal is refused while somebody leads with it. */
import { silentLog } from '../base/log.js';
import type { Settings } from '../config/settings.js';
import { clientPlaces, openClient } from './connect.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { groupName } from './system-user.js';

/** How long a leader may take to answer. */
const LOOK_TIMEOUT_MS = 3_000;

/** @param advice what an operator can do. @throws CommandFailed where one of the cluster's masters says that it leads. */
export async function refuseWhileLed(settings: Settings, advice = 'stop its masters first, or add --even-while-led'): Promise<void> {
  const { client, closeDirectory } = await openClient(clientPlaces({ settings }, groupName()), silentLog);
  try {
    const leader = await client.leader({ timeoutMs: LOOK_TIMEOUT_MS });
    if (leader === undefined) return;
    throw new CommandFailed(
      EXIT.failed,
      `a leader answers: ${advice}; nothing was changed: leader=${leader.address} epoch=${leader.epoch}`,
    );
  } finally {
    await client.close();
    await closeDirectory();
  }
}
