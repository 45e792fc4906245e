/**
 * Reads the text of a `.properties` file, exactly as `java.util.Properties` does, and keeps line numbers.
 *
 * `key=value`, `key: value` or `key value`; `#` and `!` start comment lines; a line that ends in an odd number of backslashes goes on in the
 * next one, whose leading white space is dropped; `\t \n \r \f \uXXXX` are escapes and any other escaped character is itself.
 * A line that is only a backslash is blank (Java makes an empty key of one that ends the file).
 * A malformed `\u` is a problem of its line, and reading goes on, so that all problems of a file are found at once.
 */

interface Property {
  readonly key: string;
  readonly value: string;
  /** Line on which it begins, from 1. */
  readonly line: number;
}

export interface ParsedProperties {
  /** In the order of the file; a key that stands there twice is here twice. */
  readonly properties: readonly Property[];
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

export function parseProperties(text: string): ParsedProperties {
  const properties: Property[] = [];
  const problems: { line: number; message: string }[] = [];
  for (const { content, line } of logicalLines(text.replace(/^\uFEFF/, ''))) {
    const keyEnd = endOfKey(content);
    const [, rawValue = ''] = /^[ \t\f]*(?:[=:][ \t\f]*)?(.*)$/s.exec(content.slice(keyEnd)) ?? [];
    const key = unescapeText(content.slice(0, keyEnd));
    const value = unescapeText(rawValue);
    if (key === undefined || value === undefined) problems.push({ line, message: 'malformed \\uXXXX escape' });
    else properties.push({ key, value, line });
  }
  return { properties, problems };
}

/** @returns one line that `parseProperties` reads as `key` and `value`. */
export function formatProperty(key: string, value: string): string {
  return `${escapeText(key).replace(/[ :=]/g, '\\$&')}=${escapeText(value).replace(/^ /, '\\ ')}`;
}

interface LogicalLine {
  readonly content: string;
  readonly line: number;
}

function* logicalLines(text: string): Generator<LogicalLine> {
  const lines = text.split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let part = withoutIndent(lines[at] ?? '');
    if (part === '' || part === '\\' || part.startsWith('#') || part.startsWith('!')) continue;
    let content = '';
    while (goesOn(part)) {
      content += part.slice(0, -1);
      at++;
      part = withoutIndent(lines[at] ?? '');
    }
    content += part;
    yield { content, line };
  }
}

const withoutIndent = (line: string): string => line.replace(/^[ \t\f]+/, '');

function goesOn(line: string): boolean {
  let backslashes = 0;
  while (backslashes < line.length && line[line.length - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function endOfKey(content: string): number {
  let at = 0;
  while (at < content.length && !/[=: \t\f]/.test(content[at] ?? '')) at += content[at] === '\\' ? 2 : 1;
  return Math.min(at, content.length);
}

const ESCAPES = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
]);

function unescapeText(text: string): string | undefined {
  if (/(?<!\\)(?:\\\\)*\\u(?![0-9a-fA-F]{4})/.test(text)) return undefined;
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, char: string) =>
    code === undefined ? (ESCAPES.get(char) ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function escapeText(text: string): string {
  return text.replace(/[\\#!]/g, '\\$&').replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
