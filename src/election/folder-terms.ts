/**
 * Terms of the embedded election in a folder beside the journal (term-file.ts).
 *
 * Whoever takes term n+1 has read that term n has no successor, and looks once more when it has it: so the files of old terms can be removed.
 */
import { mkdir } from 'node:fs/promises';
import { UnderstudyError } from '../base/errors.js';
import { errnoOf, isLocalFolder } from '../base/system-file.js';
import { readPointer, removeTerm, TermFile, type TermFolder, writePointer } from './term-file.js';
import type { HolderPage, Term, Terms } from './term-store.js';

export class FolderTerms implements Terms {
  readonly location: string;
  #where: TermFolder;

  /** @param folder `<journal>/election`. The folder above it must exist when it is used. */
  constructor(folder: string) {
    this.location = folder;
    this.#where = { folder, direct: true };
  }

  async prepare(): Promise<void> {
    const { folder } = this.#where;
    await mkdir(folder).catch((cause: unknown) => {
      if (errnoOf(cause) !== 'EEXIST')
        throw new UnderstudyError('unavailable', `cannot make the election folder: folder=${folder}`, { cause });
    });
    this.#where = { folder, direct: !(await isLocalFolder(folder)) };
  }

  newest(): Promise<number> {
    return readPointer(this.#where);
  }

  find(term: number): Promise<TermFile | undefined> {
    return TermFile.open(this.#where, term);
  }

  async take(term: number, page: HolderPage, before: Term | undefined): Promise<Term | 'taken' | 'passed'> {
    const file = await TermFile.take(this.#where, term);
    if (file === undefined) return 'taken';
    try {
      await file.writeHolder(page);
      if (before instanceof TermFile) {
        if (await before.hasSuccessor()) {
          await this.remove(term);
          await file.close();
          return 'passed';
        }
        await before.writeSuccessor(page.nonce);
      }
      await writePointer(this.#where, term);
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }

  remove(term: number): Promise<void> {
    return removeTerm(this.#where, term);
  }

  async close(): Promise<void> {}
}
