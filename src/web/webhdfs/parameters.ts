/**
 * The parameters of WebHDFS: their domains and defaults as Hadoop 3 has them, and its sentences about what is wrong with them. Values of enums
 * and booleans are taken in any case; parameters that mean nothing to an operation are not looked at.
 */
import { RemoteException } from './remote-exception.js';
import { checkedPath, plain } from './request-target.js';

/** What Hadoop takes for no number. */
const NULL = 'null';
const LONG_MAX = 2n ** 63n - 1n;

export class Parameters {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** @returns undefined where it is missing or empty. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.[0] || undefined;
  }

  texts(name: string): readonly string[] {
    return (this.#values.get(name) ?? []).filter((value) => value !== '');
  }

  required(name: string, op: string): string {
    const value = this.text(name);
    if (value === undefined) throw new RemoteException('IllegalArgumentException', `Required param ${name} for op: ${op} is null or empty`);
    return value;
  }

  boolean(name: string, otherwise: boolean): boolean {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined) return otherwise;
    if (value !== 'true' && value !== 'false') throw badParameter(name, `Failed to parse "${value}" to Boolean.`);
    return value === 'true';
  }

  /** @returns undefined where it is missing. @param radix 10 or 8. */
  whole(name: string, { min = 0n, max = LONG_MAX, radix = 10 }: Range = {}): bigint | undefined {
    const text = this.text(name);
    if (text === undefined || text === NULL) return undefined;
    const digits = radix === 8 ? /^[+-]?[0-7]+$/ : /^[+-]?\d+$/;
    const value = digits.test(text) && text.length <= DIGITS_MAX ? bigintOf(text, radix) : undefined;
    if (value === undefined || value > LONG_MAX || value < -LONG_MAX)
      throw badParameter(name, `Failed to parse "${text}" as a radix-${radix} ${radix === 8 ? 'short' : 'long'} integer.`);
    const shown = radix === 8 ? (bound: bigint) => bound.toString(8) : String;
    if (value < min) throw badParameter(name, `Invalid parameter range: ${name} = ${shown(value)} < ${shown(min)}`);
    if (value > max) throw badParameter(name, `Invalid parameter range: ${name} = ${shown(value)} > ${shown(max)}`);
    return value;
  }

  /** As `whole`, up to 2^53. */
  number(name: string, range: Range = {}): number | undefined {
    const value = this.whole(name, { max: BigInt(Number.MAX_SAFE_INTEGER), ...range });
    return value === undefined ? undefined : Number(value);
  }

  /** Permission bits. */
  mode(name: string): number | undefined {
    return this.number(name, { max: 0o1777n, radix: 8 });
  }

  /** Words of a list with commas, in upper case. */
  words<Word extends string>(name: string, domain: readonly Word[]): ReadonlySet<Word> {
    const words = (this.text(name)?.split(',') ?? []).map((word) => word.trim().toUpperCase());
    const strange = words.find((word) => !domain.includes(word as Word));
    if (strange !== undefined) throw badParameter(name, `${strange} is none of ${domain.join(', ')}`);
    return new Set(words as Word[]);
  }

  /** An absolute path, checked. */
  path(name: string, op: string): string {
    return absolutePath(this.required(name, op), name);
  }

  /** Absolute paths, with commas between them. */
  paths(name: string, op: string): readonly string[] {
    return this.required(name, op)
      .split(',')
      .map((path) => absolutePath(path, name));
  }
}

interface Range {
  readonly min?: bigint;
  readonly max?: bigint;
  readonly radix?: 8 | 10;
}

/** More cannot be a number in range. */
const DIGITS_MAX = 64;

export function badParameter(name: string, why: string): RemoteException {
  return new RemoteException('IllegalArgumentException', `Invalid value for webhdfs parameter "${name}": ${why}`);
}

function absolutePath(path: string, name: string): string {
  if (!path.startsWith('/')) throw badParameter(name, `Invalid parameter value: ${name} = "${path}" is not an absolute path.`);
  return checkedPath(plain(path));
}

function bigintOf(text: string, radix: number): bigint {
  const [sign, digits] = /^[+-]/.test(text) ? [text.startsWith('-') ? -1n : 1n, text.slice(1)] : [1n, text];
  return sign * BigInt(radix === 8 ? `0o${digits}` : digits);
}
