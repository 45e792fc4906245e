/**
 * The Docker engine that the hosts of this folder's tests run on, with the image that scripts/build-test-image makes. `scripts/with-test-engine
 * npx vitest run test/containers` brings an engine of its own where none is running; scripts/test does. The engine has to be this machine's: tests
 * mount folders, and talk to the containers' own addresses.
 */
import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

export const IMAGE = 'understudy-test-host';

// What it would start to clean up after us is an image that would have to be pulled.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
// Or it would look for the engine's default bridge, which an engine of our own does not have.
process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';

/** @returns what this machine lacks, if anything. */
function whatIsLacking(): string | undefined {
  if (spawnSync('docker', ['version'], { stdio: 'ignore' }).status !== 0)
    return 'a running Docker engine (scripts/with-test-engine starts one, as root)';
  if (spawnSync('docker', ['image', 'inspect', IMAGE], { stdio: 'ignore' }).status !== 0)
    return `the image ${IMAGE} (run scripts/build-test-image)`;
  return undefined;
}

/** As `describe`; where containers cannot be run the tests are skipped, and both the name and a line on stderr say why. */
export function describeInContainers(name: string, tests: () => void): void {
  const lack = whatIsLacking();
  if (lack === undefined) return void describe(name, tests);
  process.stderr.write(`SKIPPED: "${name}": no containers can be run, this machine lacks ${lack}\n`);
  describe.skip(`${name} (SKIPPED: this machine lacks ${lack})`, tests);
}
