import { describe } from 'vitest';

/** As `describe`; without root the tests are skipped, and both the name and a line on stderr say so. */
export function describeAsRoot(name: string, tests: () => void): void {
  if (process.getuid?.() === 0) return void describe(name, tests);
  process.stderr.write(`SKIPPED: "${name}": this needs root\n`);
  describe.skip(`${name} (SKIPPED: this needs root)`, tests);
}
