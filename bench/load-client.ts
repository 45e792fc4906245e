/**
 * The bench's end of the process that makes the load.
 */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { tracked } from '../test/servers/processes.js';
import { waitUntil } from '../test/servers/wait-until.js';
import { askChild } from './ask-child.js';
import { YOUNG_HEAP } from './cluster.js';
import type { Load, LoadAnswer, LoadRequest, Measured, Pace, Paced, Place, Silence } from './load.js';

export class LoadClient implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param profileFolder where the process leaves a CPU profile, if it is to. */
  static async start(place: Place, profileFolder?: string): Promise<LoadClient> {
    const profile = profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder, '--cpu-prof-name', profileName()];
    const execArgv = [YOUNG_HEAP, ...profile];
    const client = new LoadClient(tracked(fork(path.join(import.meta.dirname, 'load-process.js'), { execArgv })));
    await client.#ask({ kind: 'connect', place });
    return client;
  }

  async run(load: Load): Promise<Measured> {
    const answer = await this.#ask({ kind: 'run', load });
    if (!('measured' in answer)) throw new Error('not an answer to a load');
    return answer.measured;
  }

  async pace(pace: Pace): Promise<Paced> {
    const answer = await this.#ask({ kind: 'pace', pace });
    if (!('paced' in answer)) throw new Error('not an answer to a pace');
    return answer.paced;
  }

  async write(base: string, writers: number): Promise<void> {
    await this.#ask({ kind: 'write', base, writers });
  }

  mark(atMs: number): void {
    this.#child.send({ kind: 'mark', atMs } satisfies LoadRequest);
  }

  /** Ends the writing. */
  async silence(): Promise<Silence> {
    const answer = await this.#ask({ kind: 'silence' });
    if (!('silence' in answer)) throw new Error('not an answer about silence');
    return answer.silence;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It ends by itself then, and leaves its profile.
    if (this.#child.connected) this.#child.disconnect();
    await waitUntil('the process that makes the load ends', () => this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  #ask(request: LoadRequest) {
    return askChild<LoadAnswer>(this.#child, request);
  }
}

function profileName(): string {
  return `client-${process.hrtime.bigint()}.cpuprofile`;
}
