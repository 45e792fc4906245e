/**
 * A process kept running as a service manager would: started again whenever it ends, except while a fault holds it down. Faults overlap: it runs again
 * when the last of them lets go.
 */
import type { ChildProcess } from 'node:child_process';
import { waitUntil } from '../servers/wait-until.js';

/** As a service manager does. */
const RESTART_AFTER_MS = 500;
/** A process that waits for storage in the kernel cannot be killed before that answers. */
const END_LIMIT_MS = 120_000;
/** Exit codes with which a program says itself why it ends; nobody told it to, so 0 is none. */
const SAID: ReadonlySet<number | null> = new Set([1, 2]);

export interface KeptProgram {
  readonly isRunning: boolean;
  spawn(): ChildProcess;
  signal(signal: NodeJS.Signals): void;
}

export class KeptProcess {
  readonly name: string;
  /** How often it ended without having been told to. */
  unexpectedEnds = 0;
  /** How those of them ended that did not say why: what no fault excuses. */
  readonly crashes: string[] = [];
  readonly #program: KeptProgram;
  #holds = 1;
  #stops = 0;
  /** The one that runs was told to end, and may take longer for it than it is held down. */
  #isTold = false;
  #restart: NodeJS.Timeout | undefined;

  /** Not running yet: `release` starts it. */
  constructor(name: string, program: KeptProgram) {
    this.name = name;
    this.#program = program;
  }

  get isRunning(): boolean {
    return this.#program.isRunning;
  }

  /** Ends it, and keeps it from running until `release`. Does not wait until it is gone. */
  hold(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#holds += 1;
    clearTimeout(this.#restart);
    if (!this.isRunning) return;
    this.#isTold = true;
    this.#program.signal(signal);
    // A stopped one would not hear it.
    if (signal !== 'SIGKILL') this.#program.signal('SIGCONT');
  }

  /** Undoes one `hold`. */
  release(): void {
    this.#holds -= 1;
    this.#startIfFree();
  }

  async ended(): Promise<void> {
    await waitUntil(`${this.name} is gone`, () => !this.isRunning, END_LIMIT_MS);
  }

  /** SIGSTOP: its connections stay open and nothing is answered. @returns what continues it, once nobody else wants it stopped. */
  stop(): () => void {
    this.#stops += 1;
    if (this.isRunning) this.#program.signal('SIGSTOP');
    return () => {
      this.#stops -= 1;
      if (this.#stops === 0 && this.isRunning) this.#program.signal('SIGCONT');
    };
  }

  /** It is not started again. */
  async close(): Promise<void> {
    this.hold();
    await this.ended();
  }

  #startIfFree(): void {
    clearTimeout(this.#restart);
    if (this.#holds > 0 || this.isRunning) return;
    this.#isTold = false;
    this.#program.spawn().once('exit', (code, signal) => {
      if (!this.#isTold) this.#noteEnd(code, signal);
      this.#restart = setTimeout(() => this.#startIfFree(), RESTART_AFTER_MS);
    });
  }

  #noteEnd(code: number | null, signal: NodeJS.Signals | null): void {
    this.unexpectedEnds += 1;
    if (signal !== null) this.crashes.push(`${this.name} was ended by ${signal}`);
    else if (!SAID.has(code)) this.crashes.push(`${this.name} ended with ${code}`);
  }
}
