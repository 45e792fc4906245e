/**
 * The file WORKER of each of a worker's directories: whose it is. Text that an operator can read:
 *
 *     understudy-worker      magic
 *     version=1
 *     id=<32 hex>            the same in all of its directories, for good
 *     crc=<8 hex>            CRC-32 of the lines before this one
 */
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { UnderstudyError } from '../base/errors.js';
import { errnoOf } from '../base/files.js';
import { needsVersion } from '../base/needs-version.js';
import type { BlockFiles } from './block-files.js';

const VERSION = 1;
const BYTES_MAX = 4096;
const TEXT = /^understudy-worker\nversion=(\d+)\n(?:.*\n)*?id=([0-9a-f]{32})\n(?:.*\n)*?crc=([0-9a-f]{8})\n$/;

export function encodeIdentity(workerId: string): Buffer {
  const lines = `understudy-worker\nversion=${VERSION}\nid=${workerId}\n`;
  return Buffer.from(`${lines}crc=${hexCrc(lines)}\n`);
}

/** @throws `corrupt`; `failed_precondition` (`needs version`). */
export function decodeIdentity(bytes: Buffer, filePath: string): string {
  const text = bytes.toString('utf8');
  const [, version, id, crc] = TEXT.exec(text) ?? [];
  if (id === undefined || crc !== hexCrc(text.slice(0, text.lastIndexOf('crc=')))) {
    throw new UnderstudyError('corrupt', `the file that says whose this directory is, is damaged: file=${filePath}`);
  }
  if (Number(version) > VERSION) throw needsVersion('worker directory', Number(version), VERSION, `file=${filePath}`);
  return id;
}

/** @returns undefined: the directory is nobody's yet. @throws as `decodeIdentity`. */
export async function readIdentity(files: BlockFiles, directory: string): Promise<string | undefined> {
  const filePath = identityPath(directory);
  try {
    await using file = await files.open(filePath);
    const bytes = Buffer.alloc(BYTES_MAX);
    return decodeIdentity(bytes.subarray(0, await file.readSome(bytes, 0)), filePath);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param asidePath in the same file system: a name that is free. */
export async function writeIdentity(files: BlockFiles, directory: string, workerId: string, asidePath: string): Promise<void> {
  await files.createFileDurable(asidePath, encodeIdentity(workerId));
  await files.rename(asidePath, identityPath(directory));
  await files.syncFolder(directory);
}

function identityPath(directory: string): string {
  return path.join(directory, 'WORKER');
}

function hexCrc(lines: string): string {
  return crc32(lines).toString(16).padStart(8, '0');
}
