// Builds what `npm run chaos` runs, dist/ and dist-proof/, each unless it is newer than its sources: a run that has begun is not to lose its programs to
// the next one. To be called under a lock.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAMP = join('dist-proof', 'built');

function isOlder(product, sources) {
  if (!existsSync(product)) return true;
  const builtMs = statSync(product).mtimeMs;
  const files = sources.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  return files.some((entry) => /\.(ts|proto)$/.test(entry.name) && statSync(join(entry.parentPath, entry.name)).mtimeMs > builtMs);
}

if (isOlder(join('dist', 'cli', 'main.js'), ['src', 'proto'])) execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
if (isOlder(STAMP, ['src', 'test', 'proto'])) {
  execFileSync(join('node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.proof.json'], { stdio: 'inherit' });
  writeFileSync(STAMP, '');
}
