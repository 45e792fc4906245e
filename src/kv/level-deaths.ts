/**
 * Counts how often in a row a process has died with a LevelDB folder that it had not found sound yet: `<folder>.opened`, a number.
 *
 * LevelDB ends the whole process on some damaged blocks. Whoever starts that process again would see it die again, for ever; after a few
 * times the folder counts as damaged.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UnderstudyError } from '../base/errors.js';

const DEATHS_MAX = 5;

export class LevelDeaths {
  readonly #folder: string;
  readonly #file: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = `${folder}.opened`;
  }

  /** The folder is opened now. @returns how to take that back. @throws `corrupt`: too many have died with it. @throws `unavailable`. */
  async opening(): Promise<() => Promise<void>> {
    const deaths = await this.#read();
    if (deaths >= DEATHS_MAX) {
      await this.none();
      throw new UnderstudyError('corrupt', `processes died with the metastore again and again: folder=${this.#folder} times=${deaths}`);
    }
    await this.#write(deaths + 1);
    return () => this.#write(deaths);
  }

  /** The folder has been found sound, or was closed in order. */
  async none(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  async #read(): Promise<number> {
    const text = await readFile(this.#file, 'utf8').catch(() => '');
    const count = Number.parseInt(text, 10);
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  }

  async #write(deaths: number): Promise<void> {
    try {
      if (deaths === 0) return await this.none();
      await mkdir(path.dirname(this.#file), { recursive: true });
      await writeFile(this.#file, String(deaths));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new UnderstudyError('unavailable', `cannot write beside the metastore: file=${this.#file} reason=${reason}`, { cause });
    }
  }
}
