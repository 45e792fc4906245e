/** The bench's end of the process that makes the load of HTTP. */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { killProcess, tracked } from '../test/servers/processes.js';
import { askChild } from './ask-child.js';
import { YOUNG_HEAP } from './cluster.js';
import type { HttpLoad, HttpLoadAnswer, HttpMeasured } from './http-load.js';

export class HttpLoader implements AsyncDisposable {
  readonly #child: ChildProcess = tracked(fork(path.join(import.meta.dirname, 'http-load-process.js'), { execArgv: [YOUNG_HEAP] }));

  run(load: HttpLoad): Promise<HttpMeasured> {
    return askChild<HttpLoadAnswer>(this.#child, load);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return killProcess(this.#child);
  }
}
