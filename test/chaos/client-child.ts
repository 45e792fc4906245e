/** A client process, as its parent sees it: on a host of its own, told when to stop. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { tracked } from '../servers/processes.js';
import type { ServerHost } from '../servers/server-program.js';
import type { ClientTask, Served } from './client-process.js';

const PROGRAM = path.join(import.meta.dirname, 'client-process.js');

export class ClientChild {
  /** When the newest of what has succeeded was begun; of the machine's clock. */
  lastServed = 0;
  /** What it writes down. */
  readonly file: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;

  constructor(host: ServerHost, task: ClientTask) {
    this.file = task.file;
    const [program = '', ...rest] = ['setpriv', '--pdeathsig', 'KILL', ...host.wrapper, process.execPath, PROGRAM, JSON.stringify(task)];
    const log = openSync(`${task.file}.log`, 'a');
    this.#child = tracked(spawn(program, rest, { stdio: ['ignore', log, log, 'ipc'] }));
    closeSync(log);
    this.#exited = once(this.#child, 'exit');
    this.#child.on('message', ({ begunAt }: Served) => {
      this.lastServed = Math.max(this.lastServed, begunAt);
    });
  }

  /** Resolves when all it began is over and written down. @throws where it does not come to that in time. */
  async stop(limitMs: number): Promise<void> {
    if (this.#child.connected) this.#child.send('stop');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    const [exitCode, signal] = await this.#exited;
    clearTimeout(timer);
    if (exitCode !== 0) throw new Error(`a client ended by itself, or did not when told: code=${exitCode} signal=${signal}`);
  }
}
