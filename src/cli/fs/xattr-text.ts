/**
 * Values of extended attributes as text, in the three encodings of getfattr(1): `"text"`, `0x686578`, `0sYmFzZTY0`.
 */
import { CommandFailed, EXIT } from '../exit-code.js';

export const ENCODINGS = ['text', 'hex', 'base64'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** @param encoding undefined: text where it can be, else base64. */
export function formatXattrValue(value: Uint8Array, encoding: Encoding | undefined): string {
  const bytes = Buffer.from(value);
  if (encoding === 'hex') return `0x${bytes.toString('hex')}`;
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes);
  if (encoding === 'base64' || (encoding === undefined && (!isText || /\p{Cc}/u.test(text)))) return `0s${bytes.toString('base64')}`;
  // What is no text at all stands byte by byte.
  const shown = isText ? text : bytes.toString('latin1');
  return `"${shown.replace(/["\\]|\p{Cc}|[\x80-\xff]/gu, (letter) => escaped(letter, isText))}"`;
}

/** @throws CommandFailed `usage`: not in the encoding that it says it is in. */
export function parseXattrValue(text: string): Uint8Array {
  if (/^0x/i.test(text)) {
    if (/^0x([0-9a-f]{2})*$/i.test(text)) return Buffer.from(text.slice(2), 'hex');
    throw new CommandFailed(EXIT.usage, `setfattr: not pairs of hexadecimal digits: ${text}`);
  }
  if (/^0s/i.test(text)) {
    const value = Buffer.from(text.slice(2), 'base64');
    if (value.toString('base64').replace(/=+$/, '') === text.slice(2).replace(/=+$/, '')) return value;
    throw new CommandFailed(EXIT.usage, `setfattr: not base64: ${text}`);
  }
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return Buffer.from(text);
  const bytes = Buffer.from(text.slice(1, -1)).toString('latin1');
  return Buffer.from(
    bytes.replace(/\\([0-3][0-7]{2}|[\s\S])/g, (_, meant: string) =>
      meant.length === 3 ? String.fromCharCode(Number.parseInt(meant, 8)) : meant,
    ),
    'latin1',
  );
}

function escaped(letter: string, isText: boolean): string {
  if (letter === '"' || letter === '\\') return `\\${letter}`;
  const code = letter.charCodeAt(0);
  return isText && code >= 0xa0 ? letter : octets(isText ? Buffer.from(letter) : [code]);
}

function octets(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
