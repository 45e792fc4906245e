/**
 * Clients in Python: `hdfs`, `fsspec`, and `schemathesis`, which tries an API by its description. They are in `.tools/python` of the checkout
 * (scripts/install-test-servers), where the machine has Python.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './built.js';
import { type FinishedProgram, type RunOptions, runToEnd } from './finished-program.js';

const programs = join(ROOT, '.tools', 'python', 'bin');

export const HAS_PYTHON_CLIENTS = existsSync(join(programs, 'python'));

/** @param script a path, or code after `-c`. */
export function runPython(args: readonly string[], options?: RunOptions): Promise<FinishedProgram> {
  return runToEnd(join(programs, 'python'), args, options);
}

/** @param args as of `schemathesis run`. */
export function runSchemathesis(args: readonly string[], options?: RunOptions): Promise<FinishedProgram> {
  // Its script names the interpreter by the path at which it was installed.
  return runPython(['-m', 'schemathesis.cli', 'run', '--no-color', ...args], options);
}
