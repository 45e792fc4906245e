/**
 * Terms of the embedded election in a folder beside the journal (term-file.ts).
 *
 * Whoever takes term n+1 has read that term n has no successor, and looks once more when it has it: so the files of old terms can be removed.
 */
import { errnoOf, type Files } from '../base/files.js';
import { readPointer, removeTerm, TermFile, type TermFolder, writePointer } from './term-file.js';
import type { HolderPage, Term, Terms } from './term-store.js';

export class FolderTerms implements Terms {
  readonly location: string;
  #where: TermFolder;

  /** @param folder `<journal>/election`. The folder above it must exist when it is used. */
  constructor(folder: string, files: Files) {
    this.location = folder;
    this.#where = { files, folder, direct: true };
  }

  async prepare(): Promise<void> {
    const { files, folder } = this.#where;
    await files.makeFolder(folder).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    this.#where = { files, folder, direct: !(await files.isLocalFolder(folder)) };
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
