/**
 * One `bin/master` as a child process: started, killed, stopped and continued by its process id, with all that it wrote to stderr.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import type { RpcConnection } from '../../src/rpc/rpc.js';
import { ROOT } from '../servers/built.js';
import { tracked } from '../servers/processes.js';
import { waitUntil } from '../servers/wait-until.js';
import { connectTo, digestOf, statusOf } from './ask-master.js';

const START_LIMIT_MS = 20_000;

export interface MasterPlace {
  readonly confDir: string;
  readonly rpcPort: number;
  readonly webPort: number;
  readonly metastore: string;
  /** Where it finds the journal, if not where the others do. */
  readonly journal?: string;
  /** Address of its host; 127.0.0.1 without it. */
  readonly host?: string;
  /** Folder of the build that it runs; this checkout without it. */
  readonly build?: string;
  /** A program, with its arguments, that runs the master. */
  readonly wrapper?: readonly string[];
  /** A file for what it says; kept in `stderr` without it. */
  readonly logFile?: string;
  /** Beside this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export class MasterProcess {
  readonly place: MasterPlace;
  readonly address: string;
  /** Of all its runs. */
  stderr = '';
  #child: ChildProcess | undefined;

  constructor(place: MasterPlace) {
    this.place = place;
    this.address = `${place.host ?? '127.0.0.1'}:${place.rpcPort}`;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.address} was not started`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it, and does not wait. @param overrides settings, without the prefix. */
  spawn(overrides: Readonly<Record<string, string>> = {}): ChildProcess {
    if (this.isRunning) throw new Error(`${this.address} runs already`);
    const { confDir, host, rpcPort, webPort, metastore, journal } = this.place;
    const where = host === undefined ? {} : { 'master.hostname': host, 'master.bind.host': host, 'master.web.bind.host': host };
    const ports = { 'master.rpc.port': String(rpcPort), 'master.web.port': String(webPort) };
    const storage = { 'master.metastore.dir': metastore, ...(journal === undefined ? {} : { 'master.journal.folder': journal }) };
    const own = { ...where, ...ports, ...storage, ...overrides };
    const args = Object.entries(own).map(([key, value]) => `-Dunderstudy.${key}=${value}`);
    const [program = '', ...rest] = [
      ...(this.place.wrapper ?? []),
      path.join(this.place.build ?? ROOT, 'bin', 'master'),
      '--conf',
      confDir,
      ...args,
    ];
    const env = { ...process.env, ...this.place.env };
    const log = this.place.logFile === undefined ? 'pipe' : openSync(this.place.logFile, 'a');
    const child = tracked(spawn(program, rest, { stdio: ['ignore', 'ignore', log], env }));
    if (log !== 'pipe') closeSync(log);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child = child;
    return child;
  }

  /** Starts it, and waits until it serves. */
  async start(overrides: Readonly<Record<string, string>> = {}): Promise<void> {
    const before = this.stderr.length;
    this.spawn(overrides);
    const serves = () => {
      if (!this.isRunning) throw new Error(`${this.address} ended: ${this.stderr.slice(before)}`);
      return this.stderr.includes('master serves', before);
    };
    await waitUntil(`${this.address} serves`, serves, START_LIMIT_MS);
  }

  /** Starts it and waits until it has ended. @returns how, and what it wrote. */
  async run(overrides: Readonly<Record<string, string>> = {}): Promise<{ exitCode: number | null; stderr: string }> {
    const before = this.stderr.length;
    const [exitCode] = (await once(this.spawn(overrides), 'close')) as [number | null];
    return { exitCode, stderr: this.stderr.slice(before) };
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
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

  /** A connection of its own, that outlives a stop of the process. */
  connect(): Promise<RpcConnection> {
    return connectTo(this);
  }

  status() {
    return statusOf(this);
  }

  /** The digest of its state as of the entry `sn`. */
  digest() {
    return digestOf(this);
  }
}
