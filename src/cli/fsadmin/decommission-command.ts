/** `fsadmin decommission`: takes a worker out of use. It stands in the journal, as a setting of all masters. */
import { changeConfig, readConfig } from '../../client/cluster-config.js';
import type { FileSystem } from '../../client/file-system.js';
import { workerReports } from '../../client/worker-report.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { print } from '../output.js';

const KEY = 'master.worker.decommissioned';

export function addDecommissionCommand(frame: ClientFrame): void {
  frame
    .command('decommission <host:port>', 'take a worker out of use: it gets no new blocks, and what only it has is copied to others')
    .option('--cancel', 'take it into use again')
    .action((address: string, { cancel = false }: { cancel?: boolean }) =>
      frame.once('decommission', (fs) => (cancel ? useAgain(fs, address) : takeOut(fs, address))),
    );
}

async function takeOut(fs: FileSystem, address: string): Promise<void> {
  const workers = await workerReports(fs.client);
  if (!workers.some((worker) => worker.address === address)) throw new CommandFailed(EXIT.failed, `no such worker: ${address}`);
  await change(fs, (before) => [...before.filter((other) => other !== address), address]);
  await print(
    `Decommissioned ${address}: what only it has is copied to other workers. Switch it off once the leader's understudy_under_replicated_blocks stays 0`,
  );
}

async function useAgain(fs: FileSystem, address: string): Promise<void> {
  await change(fs, (before) => {
    if (!before.includes(address)) throw new CommandFailed(EXIT.failed, `not decommissioned: ${address}`);
    return before.filter((other) => other !== address);
  });
  await print(`In use again: ${address}`);
}

async function change({ client }: FileSystem, edit: (before: readonly string[]) => readonly string[]): Promise<void> {
  const places = await readConfig(client);
  const properties = places.find(({ path }) => path === '')?.properties ?? [];
  const before = properties.find(({ key }) => key === KEY)?.value ?? '';
  const after = edit(before.split(',').filter((address) => address !== ''));
  await changeConfig(client, after.length === 0 ? { unset: [KEY] } : { set: { [KEY]: after.join(',') } });
}
