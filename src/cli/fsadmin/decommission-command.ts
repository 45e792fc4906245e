/** `fsadmin decommission`: takes a worker out of use. It stands in the journal, as a setting of all masters. */
import { setTimeout as sleep } from 'node:timers/promises';
import { changeConfig, readConfig } from '../../client/cluster-config.js';
import type { FileSystem } from '../../client/file-system.js';
import { type WorkerReport, workerReports } from '../../client/worker-report.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { durationMs } from '../option-values.js';
import { print } from '../output.js';
import { shownState } from './worker-format.js';

const KEY = 'master.worker.decommissioned';
const LOOK_AGAIN_MS = 250;

interface Options {
  readonly cancel?: boolean;
  readonly wait?: number;
}

export function addDecommissionCommand(frame: ClientFrame): void {
  frame
    .command('decommission <host:port>', 'take a worker out of use: it gets no new blocks, and what only it has is copied to others')
    .option('--wait <duration>', 'wait so long until it may be switched off', durationMs)
    .option('--cancel', 'take it into use again')
    .action((address: string, { cancel = false, wait }: Options) =>
      frame.once('decommission', (fs) => (cancel ? useAgain(fs, address) : takeOut(fs, address, wait))),
    );
}

async function takeOut(fs: FileSystem, address: string, waitMs: number | undefined): Promise<void> {
  await find(fs, address);
  await change(fs, (before) => [...before.filter((other) => other !== address), address]);
  if (waitMs !== undefined) return waitUntilUnneeded(fs, address, waitMs);
  await print(
    `Taken out of use: ${address}. What only it has is copied to other workers; switch it off once 'fsadmin report workers' shows it as DECOMMISSIONED`,
  );
}

async function find(fs: FileSystem, address: string): Promise<WorkerReport> {
  const worker = (await workerReports(fs.client)).find((other) => other.address === address);
  if (worker === undefined) throw new CommandFailed(EXIT.failed, `no such worker: ${address}`);
  return worker;
}

async function waitUntilUnneeded(fs: FileSystem, address: string, waitMs: number): Promise<void> {
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    const worker = await find(fs, address);
    if (worker.state === 'DECOMMISSIONED') return print(`Decommissioned: ${address} may be switched off`);
    if (worker.state === 'LOST') throw new CommandFailed(EXIT.failed, `it is lost: ${address}`);
    if (performance.now() >= giveUpAt)
      throw new CommandFailed(EXIT.failed, `it may not be switched off yet: ${address} is ${shownState(worker)}`);
    await sleep(LOOK_AGAIN_MS);
  }
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
