import { test } from 'vitest';
import { HAS_HADOOP_CLIENT } from './hadoop-client.js';
import { HAS_PYTHON_CLIENTS } from './python-clients.js';

/** A test with Hadoop's client: skipped, with a word on why, where this machine has none. */
export const testWithHadoop = testWith("Hadoop's", HAS_HADOOP_CLIENT, 'needs a JDK and what Maven installs (scripts/install-test-servers)');

/** A test with clients in Python, likewise. */
export const testWithPython = testWith("Python's", HAS_PYTHON_CLIENTS, 'needs Python and what pip installs (scripts/install-test-servers)');

/** Java and Python take their time to start where others are at work. */
const LIMIT_MS = 120_000;

function testWith(whose: string, isThere: boolean, why: string): (name: string, body: () => Promise<void>, limitMs?: number) => void {
  return (name, body, limitMs = LIMIT_MS) => {
    if (!isThere) process.stdout.write(`SKIPPED: "${whose} ${name}": ${why}\n`);
    test.skipIf(!isThere)(`${whose} ${name}`, body, limitMs);
  };
}
