/**
 * A copy of the source with edits made, compiled, in a folder of its own: what a defect is lived with.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Edit, edited } from './defect.js';

/** What worlds are made of, and more; only what they import is compiled. */
const SOURCES = ['src', 'test'];
const LINKED = ['node_modules', 'generated'];
const COPIED = ['package.json', 'vitest.config.ts'];
const LIFE = 'test/simulation/defects/live-worlds';

export class PatchedCopy implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param root of the project. @param checked types, too. @throws where an edit does not fit, or the result does not compile. */
  static async make(root: string, edits: readonly Edit[], { checked = false } = {}): Promise<PatchedCopy> {
    const copy = new PatchedCopy(await mkdtemp(path.join(os.tmpdir(), 'understudy-defect-')));
    try {
      for (const name of LINKED) await symlink(path.join(root, name), path.join(copy.folder, name));
      for (const name of COPIED) await cp(path.join(root, name), path.join(copy.folder, name));
      const filter = (name: string) => path.extname(name) === '' || name.endsWith('.ts');
      for (const name of SOURCES) await cp(path.join(root, name), path.join(copy.folder, name), { recursive: true, filter });
      for (const edit of edits) {
        const file = path.join(copy.folder, edit.file);
        await writeFile(file, edited(await readFile(file, 'utf8'), edit));
      }
      await copy.#compile(root, checked);
      return copy;
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Program that lives worlds (live-worlds.ts). */
  get life(): string {
    return path.join(this.folder, 'dist', `${LIFE}.js`);
  }

  /** @returns whether the test of that name fails in the copy. @throws where no such test runs. */
  async fails({ file, test }: { readonly file: string; readonly test: string }): Promise<boolean> {
    const report = path.join(this.folder, 'report.json');
    const name = `${test.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;
    const options = ['run', file, '-t', name, '--reporter', 'json', '--outputFile', report];
    const vitest = path.join(this.folder, 'node_modules/.bin/vitest');
    // Its exit code does not tell a test that fails from a file that cannot be loaded.
    await promisify(execFile)(vitest, options, { cwd: this.folder }).catch(() => undefined);
    const { numPassedTests, numFailedTests } = JSON.parse(await readFile(report, 'utf8')) as Record<string, number>;
    if (numPassedTests === 0 && numFailedTests === 0) throw new Error(`no such test runs: file=${file} test=${test}`);
    return numFailedTests !== 0;
  }

  async #compile(root: string, checked: boolean): Promise<void> {
    const compilerOptions = {
      noEmit: false,
      rootDir: '.',
      outDir: 'dist',
      noCheck: !checked,
      noUnusedLocals: false,
      noUnusedParameters: false,
    };
    const config = { extends: path.join(root, 'tsconfig.json'), compilerOptions, files: [`${LIFE}.ts`], include: [] };
    await writeFile(path.join(this.folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = path.join(root, 'node_modules/.bin/tsc');
    await promisify(execFile)(tsc, ['-p', this.folder], { cwd: this.folder }).catch((error: { stdout?: string }) => {
      throw new Error(`a patched copy does not compile: ${error.stdout}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
