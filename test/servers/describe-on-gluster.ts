import { describe } from 'vitest';
import { whatGlusterLacks } from './gluster.js';

/** As `describe`; where the machine cannot run GlusterFS the tests are skipped, and both the name and a line on stderr say why. */
export function describeOnGluster(name: string, tests: () => void): void {
  const lack = whatGlusterLacks();
  if (lack === undefined) return void describe(name, tests);
  process.stderr.write(`SKIPPED: "${name}": GlusterFS cannot be run, this machine lacks ${lack}\n`);
  describe.skip(`${name} (SKIPPED: this machine lacks ${lack})`, tests);
}
