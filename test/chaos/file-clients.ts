/** The clients of files, in one process: one reads what lies on its own host by itself (short-circuit), the others over connections only. */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { systemFiles } from '../../src/base/system-file.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import type { ClientTask, Served } from './client-process.js';
import { connectFrom } from './connect-from.js';
import type { FileLine } from './file-lines.js';
import { FileWorkload } from './file-workload.js';

const HANDS_PER_CLIENT = 3;
/** A worker that does not answer is given up soon, as are the calls of the other clients. */
const DATA = { workerTimeoutMs: 3_000, readRetryMs: 3_000, persistTimeoutMs: 20_000, shortCircuitBytesMin: 1 };

export async function runFileClients(
  { file, seed, user, masters, addresses, localWorkers }: ClientTask,
  stopped: Promise<void>,
): Promise<void> {
  const output = createWriteStream(file);
  const newest = { read: 0, write: 0 };
  const workload = new FileWorkload((line: FileLine) => {
    output.write(`${JSON.stringify(line)}\n`);
    if (line.error !== undefined) return;
    if (line.call === 'read') newest.read = Math.max(newest.read, line.at);
    else if (line.call === 'write') newest.write = Math.max(newest.write, line.at);
    process.send?.({ begunAt: Math.min(newest.read, newest.write) } satisfies Served);
  });
  const random = new SeededRandom(seed, 'files');
  const clients = addresses.map((address, index) => {
    const localHosts = localWorkers.slice(index, index + 1);
    return connectFrom(address, { user, masters, data: { ...DATA, localHosts } }, localHosts.length > 0 ? { files: systemFiles } : {});
  });
  const hands = clients.flatMap((fs, client) =>
    Array.from({ length: HANDS_PER_CLIENT }, (_, hand) => workload.work(fs, random.fork(`client-${client}-${hand}`))),
  );
  await stopped;
  workload.stopping = true;
  await Promise.all(hands);
  await Promise.all(clients.map((fs) => fs.close()));
  output.end();
  await finished(output);
}
