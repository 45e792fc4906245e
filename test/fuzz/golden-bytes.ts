/** The golden files (test/golden) as inputs: bytes that the production encoders made, and are held to. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.resolve('test/golden');

/** @returns the bytes of a golden file that is hexadecimal, with what fills its page up. */
export function goldenBytes(name: string): Buffer {
  const lines = readFileSync(path.join(FOLDER, name), 'utf8').trimEnd().split('\n');
  const [count = 0, , fill = 0] = (lines.pop() ?? '').split(' ').map(Number);
  return Buffer.concat([Buffer.from(lines.join(''), 'hex'), Buffer.alloc(count, fill)]);
}

export function goldenFile(name: string): Buffer {
  return readFileSync(path.join(FOLDER, name));
}

/** @returns the stored messages whose golden file is called so. */
export function goldenMessages(pattern: RegExp): Buffer[] {
  const names = readdirSync(path.join(FOLDER, 'messages')).filter((name) => pattern.test(name));
  return names.map((name) => Buffer.from(JSON.parse(readFileSync(path.join(FOLDER, 'messages', name), 'utf8')).hex, 'hex'));
}
