/**
 * Patterns of paths as arguments of commands: which of them are just paths, be they there or not, and which have to be looked for.
 *
 * Braces are taken apart here, as a shell does: `/logs/{a,b/c}` stands for two paths, which may be made by that. What has a wildcard (`*`, `?`,
 * `[a-c]`) stands for what there is. A `\` takes the meaning from what follows it.
 */
import { UnderstudyError } from '../../base/errors.js';

const ALTERNATIVES_MAX = 1_000;

/** @returns the patterns without braces that `text` stands for. @throws `invalid_argument`. */
export function alternativesOf(text: string): string[] {
  if (!text.startsWith('/') && !text.startsWith('{')) throw bad(text, 'a path has to begin with /');
  const found = takeApart(text);
  if (!found.every((each) => each.startsWith('/'))) throw bad(text, 'a path has to begin with /');
  return found;
}

/** @param pattern without braces. @returns the path that it stands for; undefined where it has wildcards. */
export function literalPath(pattern: string): string | undefined {
  let literal = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern[at] as string;
    if (letter === '*' || letter === '?' || letter === '[') return undefined;
    if (letter === '\\' && at + 1 === pattern.length) throw bad(pattern, 'nothing follows the last \\');
    literal += letter === '\\' ? pattern[++at] : letter;
  }
  return literal.length > 1 && literal.endsWith('/') ? literal.slice(0, -1) : literal;
}

/** @returns `path` as a pattern that stands for nothing else. */
export const escapeGlob = (path: string): string => path.replace(/[\\*?[\]{},]/g, '\\$&');

const bad = (text: string, why: string): UnderstudyError =>
  new UnderstudyError('invalid_argument', `not a path or pattern: ${why}: pattern=${JSON.stringify(text)}`, { errno: 'EINVAL' });

/** Replaces the first brace by each of its alternatives, and so on. */
function takeApart(text: string): string[] {
  const done: string[] = [];
  const open = [text];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const brace = findBrace(next, text);
    if (brace === undefined) done.push(next);
    else for (const each of brace.alternatives.reverse()) open.push(next.slice(0, brace.from) + each + next.slice(brace.to));
    if (done.length + open.length > ALTERNATIVES_MAX) throw bad(text, `it stands for more than ${ALTERNATIVES_MAX} patterns`);
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
