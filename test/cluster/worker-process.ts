/**
 * One `bin/worker` as a child process beside the masters of a cluster: started, killed and stopped by its process id, with all that it wrote to
 * stderr. Its blocks lie in a folder in memory, which goes when the test ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { onTestFailed, onTestFinished } from 'vitest';
import { ROOT } from '../servers/built.js';
import { memoryFolder, ownFolder } from '../servers/own-folder.js';
import { freePorts } from '../servers/ports.js';
import { tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';
import type { Cluster } from './cluster.js';

const START_LIMIT_MS = 20_000;
const LOG_SHOWN_MAX = 20_000;

export class WorkerProcess {
  readonly address: string;
  readonly webPort: number;
  /** Of its blocks. */
  readonly folder: string;
  stderr = '';
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  readonly #removeFolder: () => void;

  /** Resolves when it serves, and every master knows it; it goes with the test. */
  static async start(cluster: Cluster, overrides: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    const worker = await WorkerProcess.prepare(path.join(cluster.folder, 'conf'), overrides);
    onTestFinished(() => worker.remove());
    onTestFailed(() => console.error(`--- worker ${worker.address}\n${worker.stderr.slice(-LOG_SHOWN_MAX)}`));
    await worker.start(cluster.masters.length);
    return worker;
  }

  /** One that does not run yet: its owner's to remove. */
  static async prepare(confDir: string, overrides: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    const [rpcPort = 0, webPort = 0] = await freePorts(2);
    return new WorkerProcess(confDir, rpcPort, webPort, overrides);
  }

  private constructor(confDir: string, rpcPort: number, webPort: number, overrides: Readonly<Record<string, string>>) {
    const folder = ownFolder('worker', memoryFolder());
    this.#removeFolder = () => folder.remove();
    this.folder = folder.path;
    this.address = `127.0.0.1:${rpcPort}`;
    this.webPort = webPort;
    const settings = {
      'worker.hostname': '127.0.0.1',
      'worker.bind.host': '127.0.0.1',
      'worker.rpc.port': String(rpcPort),
      'worker.web.port': String(webPort),
      'worker.tieredstore.level0.dirs.path': path.join(folder.path, 'mem'),
      'worker.ramdisk.size': '512MB',
      ...overrides,
    };
    this.#args = ['--conf', confDir, ...Object.entries(settings).map(([key, value]) => `-Dunderstudy.${key}=${value}`)];
  }

  /** Ends it, and removes its blocks. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    this.#removeFolder();
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** @param masters that are to know it. */
  async start(masters: number): Promise<void> {
    const before = this.stderr.length;
    const child = tracked(spawn(path.join(ROOT, 'bin', 'worker'), this.#args, { stdio: ['ignore', 'ignore', 'pipe'] }));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child = child;
    const known = async () => {
      if (!this.isRunning) throw new Error(`the worker ended: ${this.stderr.slice(before)}`);
      const status = await this.status().catch(() => undefined);
      return (status?.masters.length ?? 0) >= masters;
    };
    await waitUntil(`${masters} masters know worker ${this.address}`, known, START_LIMIT_MS);
  }

  async status(): Promise<{ state: string; id: string; blocks: number; masters: readonly string[] }> {
    return (await fetch(`http://127.0.0.1:${this.webPort}/api/v1/worker/status`)).json() as never;
  }

  /** @returns the status code and the body at that address of its web port. */
  async ask(address: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.webPort}${address}`);
    return { status: answer.status, text: await answer.text() };
  }

  /** Stops it (SIGSTOP), lets it go on (SIGCONT). */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it, and waits until it is gone. @returns its exit code. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const closed = once(child, 'close');
    child.kill(signal);
    const [exitCode] = (await closed) as [number | null];
    return exitCode;
  }
}
