/**
 * Runs commands of the built program in one process, one after the other: a line of JSON for each, with its arguments, and one for how it
 * ended. What a command prints is gathered in order.
 */
import { createInterface } from 'node:readline';
import { run } from '../../dist/cli/main.js';

const send = process.stdout.write.bind(process.stdout);
let output = [];
for (const stream of ['stdout', 'stderr']) {
  process[stream].write = (text, ...rest) => {
    output.push({ stream, text: typeof text === 'string' ? text : Buffer.from(text).toString() });
    rest.find((each) => typeof each === 'function')?.();
    return true;
  };
}
for await (const line of createInterface({ input: process.stdin })) {
  output = [];
  const exitCode = await run(JSON.parse(line));
  send(`${JSON.stringify({ exitCode, output })}\n`);
}
process.exit(0);
