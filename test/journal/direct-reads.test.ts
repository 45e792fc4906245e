/** What opening a file with O_DIRECT makes of a file system that refuses it, and of one that fails; who reads with it; errors that Node cannot name. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { isError, UnderstudyError } from '../../src/base/errors.js';
import { errnoOf } from '../../src/base/files.js';
import { SystemFile } from '../../src/base/system-file.js';
import { errorOf } from '../contract/journal-contract.js';

test('O_DIRECT: where a file system knows none, is failed_precondition', async () => {
  const error = await errorOf(SystemFile.open('/proc/self/stat', { direct: true }));
  expect(isError(error, 'failed_precondition'), error.message).toBe(true);
});

test('O_DIRECT: where the first read fails for another reason, is that error', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'understudy-direct-'));
  const file = path.join(folder, 'file');
  await writeFile(file, Buffer.alloc(4096));
  const failure = (errno: string): UnderstudyError => {
    return new UnderstudyError('unavailable', 'read', { cause: Object.assign(new Error(errno), { code: errno }) });
  };
  const read = vi.spyOn(SystemFile.prototype, 'readSome');
  try {
    read.mockRejectedValueOnce(failure('EIO'));
    const error = await errorOf(SystemFile.open(file, { direct: true }));
    expect(isError(error, 'unavailable'), error.message).toBe(true);
    expect(errnoOf(error)).toBe('EIO');
    read.mockRejectedValueOnce(failure('EINVAL'));
    expect(isError(await errorOf(SystemFile.open(file, { direct: true })), 'failed_precondition')).toBe(true);
  } finally {
    read.mockRestore();
    await rm(folder, { recursive: true, force: true });
  }
});

test('errnoOf: numbers of shared storage that Node has no name for, get theirs', () => {
  const unnamed = (errno: number): Error => Object.assign(new Error('read'), { code: `Unknown system error -${errno}`, errno: -errno });
  expect(errnoOf(unnamed(116))).toBe('ESTALE');
  expect(errnoOf(unnamed(122))).toBe('EDQUOT');
  expect(errnoOf(Object.assign(new Error('open'), { code: 'ENOENT', errno: -2 }))).toBe('ENOENT');
});
