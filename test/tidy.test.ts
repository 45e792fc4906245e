/**
 * The shape of src/: which folder may import which, and the rules that keep the core pure. The table is design.md's, as data; each rule is
 * a function from sources to complaints, so that each can be seen to fail.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** From top to bottom: a folder imports only from folders above it, and from itself. */
const ROWS = [
  'base',
  'config',
  'telemetry',
  'kv',
  's3',
  'underfs',
  'blocks',
  'rpc',
  'election',
  'journal',
  'metadata',
  'client',
  'master',
  'worker',
  'web',
  'ui',
  'cli',
] as const;

/** What only its own folder and src/cli may name: others take the seam. */
const CONCRETE = [
  /^base\/system-(clock|random)$/,
  /^telemetry\/pino-/,
  /^kv\/(level|memory)-/,
  /^underfs\/(local|s3|memory)-/,
  /^rpc\/(tcp|memory)-/,
  /^election\/(zookeeper|embedded|manual|memory)-/,
  /^journal\/(directory|memory|s3)-/,
];

/** Sources of time, chance and surroundings; only src/base/system-*.ts and src/cli/ have them, everything else gets them passed in. */
const SURROUNDINGS =
  /\b(?:Date\.now|performance\.now|process\.(?:env|hrtime|exit)|Math\.random|randomBytes|randomUUID|setTimeout|setInterval|setImmediate)\b|\bnew Date\(\)/g;

/** Modules that do I/O: not for the pure core. */
const IO_MODULES =
  /^(?:node:)?(?:fs|net|http|https|http2|dgram|dns|child_process|cluster|worker_threads|readline|tls)(?:\/|$)|^(?:level|pino)$/;
const PURE = [/^base\/(?!system-)/, /^metadata\//, /^master\/role/];

/** The package's public face, the one file that may pass on what others export. */
const PUBLIC_FACE = 'cli/understudy.ts';
const LINES_MAX = 500;

/** One file of src/, its path from there. */
interface Source {
  readonly path: string;
  readonly text: string;
}

const folderOf = (path: string): string => path.split('/')[0] ?? '';
const mayKnowSurroundings = (path: string): boolean => path.startsWith('cli/') || path.startsWith('base/system-');

/** @returns the code without comments and quoted strings; of template strings, the expressions stay. */
function codeOf(text: string): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;
  return text.replace(token, (found) => {
    if (found.startsWith('`')) return [...found.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1]).join(' ');
    return found.startsWith('/') ? ' ' : "''";
  });
}

/** @returns the specifiers of all imports and re-exports. */
function importsOf(text: string): readonly string[] {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/^\s*\/\/[^\n]*/gm, ' ');
  const statement = /^\s*(?:import|export)\b(?:[^'"`;=]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
  return [...bare.matchAll(statement)].map((match) => match[1] ?? match[2] ?? '');
}

/** @returns the path, from src/, of the source that `specifier` names in `from`; undefined for packages. */
function target(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return normalize(join(dirname(from), specifier)).replace(/\.js$/, '.ts');
}

const rules: Record<string, (sources: readonly Source[]) => string[]> = {
  'folders: every one is in the table': (sources) =>
    [...new Set(sources.map(({ path }) => folderOf(path)))].filter((folder) => !ROWS.includes(folder as never)),

  'imports: only of files that exist, in the own folder or a row above it': (sources) => {
    const paths = new Set(sources.map(({ path }) => path));
    return eachImport(sources, (path, specifier) => {
      if (specifier.startsWith('#proto/')) return folderOf(path) === 'base';
      const found = target(path, specifier);
      if (found === undefined) return false;
      return !paths.has(found) || row(found) > row(path);
    });
  },

  'imports: no cycle among files': (sources) => {
    const edges = new Map(sources.map(({ path, text }) => [path, importsOf(text).flatMap((specifier) => target(path, specifier) ?? [])]));
    return cycles(edges);
  },

  'imports: concrete implementations are named by src/cli alone': (sources) =>
    eachImport(sources, (path, specifier) => {
      const found = target(path, specifier)?.replace(/\.ts$/, '');
      if (found === undefined || folderOf(path) === 'cli' || folderOf(path) === folderOf(found)) return false;
      return CONCRETE.some((pattern) => pattern.test(found));
    }),

  'imports: the pure core does no I/O': (sources) =>
    eachImport(sources, (path, specifier) => PURE.some((pattern) => pattern.test(path)) && IO_MODULES.test(specifier)),

  'surroundings: time, chance and environment come from outside': (sources) =>
    sources
      .filter(({ path }) => !mayKnowSurroundings(path))
      .flatMap(({ path, text }) => (codeOf(text).match(SURROUNDINGS) ?? []).map((found) => `${path}: ${found}`)),

  'barrels: no file passes on what others export': (sources) =>
    sources
      .filter(
        ({ path, text }) =>
          path !== PUBLIC_FACE &&
          (/^\s*export\s+(?:type\s+)?(?:\*|\{[^}]*\}\s*from)/m.test(codeOf(text)) || /(?:^|\/)index\.ts$/.test(path)),
      )
      .map(({ path }) => path),

  [`files: up to ${LINES_MAX} lines`]: (sources) =>
    sources
      .filter(({ text }) => text.split('\n').length > LINES_MAX + 1)
      .map(({ path, text }) => `${path}: ${text.split('\n').length - 1} lines`),
};

function row(path: string): number {
  return ROWS.indexOf(folderOf(path) as never);
}

function eachImport(sources: readonly Source[], wrong: (path: string, specifier: string) => boolean): string[] {
  return sources.flatMap(({ path, text }) =>
    importsOf(text)
      .filter((specifier) => wrong(path, specifier))
      .map((specifier) => `${path}: ${specifier}`),
  );
}

function cycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    if (done.has(path) || trail.includes(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}

function readSources(): Source[] {
  const root = join(import.meta.dirname, '../src');
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
  return names.map((name) => ({ path: name, text: readFileSync(join(root, name), 'utf8') }));
}

/** For each rule, sources that break it, and the complaint. */
const broken: Record<keyof typeof rules, readonly [sources: readonly Source[], complaint: string]> = {
  'folders: every one is in the table': [[{ path: 'utils/a.ts', text: '' }], 'utils'],
  'imports: only of files that exist, in the own folder or a row above it': [
    [
      { path: 'kv/a.ts', text: "/** a */\nimport type {\n  B,\n} from '../master/b.js';" },
      { path: 'master/b.ts', text: "import { A } from '../kv/a.js';" },
    ],
    'kv/a.ts: ../master/b.js',
  ],
  'imports: no cycle among files': [
    [
      { path: 'kv/a.ts', text: "import './b.js';" },
      { path: 'kv/b.ts', text: "const c = await import('./c.js');" },
      { path: 'kv/c.ts', text: "export * from './a.js';" },
    ],
    'kv/a.ts -> kv/b.ts -> kv/c.ts -> kv/a.ts',
  ],
  'imports: concrete implementations are named by src/cli alone': [
    [
      { path: 'kv/level-store.ts', text: '' },
      { path: 'cli/start.ts', text: "import { LevelStores } from '../kv/level-store.js';" },
      { path: 'master/master.ts', text: "import { LevelStores } from '../kv/level-store.js';" },
    ],
    'master/master.ts: ../kv/level-store.js',
  ],
  'imports: the pure core does no I/O': [
    [{ path: 'metadata/plan.ts', text: "import { open } from 'node:fs/promises';" }],
    'metadata/plan.ts: node:fs/promises',
  ],
  'surroundings: time, chance and environment come from outside': [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source under test
    [{ path: 'kv/a.ts', text: "// Date.now()\nconst a = 'Date.now()';\nconst b = `at ${Date.now()}`;" }],
    'kv/a.ts: Date.now',
  ],
  'barrels: no file passes on what others export': [
    [
      { path: 'kv/all.ts', text: "export { A } from './a.js';" },
      { path: 'cli/understudy.ts', text: "export { A } from './a.js';" },
    ],
    'kv/all.ts',
  ],
  [`files: up to ${LINES_MAX} lines`]: [
    [
      { path: 'kv/a.ts', text: 'a\n'.repeat(LINES_MAX + 1) },
      { path: 'kv/b.ts', text: 'a\n'.repeat(LINES_MAX) },
    ],
    'kv/a.ts: 501 lines',
  ],
};

describe('tidy', () => {
  const sources = readSources();
  for (const [name, rule] of Object.entries(rules)) {
    test(name, () => {
      expect(sources.length).toBeGreaterThan(10);
      expect(rule(sources)).toEqual([]);
    });
    test(`${name}: a breach, is told`, () => {
      const [wrong, complaint] = broken[name] ?? [[], ''];
      expect(rule(wrong)).toEqual([complaint]);
    });
  }
});
