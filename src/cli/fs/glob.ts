/**
 * Patterns of paths, as Hadoop has them: `*` stands for any run of characters in a name and `?` for one, `[a-c]` for one of a set and
 * `[^a-c]` (or `[!a-c]`) for one of no set, `{a,b/c}` for each of several; `\` takes the meaning from what follows it. Names that begin with a
 * dot are matched like others.
 *
 * Braces are taken apart first; what is left is matched name by name. A pattern without wildcards stands for itself, whether there is such a
 * path or not.
 */
import { UnderstudyError } from '../../base/errors.js';

/** One name of a pattern: as it is, or to be matched with what is in a directory. */
type GlobName = { readonly name: string } | { readonly matches: RegExp; readonly prefix: string };

/** A pattern without braces: the names from the root down. */
export type Glob = readonly GlobName[];

const ALTERNATIVES_MAX = 1_000;

/** @returns the patterns that `text` stands for, its braces taken apart. @throws `invalid_argument`. */
export function parseGlobs(text: string): Glob[] {
  if (!text.startsWith('/') && !text.startsWith('{')) throw bad(text, 'a path has to begin with /');
  return takeApart(text, text).map((each) => {
    if (!each.startsWith('/')) throw bad(text, 'a path has to begin with /');
    return splitNames(each).map((name) => parseName(name, text));
  });
}

/** @returns the path that the pattern stands for; undefined where it has wildcards. */
export function literalPath(glob: Glob): string | undefined {
  return glob.every((name) => 'name' in name) ? pathOf(glob.map((name) => ('name' in name ? name.name : ''))) : undefined;
}

const pathOf = (names: readonly string[]): string => `/${names.join('/')}`;

/** @returns `path` as a pattern that stands for nothing else. */
export const escapeGlob = (path: string): string => path.replace(/[\\*?[\]{}]/g, '\\$&');

const bad = (text: string, why: string): UnderstudyError =>
  new UnderstudyError('invalid_argument', `not a path or pattern: ${why}: pattern=${JSON.stringify(text)}`, { errno: 'EINVAL' });

/** Replaces the first brace by each of its alternatives, and so on. */
function takeApart(text: string, whole: string): string[] {
  const done: string[] = [];
  const open = [text];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const brace = findBrace(next, whole);
    if (brace === undefined) done.push(next);
    else for (const each of brace.alternatives.reverse()) open.push(next.slice(0, brace.from) + each + next.slice(brace.to));
    if (done.length + open.length > ALTERNATIVES_MAX) throw bad(whole, `it stands for more than ${ALTERNATIVES_MAX} patterns`);
  }
  return done;
}

/** @returns where the first brace stands, and what is in it. */
function findBrace(text: string, whole: string): { from: number; to: number; alternatives: string[] } | undefined {
  let depth = 0;
  let from = -1;
  let start = 0;
  const alternatives: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '\\') at += 1;
    else if (letter === '{') {
      if (depth === 0) [from, start] = [at, at + 1];
      depth += 1;
    } else if (letter === ',' && depth === 1) {
      alternatives.push(text.slice(start, at));
      start = at + 1;
    } else if (letter === '}' && depth > 0) {
      depth -= 1;
      if (depth === 0) return { from, to: at + 1, alternatives: [...alternatives, text.slice(start, at)] };
    }
  }
  if (depth > 0) throw bad(whole, 'a brace is not closed');
  return undefined;
}

/** Splits at slashes that are not escaped. One at the end is tolerated, and so are several in a row. */
function splitNames(text: string): string[] {
  const names: string[] = [];
  let name = '';
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] as string;
    if (letter === '/') {
      if (name !== '') names.push(name);
      name = '';
    } else {
      name += letter;
      if (letter === '\\' && at + 1 < text.length) name += text[++at];
    }
  }
  return name === '' ? names : [...names, name];
}

function parseName(text: string, whole: string): GlobName {
  let source = '';
  let literal = '';
  let prefix: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] as string;
    if (letter === '*' || letter === '?' || letter === '[') {
      prefix ??= literal;
      if (letter === '[') {
        const set = parseSet(text, at, whole);
        source += set.source;
        at = set.to;
      } else source += letter === '*' ? '.*' : '.';
      continue;
    }
    if (letter === '\\' && at + 1 === text.length) throw bad(whole, 'nothing follows the last \\');
    const meant = letter === '\\' ? (text[++at] as string) : letter;
    literal += meant;
    source += meant === '-' ? meant : escapeLetter(meant);
  }
  return prefix === undefined ? { name: literal } : { matches: new RegExp(`^${source}$`, 'su'), prefix };
}

/** @returns the set that begins at `from`, and where it ends. */
function parseSet(text: string, from: number, whole: string): { source: string; to: number } {
  const isNot = text[from + 1] === '^' || text[from + 1] === '!';
  let source = '';
  let at = isNot ? from + 2 : from + 1;
  for (; at < text.length && (text[at] !== ']' || source === ''); at += 1) {
    const letter = text[at] as string;
    if (letter === '-' && source !== '' && at + 1 < text.length && text[at + 1] !== ']') source += '-';
    else if (letter === '\\' && at + 1 < text.length) source += escapeLetter(text[++at] as string);
    else source += escapeLetter(letter);
  }
  if (at >= text.length) throw bad(whole, 'a set is not closed');
  const set = `[${isNot ? '^' : ''}${source}]`;
  try {
    new RegExp(set, 'u');
  } catch {
    throw bad(whole, 'the range of a set goes backwards');
  }
  return { source: set, to: at };
}

const escapeLetter = (letter: string): string => letter.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
