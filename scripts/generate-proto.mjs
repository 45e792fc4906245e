/**
 * Generates `generated/understudy.js` and its types from `proto/`: static code, no reflection.
 *
 * 64-bit fields are plain numbers (all of ours stay below 2^53): `--force-number` changes only the types, so the generated module also
 * takes Long away from the runtime before anything is decoded. The module appears whole: programs may be loading it meanwhile.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const folder = path.join(root, 'generated');
const sources = readdirSync(path.join(root, 'proto'))
  .filter((name) => name.endsWith('.proto'))
  .map((name) => path.join(root, 'proto', name));

mkdirSync(folder, { recursive: true });
const making = mkdtempSync(path.join(folder, '.making-'));
const out = path.join(making, 'understudy.js');
const run = (tool, args) =>
  execFileSync(process.execPath, [require.resolve(`protobufjs-cli/bin/${tool}`), ...args], { cwd: root, stdio: 'inherit' });
const absent = ['verify', 'convert', 'delimited', 'service', 'typeurl', 'create'].map((part) => `--no-${part}`);
run('pbjs', ['-t', 'static-module', '-w', 'es6', '--es6', '--force-number', ...absent, '-p', 'proto', '-o', out, ...sources]);
run('pbts', ['-o', out.replace(/\.js$/, '.d.ts'), out]);

const importLine = 'import $protobuf from "protobufjs/minimal.js";\n';
const code = readFileSync(out, 'utf8');
if (!code.includes(importLine)) throw new Error('the generated module no longer begins as expected; see scripts/generate-proto.mjs');
writeFileSync(out, code.replace(importLine, `${importLine}$protobuf.util.Long = undefined;\n$protobuf.configure();\n`));
for (const name of ['understudy.js', 'understudy.d.ts']) renameSync(path.join(making, name), path.join(folder, name));
rmSync(making, { recursive: true });
