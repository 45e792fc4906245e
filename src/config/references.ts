/**
 * Replaces `${key}` in the text of settings, as Alluxio does: innermost first, recursively, a circle is refused.
 *
 * A reference may name a setting under either spelling, or anything else that was set (a key that is otherwise ignored). Each key is
 * resolved once, and no text may grow past `TEXT_CHARS_MAX`, so that nested references cannot blow up.
 */
import { UnderstudyError } from '../base/errors.js';
import { knownSuffix, PREFIX, quoted } from './layers.js';

const TEXT_CHARS_MAX = 65_536;

export class References {
  readonly #textOf: (key: string) => string | undefined;
  readonly #resolved = new Map<string, string>();
  readonly #underWay = new Set<string>();

  /** @param textOf the text before replacement, by whole key; a setting's begins with `understudy.`. */
  constructor(textOf: (key: string) => string | undefined) {
    this.#textOf = textOf;
  }

  /** @returns the text that holds for `key`, given whole; undefined if there is none. @throws `invalid_argument`: a circle, an unknown or unset key, too long. */
  resolve(key: string): string | undefined {
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    if (this.#underWay.has(key)) throw new UnderstudyError('invalid_argument', `refers to itself through ${key}`);
    this.#underWay.add(key);
    try {
      const text = this.#textOf(key);
      if (text === undefined) return undefined;
      const resolved = this.#replace(text);
      this.#resolved.set(key, resolved);
      return resolved;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #replace(text: string): string {
    const replaced = text.replace(/\$\{([^{}]*)\}/g, (_, reference: string) => {
      const spelling = reference.trim();
      const suffix = knownSuffix(spelling);
      const value = this.resolve(suffix === undefined ? spelling : PREFIX + suffix);
      if (value === undefined) throw new UnderstudyError('invalid_argument', `refers to ${quoted(spelling)}, which is not set`);
      return value;
    });
    if (replaced.length > TEXT_CHARS_MAX) throw new UnderstudyError('invalid_argument', `longer than ${TEXT_CHARS_MAX} characters`);
    if (replaced.includes('${')) throw new UnderstudyError('invalid_argument', 'a reference that is not closed, or lies in another one');
    return replaced;
  }
}
