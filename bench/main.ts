/**
 * `npm run bench`: real masters, a real client in a process of its own, a real disk; the figures beside what this machine can do at most.
 */
import { cpus, totalmem } from 'node:os';
import { type Options, parseOptions, USAGE } from './options.js';
import { type Row, rowOf } from './row.js';
import type { Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';
import { formatRows } from './table.js';
import { Workbench } from './workbench.js';

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(`${USAGE}\n\nscenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
    return 0;
  }
  const scenarios = chosen(options);
  const rows: Row[] = [];
  const failures: string[] = [];
  await using bench = new Workbench(options);
  for (const { name, run } of scenarios) {
    console.error(`${name} …`);
    const startMs = performance.now();
    try {
      rows.push(...(await run(bench)).map(rowOf));
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    console.error(`${name} took ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  }
  console.log(formatRows(rows));
  for (const failure of failures) console.log(`FAILED ${failure}`);
  if (options.json) console.log(JSON.stringify({ machine: machine(), quick: options.quick, rows, failures }));
  return failures.length === 0 ? 0 : 1;
}

function chosen({ only }: Options): readonly Scenario[] {
  const unknown = only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}`);
  return only.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => only.includes(name));
}

function machine(): Record<string, string | number> {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
}

// Children end with this process, which a signal would end without its knowing.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

main().then(
  (exitCode) => process.exit(exitCode),
  (error) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
