/** Sources of the journal compiled for child processes of tests. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';

/** Compiles the directory journal, the system's clock, files and chance, and all that they import, into `folder`. */
export async function compileJournal(folder: string): Promise<void> {
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const files = ['journal/directory-journal.ts', 'base/system-clock.ts', 'base/system-file.ts', 'base/system-random.ts'].map(
    (file) => `src/${file}`,
  );
  const flags = '--ignoreConfig --rootDir src --target es2023 --lib es2023,esnext.disposable --module nodenext --types node --skipLibCheck';
  await promisify(execFile)(process.execPath, [tsc, ...flags.split(' '), '--outDir', folder, ...files]);
  await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }');
}
