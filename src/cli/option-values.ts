/** Values of options, read and refused: wrong ones end the command with the exit code of wrong usage. */
import { InvalidArgumentError } from 'commander';
import { isError } from '../base/errors.js';
import { byteSize, duration, type ValueType } from '../config/value-type.js';
import { CommandFailed, EXIT } from './exit-code.js';

/** @returns a reader of one of `words`, however its letters are cased. */
export function oneOfWords<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((each) => each.toLowerCase() === text.toLowerCase());
    if (word === undefined) throw new InvalidArgumentError(`One of ${words.join(', ')} is wanted.`);
    return word;
  };
}

/** @returns a reader of whole numbers in `[min, max]`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`A whole number from ${min} to ${max} is wanted.`);
    return value;
  };
}

/** @returns a reader of what settings of that type take. */
function settingValue<T>(type: ValueType<T>): (text: string) => T {
  return (text) => {
    try {
      return type.parse(text);
    } catch (error) {
      if (isError(error)) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  };
}

/** `90s`, `1.5h`, `30day`; without a unit milliseconds. */
export const durationMs = settingValue(duration({ min: '0', max: '36500day' }));

/** `5GB`, `64KB`; without a unit bytes. */
export const bytes = settingValue(byteSize({ min: '0', max: '7PB' }));

/** Gathers the values of an option that may be repeated. */
export function gather<T>(read: (text: string) => T): (text: string, before: readonly T[] | undefined) => readonly T[] {
  return (text, before = []) => [...before, read(text)];
}

/** Up to four octal digits. */
export function octalMode(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new InvalidArgumentError('Up to four octal digits are wanted.');
  return Number.parseInt(text, 8);
}

/** @param pairs `key=value`. @returns the values by key. @throws CommandFailed `usage`: not that, or a key twice. */
export function properties(pairs: readonly string[]): Record<string, string> {
  const found = new Map<string, string>();
  for (const pair of pairs) {
    const [, key = '', value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (value === undefined) throw new CommandFailed(EXIT.usage, `not key=value: ${pair}`);
    if (found.has(key)) throw new CommandFailed(EXIT.usage, `given twice: ${key}`);
    found.set(key, value);
  }
  return Object.fromEntries(found);
}
