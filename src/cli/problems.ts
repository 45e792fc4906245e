/**
 * What goes wrong while a command works on path after path: told at once, one sentence each, and kept as the exit code of the command.
 */
import { CommandFailed, EXIT, exitCodeOf, sentenceOf } from './exit-code.js';
import { shownName } from './fs/ls-format.js';
import { complain } from './output.js';

export class Problems {
  readonly #command: string;
  readonly #debug: boolean;
  #exitCode: number = EXIT.ok;

  /** @param command its name, which goes before each sentence. */
  constructor(command: string, debug: boolean) {
    this.#command = command;
    this.#debug = debug;
  }

  /** No master answers: what is left would wait as long, for nothing. */
  get isHopeless(): boolean {
    return this.#exitCode === EXIT.noAnswer;
  }

  get any(): boolean {
    return this.#exitCode !== EXIT.ok;
  }

  tell(error: unknown): void {
    this.#exitCode = Math.max(this.#exitCode, exitCodeOf(error));
    if (error instanceof CommandFailed && error.message === '') return;
    const sentence = sentenceOf(error, this.#debug);
    // Names may hold what breaks a line, or means something to a terminal.
    complain(`${this.#command}: ${this.#debug ? sentence : shownName(sentence)}`);
  }

  /** Runs `work`; if it fails, that is told. */
  async catch(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.tell(error);
    }
  }

  /** @throws CommandFailed with the highest exit code, if anything was told. */
  throwIfAny(): void {
    if (this.any) throw new CommandFailed(this.#exitCode);
  }
}
