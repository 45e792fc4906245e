/**
 * A server's program for tests, as a process of this machine or of a network namespace of it.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { killProcess, startProcess } from './processes.js';

/** A host that servers run on: this machine, or a network namespace of it. */
export interface ServerHost {
  readonly address: string;
  /** A program, with its arguments, that runs another one there. */
  readonly wrapper: readonly string[];
}

export const THIS_MACHINE: ServerHost = { address: '127.0.0.1', wrapper: [] };

export interface ServerProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Its working folder, where it keeps what it has; an absolute path. */
  readonly folder: string;
  /** Where it runs, if not on this machine: see `ServerHost`. */
  readonly wrapper?: readonly string[];
}

/** Started as it is made. */
export class RunningProgram {
  readonly #child: ChildProcess;
  readonly #log: string;

  constructor({ command, args, environment = {}, folder, wrapper = [] }: ServerProgram) {
    this.#log = join(folder, 'output.log');
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const [program = '', ...rest] = [...wrapper, 'env', ...variables, command, ...args];
    this.#child = startProcess(program, rest, this.#log, folder);
  }

  hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it has printed. */
  output(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL; waits until it is gone. Idempotent. */
  kill(): Promise<void> {
    return killProcess(this.#child);
  }
}
