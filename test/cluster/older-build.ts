/**
 * A build of the release before this one, as far as masters can tell: a copy of `dist/` out of which the feature `freeze` is cut, its row among the
 * features and its methods. Its version is older, too.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../servers/built.js';

export const OLDER_VERSION = '0.0.9';

/** Makes it in `folder`, which is to be empty or missing. */
export function makeOlderBuild(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ['dist', 'bin', 'conf']) cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  for (const name of ['node_modules', 'generated']) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  const about: Record<string, unknown> = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ ...about, version: OLDER_VERSION }));
  cut(path.join(folder, 'dist/metadata/features.js'), /^ *\{ name: 'freeze',.*\n/m);
  cut(path.join(folder, 'dist/master/master-methods.js'), /^ *\.\.\.freezeMethods\(.*\n/m);
}

function cut(file: string, what: RegExp): void {
  const text = readFileSync(file, 'utf8');
  if (!what.test(text)) throw new Error(`the build is not as this test knows it: ${what} is not in ${file}`);
  writeFileSync(file, text.replace(what, ''));
}
