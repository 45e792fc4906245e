/** The files of this machine, some folders of which fail: as a disk that is dying, read-only or gone does. */
import { fileFailure, type MemoryFiles, type OpenFile } from '../../src/base/files.js';
import type { BlockFiles } from '../../src/worker/block-files.js';
import { tierFiles } from './stores.js';

export class FaultyDisks {
  readonly files: BlockFiles = this.#failing(tierFiles, () => undefined);
  readonly #errnos = new Map<string, string>();
  readonly #once = new Set<string>();

  /** From now on all that is done below `folder` fails. */
  fail(folder: string, errno = 'EIO'): void {
    this.#errnos.set(folder, errno);
  }

  /** What is done next below `folder` fails, and nothing behind that. */
  failOnce(folder: string, errno: string): void {
    this.fail(folder, errno);
    this.#once.add(folder);
  }

  mend(folder: string): void {
    this.#errnos.delete(folder);
  }

  #failing<T extends BlockFiles | OpenFile>(target: T, ownPath: () => string | undefined): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...values: unknown[]) => {
          const at = ownPath() ?? String(values[0]);
          const errno = name === 'close' ? undefined : this.#errnoAt(at);
          if (errno !== undefined) return Promise.reject(fileFailure(String(name), at, Object.assign(new Error(errno), { code: errno })));
          const result: unknown = member.apply(target, values);
          if (name === 'inMemory')
            return (result as Promise<MemoryFiles | undefined>).then((memory) => memory && this.#failingAtOnce(memory));
          return name === 'open' ? (result as Promise<OpenFile>).then((file) => this.#failing(file, () => at)) : result;
        };
      },
    });
  }

  #failingAtOnce(memory: MemoryFiles): MemoryFiles {
    const or = <T>(name: string, at: string, work: () => T): T => {
      const errno = this.#errnoAt(at);
      if (errno !== undefined) throw fileFailure(name, at, Object.assign(new Error(errno), { code: errno }));
      return work();
    };
    return {
      read: (at, bytes) => or('read', at, () => memory.read(at, bytes)),
      create: (at, contents) => or('create', at, () => memory.create(at, contents)),
      rename: (at, to) => or('rename', at, () => memory.rename(at, to)),
    };
  }

  #errnoAt(filePath: string): string | undefined {
    for (const [folder, errno] of this.#errnos) {
      if (filePath !== folder && !filePath.startsWith(`${folder}/`)) continue;
      if (this.#once.delete(folder)) this.mend(folder);
      return errno;
    }
    return undefined;
  }
}
