/** The change feed as `watch` of `node:fs/promises` tells it. */
import type { ChangeEvent, WatchOptions } from './change-feed.js';
import type { ReadOptions } from './client.js';
import type { FileStatus } from './file-status.js';
import { asNodeError, type SystemCall } from './node-error.js';

export interface WatchedChange {
  /** `rename`: the name came, went, or stands for something else. */
  readonly eventType: 'rename' | 'change';
  /** From the watched directory; of a watched file, or the directory itself, its own. */
  readonly filename: string;
}

interface Watcher {
  getStatus(path: string, options: ReadOptions): Promise<FileStatus>;
  watch(path: string, options: WatchOptions): AsyncGenerator<ChangeEvent, void, undefined>;
}

/** Changes of what a name stands for; all others are changes of attributes or contents. */
const RENAMES: ReadonlySet<string> = new Set(['createFile', 'createDirectory', 'rename', 'remove', 'mount', 'unmount', 'load', 'concat']);

export async function* watchedChanges(
  fs: Watcher,
  path: string,
  { recursive, signal }: { readonly recursive: boolean; readonly signal: AbortSignal | undefined },
  call: SystemCall,
): AsyncGenerator<WatchedChange, void, undefined> {
  try {
    const options = signal === undefined ? {} : { signal };
    let seen = 0;
    const told = ({ sn }: { readonly sn: number }) => {
      seen = sn;
    };
    await fs.getStatus(path, { ...options, told });
    for await (const event of fs.watch(path, { ...options, fromSn: seen + 1 })) {
      for (const filename of filenamesOf(event, path)) {
        if (recursive || !filename.includes('/')) yield { eventType: RENAMES.has(event.kind) ? 'rename' : 'change', filename };
      }
    }
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : asNodeError(error, call);
  }
}

function filenamesOf({ path, toPath }: ChangeEvent, watched: string): string[] {
  const below = watched === '/' ? '/' : `${watched}/`;
  return [path, toPath].flatMap((at) => {
    if (at === watched && at !== '/') return [at.slice(at.lastIndexOf('/') + 1)];
    return at !== '' && at.startsWith(below) && at !== below ? [at.slice(below.length)] : [];
  });
}

function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}
