/**
 * A whole journal folder as text, and back: each file's name and size, then what is not zero of it, in rows of 32 bytes. Sparse files come back
 * sparse.
 */
import { mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';

const ROW_BYTES = 32;
/** The ledger is sparse and large: what is in use of it stands at its front. */
const READ_MAX = 1 << 20;

export async function folderToText(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((name) => name.isFile()).map((name) => path.relative(folder, path.join(name.parentPath, name.name)));
  const lines: string[] = [];
  for (const name of files.sort()) {
    await using file = await open(path.join(folder, name));
    const { size } = await file.stat();
    lines.push(`file ${name} ${size}`);
    const bytes = Buffer.alloc(Math.min(size, READ_MAX));
    await file.read(bytes, 0, bytes.length, 0);
    for (let at = 0; at < bytes.length; at += ROW_BYTES) {
      const row = bytes.subarray(at, at + ROW_BYTES);
      if (row.some((byte) => byte !== 0)) lines.push(`${at} ${row.toString('hex')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** @param folder is made. */
export async function textToFolder(text: string, folder: string): Promise<void> {
  for (const part of text.split(/^file /m).slice(1)) {
    const [head = '', ...rows] = part.trimEnd().split('\n');
    const [name = '', size] = head.split(' ');
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await using file = await open(path.join(folder, name), 'w');
    await file.truncate(Number(size));
    for (const row of rows) {
      const [at, hex = ''] = row.split(' ');
      const bytes = Buffer.from(hex, 'hex');
      await file.write(bytes, 0, bytes.length, Number(at));
    }
  }
}
