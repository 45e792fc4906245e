/** A LevelDB in a temporary folder, removed at the end however that comes: where tools replay a journal. */
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { KvStore } from '../kv/kv-store.js';
import { LevelStores } from '../kv/level-store.js';

const LEVEL_SETTINGS = { writeBufferBytes: 16 << 20, cacheBytes: 64 << 20 };
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

export class TemporaryStores implements AsyncDisposable {
  readonly #folder: string;
  readonly #open: KvStore[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    process.once('exit', () => this.#remove());
    for (const [signal, code] of Object.entries(SIGNAL_EXIT)) process.once(signal, () => process.exit(code));
  }

  /** @param parent the folder to make it in. Default: the system's for temporary files. */
  static async make(parent = tmpdir()): Promise<TemporaryStores> {
    return new TemporaryStores(await mkdtemp(path.join(parent, 'understudy-tool-')));
  }

  /** @returns an empty store, closed at the end. */
  async open(): Promise<KvStore> {
    const store = await new LevelStores(path.join(this.#folder, String(this.#open.length)), LEVEL_SETTINGS).open();
    this.#open.push(store);
    return store;
  }

  /** Keeps `chunks` in a file of that name. @returns their length, and a way to have them again. @throws what `chunks` throws. */
  async keep(
    name: string,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly bytes: number; readonly read: () => AsyncIterable<Uint8Array> }> {
    const file = path.join(this.#folder, name);
    await pipeline(chunks, createWriteStream(file));
    return { bytes: (await stat(file)).size, read: () => createReadStream(file) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((store) => store.close()));
    this.#remove();
  }

  #remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
