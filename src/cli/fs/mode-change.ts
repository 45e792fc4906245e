/**
 * What `chmod` is told to do: octal digits, or changes in letters such as `u+x,g-w,o=r`, `a+X`, `+t`.
 *
 * As chmod(1), with Hadoop's rule that a change for nobody in particular is one for everybody, whatever the umask.
 */
import { CommandFailed, EXIT } from '../exit-code.js';

/** @returns the mode of what had `mode`. */
export type ModeChange = (mode: number, directory: boolean) => number;

interface Clause {
  /** Of `ugo`. */
  readonly who: string;
  readonly operator: string;
  readonly letters: string;
}

const SHIFTS: readonly (readonly [who: string, shift: number])[] = [
  ['u', 6],
  ['g', 3],
  ['o', 0],
];

/** @throws CommandFailed `usage`. */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]{1,4}$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    return () => mode;
  }
  const clauses = text.split(',').flatMap((part) => parseClauses(part, text));
  return (before, directory) => clauses.reduce((mode, clause) => changed(mode, clause, directory), before);
}

function parseClauses(part: string, text: string): Clause[] {
  const [, who = '', changes] = /^([ugoa]*)((?:[+=-][rwxXst]*)+)$/.exec(part) ?? [];
  if (changes === undefined) {
    throw new CommandFailed(EXIT.usage, `chmod: not a mode: octal digits, or changes such as u+x,g-w, are wanted: ${text}`);
  }
  const named = who === '' || who.includes('a') ? 'ugo' : who;
  return [...changes.matchAll(/([+=-])([rwxXst]*)/g)].map(([, operator = '', letters = '']) => ({ who: named, operator, letters }));
}

function changed(mode: number, { who, operator, letters }: Clause, directory: boolean): number {
  const has = (letter: string, bit: number) => (letters.includes(letter) ? bit : 0);
  const runs = directory || (mode & 0o111) !== 0;
  const three = has('r', 4) | has('w', 2) | has('x', 1) | has('X', runs ? 1 : 0);
  let bits = 0;
  let cleared = 0;
  for (const [letter, shift] of SHIFTS) {
    if (!who.includes(letter)) continue;
    bits |= three << shift;
    cleared |= 7 << shift;
  }
  if (who.includes('u')) [bits, cleared] = [bits | has('s', 0o4000), cleared | 0o4000];
  if (who.includes('g')) [bits, cleared] = [bits | has('s', 0o2000), cleared | 0o2000];
  if (who === 'ugo' || who.includes('o')) [bits, cleared] = [bits | has('t', 0o1000), cleared | 0o1000];
  // A directory keeps what was not named, as with GNU: it is set for good reason.
  if (operator === '=' && directory && !letters.includes('s')) cleared &= ~0o6000;
  if (operator === '+') return mode | bits;
  return operator === '-' ? mode & ~bits : (mode & ~cleared) | bits;
}
