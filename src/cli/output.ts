/**
 * Standard output of a command: waits for a slow reader, and ends the process quietly when the reader is gone (`… | head`).
 */
import { once } from 'node:events';
import { EXIT } from './exit-code.js';

/** Lines that are printed at once. */
const LINES_AT_ONCE = 1000;

/** Has to be called once, before anything is printed. */
export function quietWhenReaderGone(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  // Nobody is left to be told.
  process.stderr.on('error', () => {});
}

/** Prints one line, or several. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

/** Resolves when all that was printed has left. */
export function printed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}

/** Tells on stderr what went wrong. What would do something to a terminal, as names that a message holds may, stands as `\033`. */
export function complain(text: string): void {
  const harmless = text.replace(/[^\P{Cc}\n\t]/gu, (letter) => `\\${(letter.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`);
  process.stderr.write(`${harmless}\n`);
}

/** Where a command puts one result after the other, however many there are. */
export interface Results<T> {
  add(result: T): Promise<void>;
  /** Has to be called in the end, also where something failed in between. */
  end(): Promise<void>;
}

/** Lines, many of which are printed at once. */
export class Lines implements Results<string> {
  #lines: string[] = [];

  async add(line: string): Promise<void> {
    this.#lines.push(line);
    if (this.#lines.length >= LINES_AT_ONCE) await this.end();
  }

  async end(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) await print(lines.join('\n'));
  }
}

/** One JSON array, a line for each of its values. */
export class JsonArray implements Results<unknown> {
  readonly #lines = new Lines();
  #last: string | undefined;
  #isOpen = false;

  async add(value: unknown): Promise<void> {
    await this.#putLast(',');
    this.#last = jsonText(value);
  }

  async end(): Promise<void> {
    await this.#putLast('');
    await this.#lines.add(this.#isOpen ? ']' : '[]');
    await this.#lines.end();
  }

  async #putLast(comma: string): Promise<void> {
    if (this.#last === undefined) return;
    if (!this.#isOpen) await this.#lines.add('[');
    this.#isOpen = true;
    await this.#lines.add(`  ${this.#last}${comma}`);
    this.#last = undefined;
  }
}

/** @returns JSON on one line. A bigint stands as a number with all its digits; what is undefined is left out. */
export function jsonText(value: unknown): string {
  return json(value, '');
}

/** Prints `value` as JSON, indented. */
export function printJson(value: unknown): Promise<void> {
  return print(json(value, '\n'));
}

/** @param margin what stands between two values: a line end with the blanks of the line; empty for all on one line. */
function json(value: unknown, margin: string): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = margin === '' ? '' : `${margin}  `;
  const parts = Array.isArray(value)
    ? value.map((part) => json(part, inner))
    : Object.entries(value).flatMap(([key, part]) =>
        part === undefined ? [] : [`${JSON.stringify(key)}:${margin && ' '}${json(part, inner)}`],
      );
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return parts.length === 0 ? `${open}${close}` : `${open}${inner}${parts.join(`,${inner}`)}${margin}${close}`;
}
