/**
 * A client in a process of its own: the probe. What it did goes to a file, a JSON object a line; its parent is told of every success, and says when
 * to stop.
 */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type ConnectOptions, FileSystem } from '../../src/cli/understudy.js';
import { Probe } from './probe.js';

/** The one argument, as JSON. */
export interface ClientTask {
  readonly connect: ConnectOptions;
  readonly file: string;
}

/** From the child: a write that was begun at this time has succeeded. */
export interface Served {
  readonly begunAt: number;
}

async function main({ connect, file }: ClientTask): Promise<void> {
  const output = createWriteStream(file);
  const stop = new Promise<void>((resolve) => {
    process.once('message', () => resolve());
    process.once('disconnect', () => process.exit(1));
  });
  const fs = await FileSystem.connect(connect);
  const probe = new Probe(fs, (line) => {
    output.write(`${JSON.stringify(line)}\n`);
    if (line.id !== undefined) process.send?.({ begunAt: line.at } satisfies Served);
  });
  await stop;
  await probe.stop();
  await fs.close();
  output.end();
  await finished(output);
  process.exit(0);
}

await main(JSON.parse(process.argv[2] ?? '') as ClientTask);
