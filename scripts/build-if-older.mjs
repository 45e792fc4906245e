// Builds what `npm run chaos` runs (dist/ and dist-proof/), unless it is newer than its sources: a run that has begun is not to lose its programs to
// the next one. To be called under a lock.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = ['src', 'test', 'proto'];
const STAMP = join('dist-proof', 'built');

function newest(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(...files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs));
}

const wanted = Math.max(...SOURCES.map(newest));
if (!existsSync(STAMP) || !existsSync('dist') || statSync(STAMP).mtimeMs < wanted) {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  execFileSync(join('node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.proof.json'], { stdio: 'inherit' });
  writeFileSync(STAMP, '');
}
