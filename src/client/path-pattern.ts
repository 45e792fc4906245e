/**
 * One pattern of paths without braces, and the paths that it stands for: `*`, `?`, `[a-c]`, `[^a-c]` in components, a backslash before what is to stand
 * for itself, and `**`, a component of any number of directories, at the end of at least one name. `?` is one letter, however many bytes it takes.
 *
 * Takes time in proportion to the pattern times the name: patterns are users', and names are anybody's. (Regular expressions, which go back and try
 * again, take many times as long for each further star of `*a*a*a*a*b` over a name of two hundred times `a`.)
 */

/** Takes one letter; `*` takes any number of them. */
type Piece = '*' | ((letter: string) => boolean);

/** One component. */
export class NamePattern {
  readonly text: string;
  /** The only name that it stands for, where it has no wildcards. */
  readonly name: string | undefined;
  readonly #pieces: readonly Piece[];

  constructor(text: string) {
    const { pieces, literal } = parse(Array.from(text));
    this.text = text;
    this.name = literal;
    this.#pieces = pieces;
  }

  matches(name: string): boolean {
    if (this.name !== undefined) return name === this.name;
    const letters = Array.from(name);
    const pieces = this.#pieces;
    let at = 0;
    let piece = 0;
    // Only the last `*` ever has to take more: what stands before it has found its letters as early as can be.
    let star = -1;
    let starAt = 0;
    while (at < letters.length) {
      const wanted = pieces[piece];
      if (wanted === '*') [star, starAt, piece] = [piece, at, piece + 1];
      else if (wanted?.(letters[at] as string)) [at, piece] = [at + 1, piece + 1];
      else if (star >= 0) [starAt, at, piece] = [starAt + 1, starAt + 1, star + 1];
      else return false;
    }
    while (pieces[piece] === '*') piece += 1;
    return piece === pieces.length;
  }
}

export class PathPattern {
  /** Its components; `**` is one whose text says so. */
  readonly parts: readonly NamePattern[];
  readonly #steps: readonly (NamePattern | '**')[];

  /** @param text begins with a slash. */
  constructor(text: string) {
    this.parts = text
      .split('/')
      .filter((part) => part !== '')
      .map((part) => new NamePattern(part));
    const steps = this.parts.map((part) => (part.text === '**' ? ('**' as const) : part));
    this.#steps = steps.at(-1) === '**' ? [...steps, new NamePattern('*')] : steps;
  }

  matches(path: string): boolean {
    return this.#reach(path).has(this.#steps.length);
  }

  /** @returns whether something below a directory at `path` may match. */
  mayMatchBelow(path: string): boolean {
    return [...this.#reach(path)].some((step) => step < this.#steps.length);
  }

  /** @returns the steps that can be next once the components of `path` are taken. */
  #reach(path: string): Set<number> {
    let reached = this.#withEmpty(new Set([0]));
    for (const name of path.split('/').filter((part) => part !== '')) {
      const next = new Set<number>();
      for (const at of reached) {
        const step = this.#steps[at];
        if (step === '**') next.add(at);
        else if (step?.matches(name)) next.add(at + 1);
      }
      reached = this.#withEmpty(next);
    }
    return reached;
  }

  /** A `**` may take nothing. */
  #withEmpty(reached: Set<number>): Set<number> {
    for (const at of reached) if (this.#steps[at] === '**') reached.add(at + 1);
    return reached;
  }
}

function parse(letters: readonly string[]): { readonly pieces: readonly Piece[]; readonly literal: string | undefined } {
  const pieces: Piece[] = [];
  let literal: string | undefined = '';
  const isLetter = (wanted: string): Piece => {
    if (literal !== undefined) literal += wanted;
    return (letter) => letter === wanted;
  };
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] as string;
    const list = letter === '[' ? parseList(letters, at) : undefined;
    if (letter === '\\' && at + 1 < letters.length) pieces.push(isLetter(letters[++at] as string));
    else if (letter === '*') {
      if (pieces.at(-1) !== '*') pieces.push('*');
    } else if (letter === '?') pieces.push(() => true);
    else if (list !== undefined) {
      pieces.push(list.piece);
      at = list.end;
    } else pieces.push(isLetter(letter));
    if (letter === '*' || letter === '?' || list !== undefined) literal = undefined;
  }
  return { pieces, literal };
}

/** @returns the letters in brackets that begin at `from`, and where they end; undefined where nothing closes them: a bracket like any letter. */
function parseList(letters: readonly string[], from: number): { readonly piece: Piece; readonly end: number } | undefined {
  const isNot = letters[from + 1] === '^' || letters[from + 1] === '!';
  const ranges: (readonly [first: string, last: string])[] = [];
  const begin = from + (isNot ? 2 : 1);
  let at = begin;
  const next = (): string | undefined => letters[letters[at] === '\\' ? ++at : at];
  // A bracket that comes first is one of the letters.
  for (; at < letters.length && (letters[at] !== ']' || at === begin); at++) {
    const first = next();
    if (first === undefined) return undefined;
    let last: string | undefined = first;
    if (letters[at + 1] === '-' && letters[at + 2] !== undefined && letters[at + 2] !== ']') {
      at += 2;
      last = next();
    }
    if (last === undefined) return undefined;
    ranges.push([first, last]);
  }
  if (at >= letters.length) return undefined;
  const has = (letter: string) => ranges.some(([first, last]) => order(first) <= order(letter) && order(letter) <= order(last));
  return { piece: (letter) => has(letter) !== isNot, end: at };
}

const order = (letter: string): number => letter.codePointAt(0) ?? 0;
