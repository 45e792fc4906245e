/** `npm run check-history -- FILE`: the verdict on a stored history (docs/history-format.md). Exit status 1: it is broken; 2: not decided. */
import { Command, InvalidArgumentError } from 'commander';
import type { HistoryEvent } from './events.js';
import { HistoryCheck } from './history-check.js';
import { readJsonLines } from './json-lines.js';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('not a whole number from 1 on');
  return value;
}

const program = new Command('check-history')
  .description('checks what clients of a cluster were told: one order of events has to explain it')
  .argument('<file>', 'JSON lines, as docs/history-format.md says')
  .option('--states <number>', 'how many states of one part are looked at before it is given up', count)
  .parse();
const [file = ''] = program.args;

const check = new HistoryCheck(program.opts<{ states?: number }>().states);
for await (const event of readJsonLines<HistoryEvent>(file)) check.take(event);
const { violations, undecided, ...sums } = check.end();
if (sums.operations === 0) throw new Error(`no operation is recorded there: file=${file}`);
for (const violation of violations) process.stdout.write(`${violation}\n`);
for (const one of undecided) process.stdout.write(`not decided: ${one}\n`);
const verdict = violations.length > 0 ? 'BROKEN' : undecided.length > 0 ? 'NOT DECIDED' : 'HOLDS';
process.stdout.write(`${verdict}: ${JSON.stringify(sums)}\n`);
process.exitCode = violations.length > 0 ? 1 : undecided.length > 0 ? 2 : 0;
