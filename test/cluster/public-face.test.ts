/**
 * A program of somebody else's: compiled against the published types, strictly, and run against real masters through what `npm run build`
 * made. It imports nothing but `understudy` and Node.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { Cluster } from './cluster.js';

const PROGRAM = `
import { FileSystem, isError, UnderstudyError, type ChangeEvent, type ContentSummary, type FileStatus } from 'understudy';

const [masters = '', user = ''] = process.argv.slice(2);
await using fs = await FileSystem.connect({ masters: masters.split(','), user, umask: 0o027 });
const { status, sn }: { status: FileStatus; sn: number } = await fs.createDirectory('/app/logs', { recursive: true });
await fs.createFile('/app/logs/today', { completeLength: 5, ttlMs: 86_400_000, ttlAction: 'DELETE' });
const { statuses } = await fs.batch().createFile('/app/a', { completeLength: 1 }).rename('/app/a', '/app/b').commit();
const names: string[] = [];
for await (const { path } of fs.glob('/app/{b,logs/*}', { atLeastSn: sn })) names.push(path);
const summary: ContentSummary = await fs.contentSummary('/app');
const refused: unknown = await fs.getStatus('/app/none').catch((error: unknown) => error);
const problem = refused instanceof UnderstudyError && isError(refused, 'not_found') ? [refused.code, refused.errno, refused.path] : refused;
const { readdir, stat, mkdir } = fs.promises;
const made: string | undefined = await mkdir('/app/x/y', { recursive: true });
const entries = await readdir('/app', { withFileTypes: true });
const isDirectory: boolean = (await stat('/app/logs')).isDirectory();
const kinds: ChangeEvent['kind'][] = [];
console.log(
  JSON.stringify({
    ...{ mode: status.mode.toString(8), first: statuses[0]?.path, names, bytes: String(summary.bytes), problem, made },
    ...{ entries: entries.map((entry) => [entry.name, entry.isFile()]), isDirectory, kinds },
  }),
);
`;

/** What has to be refused by the compiler, each on its own. */
const MISTAKES = [
  `await fs.createFile('/f', { modus: 1 });`,
  `await fs.createFile('/f', { ttlAction: 'BURN' });`,
  `const length: string = (await fs.getStatus('/f')).length;`,
  `await fs.setAcl('/f', { action: 'remove', entries: [{ isDefault: false, kind: 'king', name: '' }] });`,
  `const bytes: number = (await fs.contentSummary('/f')).bytes;`,
  `fs.batch().mount('/m', 'file:///m');`,
];

const TSCONFIG = {
  compilerOptions: {
    ...{ target: 'ES2023', lib: ['ES2023', 'ESNext.Disposable'], module: 'NodeNext', strict: true, exactOptionalPropertyTypes: true },
    ...{ noUncheckedIndexedAccess: true, types: ['node'], noEmit: false },
  },
  include: ['*.mts'],
};

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-consumer-'));
  await mkdir(path.join(folder, 'node_modules'));
  await symlink(ROOT, path.join(folder, 'node_modules', 'understudy'));
  await symlink(path.join(ROOT, 'node_modules', '@types'), path.join(folder, 'node_modules', '@types'));
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  await writeFile(path.join(folder, 'program.mts'), PROGRAM);
});
afterAll(() => rm(folder, { recursive: true }));

async function compile(): Promise<string> {
  const tsc = path.join(ROOT, 'node_modules', '.bin', 'tsc');
  return promisify(execFile)(tsc, ['-p', folder]).then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout as string,
  );
}

test('public face: a program compiles against the types, and runs', async () => {
  const cluster = await Cluster.start({ masters: 1 });
  expect(await compile()).toBe('');
  const { place } = cluster.master(0);
  const program = [path.join(folder, 'program.mjs'), `127.0.0.1:${place.rpcPort}`, 'tester'];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  expect(JSON.parse(stdout)).toEqual({
    mode: '750',
    first: '/app/a',
    names: ['/app/b', '/app/logs/today'],
    bytes: '6',
    problem: ['not_found', 'ENOENT', '/app/none'],
    made: '/app/x',
    entries: [
      ['b', true],
      ['logs', false],
      ['x', false],
    ],
    isDirectory: true,
    kinds: [],
  });
});

test('public face: mistakes are found by the compiler', async () => {
  const program = MISTAKES.map((mistake) => `{ ${mistake} }`).join('\n');
  await writeFile(
    path.join(folder, 'mistakes.mts'),
    `import type { FileSystem } from 'understudy';\ndeclare const fs: FileSystem;\n${program}\n`,
  );
  const lines = (await compile()).split('\n').filter((line) => line.includes('error TS'));
  expect(lines.map((line) => Number(/mistakes\.mts\((\d+),/.exec(line)?.[1]) - 2)).toEqual(MISTAKES.map((_, index) => index + 1));
});
