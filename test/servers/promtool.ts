/** Prometheus's own check of what a master says at `/metrics`, and of rules: promtool, from Debian's package `prometheus`. */
import { type FinishedProgram, runToEnd } from './finished-program.js';

/** @returns its complaints, one a line, of a metric's name, unit, help or form: none where all is well. */
export async function checkMetrics(metrics: string): Promise<readonly string[]> {
  return complaints(await runToEnd('promtool', ['check', 'metrics'], { input: metrics }));
}

/** @param files rules, by their paths. @returns its complaints: none where all is well. */
export async function checkRules(...files: readonly string[]): Promise<readonly string[]> {
  return complaints(await runToEnd('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...files]));
}

/** @param files tests of rules (`rule_files`, `tests`), by their paths. @returns what did not hold: nothing where all did. */
export async function testRules(...files: readonly string[]): Promise<readonly string[]> {
  return complaints(await runToEnd('promtool', ['test', 'rules', ...files]));
}

function complaints({ code, out, err }: FinishedProgram): readonly string[] {
  if (code === 0) return [];
  const lines = `${err}\n${out}`.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? [`promtool ended with ${code} and no word`] : lines;
}
