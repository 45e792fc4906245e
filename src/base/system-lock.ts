/**
 * Locks between the processes of a host, and of all that have the file system mounted: flock(2), which ends with its holder, however that ends.
 * Node has no call for it; the program `flock` takes the lock for a descriptor that it shares with this process, where it stays.
 */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { UnderstudyError } from './errors.js';

/** As `flock --conflict-exit-code` has it by default. */
const HELD_BY_ANOTHER = 1;

/** @returns what ends the lock. @throws `failed_precondition`: another process, or this one, holds it. @throws `unavailable`. */
export async function lockFile(filePath: string): Promise<AsyncDisposable> {
  const file = await open(filePath, 'a').catch((error: unknown) => {
    throw new UnderstudyError('unavailable', `cannot open the lock: file=${filePath}`, { cause: error });
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] })
        .once('error', reject)
        .once('exit', resolve);
    });
    if (code === HELD_BY_ANOTHER) throw new UnderstudyError('failed_precondition', `another process uses the folder: lock=${filePath}`);
    if (code !== 0) throw new UnderstudyError('unavailable', `the program flock failed: lock=${filePath} code=${code}`);
    return file;
  } catch (error) {
    await file.close();
    if (error instanceof UnderstudyError) throw error;
    throw new UnderstudyError('failed_precondition', `the program flock is needed to lock folders: lock=${filePath}`, { cause: error });
  }
}
