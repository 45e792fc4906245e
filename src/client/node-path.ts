/** Arguments of `node:fs`: paths, times and modes. */
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export type NodePath = string | Buffer | URL;
/** Seconds since 1970, also as text, or a date. */
export type NodeTime = number | string | Date;

/** @returns the path as text, as it was written. @throws TypeError as Node. */
export function writtenPath(path: NodePath): string {
  const text = path instanceof URL ? fileURLToPath(path) : Buffer.isBuffer(path) ? path.toString() : path;
  if (typeof text !== 'string')
    throw argumentError('ERR_INVALID_ARG_TYPE', `The "path" argument must be of type string or an instance of Buffer or URL.`);
  if (!text.includes('\0')) return text;
  throw argumentError('ERR_INVALID_ARG_VALUE', `The argument 'path' must be a string, Uint8Array, or URL without null bytes.`);
}

/** @returns the path from the root, without `.`, `..` and a slash at the end; empty where it is. */
export function resolvedPath(path: NodePath): string {
  const text = writtenPath(path);
  return text === '' ? '' : posix.resolve('/', text);
}

/** @throws TypeError: neither a number nor octal digits. */
export function modeBits(mode: number | string): number {
  const bits = typeof mode === 'string' && /^[0-7]+$/.test(mode) ? Number.parseInt(mode, 8) : mode;
  if (typeof bits === 'number' && Number.isInteger(bits) && bits >= 0) return bits & 0o7777;
  throw argumentError('ERR_INVALID_ARG_VALUE', `The argument 'mode' must be a 32-bit unsigned integer or an octal string.`);
}

/** @throws TypeError: no time. */
export function unixMs(time: NodeTime): number {
  const ms = time instanceof Date ? time.getTime() : Math.round(Number(time) * 1_000);
  if (Number.isFinite(ms)) return ms;
  throw argumentError('ERR_INVALID_ARG_TYPE', `The "time" argument must be of type number or string or an instance of Date.`);
}

function argumentError(code: string, message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}
