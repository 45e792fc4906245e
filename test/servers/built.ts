/**
 * The programs under `bin/` run what `npm run build` made of `src/`: tests of processes would else try something that is not there any more.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Of the checkout, wherever this file was compiled to. */
export const ROOT = folderWith('package.json', import.meta.dirname);

/** @throws where `dist/` lacks something of `src/`, or is older. */
export function mustBeBuilt(): void {
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  for (const name of sources) {
    const built = statSync(path.join(ROOT, 'dist', name.replace(/\.ts$/, '.js')), { throwIfNoEntry: false });
    if (built !== undefined && built.mtimeMs >= statSync(path.join(ROOT, 'src', name)).mtimeMs) continue;
    throw new Error(`dist/ is ${built === undefined ? 'not built' : 'older than src/'} (src/${name}): run "npm run build" first`);
  }
}

function folderWith(name: string, folder: string): string {
  return existsSync(path.join(folder, name)) ? folder : folderWith(name, path.dirname(folder));
}
