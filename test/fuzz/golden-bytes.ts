/** The golden files (test/golden) as inputs: bytes that the production encoders made, and are held to. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fromText } from '../golden/hex-text.js';

const FOLDER = path.resolve('test/golden');

/** @returns the bytes of a golden file that is hexadecimal, with what fills its page up. */
export function goldenBytes(name: string): Buffer {
  return fromText(readFileSync(path.join(FOLDER, name), 'utf8'));
}

export function goldenFile(name: string): Buffer {
  return readFileSync(path.join(FOLDER, name));
}

/** @returns the stored messages whose golden file is called so. */
export function goldenMessages(pattern: RegExp): Buffer[] {
  const names = readdirSync(path.join(FOLDER, 'messages')).filter((name) => pattern.test(name));
  return names.map((name) => Buffer.from(JSON.parse(readFileSync(path.join(FOLDER, 'messages', name), 'utf8')).hex, 'hex'));
}
