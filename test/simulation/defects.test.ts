/**
 * The defects that are put into copies of the production code (defects/): that they still fit it, and that worlds find some of them. All of
 * them: `npm run simulate:defects`.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFECTS } from './defects/all-defects.js';
import { type Edit, edited } from './defects/defect.js';
import { findDefect } from './defects/find-defect.js';
import { DOCUMENT, document, editsOf, readFound } from './defects/findings-document.js';
import { PatchedCopy } from './defects/patched-copy.js';

const ROOT = process.cwd();
/** Shown within a few worlds, by one kind of check or another each. */
const QUICK = [
  'leader: answers before the commit',
  'state: rename keeps the old name',
  'retry: record lost on a standby',
  'client: forgets what it saw',
  'state: clock read in apply',
  'write-behind: before the commit',
  'folder: marked before the commit',
];
/** Worlds of which one finds a quick one: several times what they take. */
const WORLDS = 100;

describe('defects of the production code', () => {
  test.each(DEFECTS)('$name: fits the code', ({ edits }) => {
    const sources = new Map<string, string>();
    for (const edit of edits) {
      sources.set(edit.file, edited(sources.get(edit.file) ?? readFileSync(edit.file, 'utf8'), edit));
    }
    for (const [file, source] of sources) expect(source).not.toBe(readFileSync(file, 'utf8'));
  });

  test('each has a name of its own', () => {
    expect(new Set(DEFECTS.map(({ name }) => name)).size).toBe(DEFECTS.length);
    expect(DEFECTS.length).toBeGreaterThanOrEqual(25);
  });

  test('the document is what was found', async () => {
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(document(DEFECTS, await readFound(ROOT)));
  });

  test.each(DEFECTS.filter(({ elsewhere }) => elsewhere === undefined))('$name: was found, as it is now', async (defect) => {
    const row = (await readFound(ROOT))[defect.name];
    const again = `npm run simulate:defects -- --only '${defect.name}' --write`;
    expect(row?.found ?? null, again).not.toBeNull();
    expect(row?.edits, again).toBe(editsOf(defect));
  });

  test.each(DEFECTS.flatMap(({ name, elsewhere }) => (elsewhere === undefined ? [] : [{ name, ...elsewhere }])))(
    '$name: the test that shows it is there',
    ({ file, test: wanted }) => {
      const names = [file, ...importsOf(file)].flatMap((each) => namesIn(readFileSync(each, 'utf8')));
      expect(names.some((name) => name.test(wanted))).toBe(true);
    },
  );

  test('all of them: compile, many at once', { timeout: 300_000 }, async () => {
    for (const edits of together()) {
      await using copy = await PatchedCopy.make(ROOT, edits, { checked: true });
      expect(copy.folder).not.toBe('');
    }
  });

  test.each(QUICK)('%s: worlds of fresh seeds find it', { timeout: 300_000 }, async (name) => {
    const defect = DEFECTS.find((one) => one.name === name);
    if (defect === undefined) throw new Error(`no such defect: ${name}`);
    const firstSeed = Date.now() % 1_000_000_000;
    const { found, worlds, others } = await findDefect(defect, { root: ROOT, firstSeed, worldsMax: WORLDS });
    expect(found, `not found in ${worlds} worlds from seed ${firstSeed}; they told ${others.join(', ') || 'nothing'}`).not.toBeNull();
  });
});

/** What a file of tests may have its tests from. */
function importsOf(file: string): string[] {
  const imports = readFileSync(file, 'utf8').matchAll(/from '(\.[^']*)\.js'/g);
  return [...imports].map(([, name = '']) => `${path.join(path.dirname(file), name)}.ts`).filter((each) => each.startsWith('test/'));
}

/** @returns the names of tests; any text stands for what a template puts in. */
function namesIn(source: string): RegExp[] {
  const names = source.matchAll(/\b(?:test|it)\((['`])(.*?)\1,/g);
  return [...names].map(
    ([, , name = '']) =>
      new RegExp(
        `^${name
          .split(/\$\{[^}]*\}/)
          .map((text) => text.replaceAll(/[^\w ]/g, '\\$&'))
          .join('.*')}$`,
      ),
  );
}

/** Edits of all defects, in few groups: those of one group do not touch each other. */
function together(): Edit[][] {
  const groups: { edits: Edit[]; sources: Map<string, string> }[] = [];
  for (const { edits } of DEFECTS) if (!groups.some((group) => joins(edits, group))) groups.push(groupOf(edits));
  return groups.map((group) => group.edits);
}

function groupOf(edits: readonly Edit[]) {
  const group = { edits: [], sources: new Map<string, string>() };
  joins(edits, group);
  return group;
}

/** Adds `edits` to a group, where each still finds its place once, and takes none from the others. */
function joins(edits: readonly Edit[], group: { edits: Edit[]; sources: Map<string, string> }): boolean {
  const changed = new Map<string, string>();
  try {
    for (const edit of edits) {
      const before = changed.get(edit.file) ?? group.sources.get(edit.file) ?? readFileSync(edit.file, 'utf8');
      changed.set(edit.file, edited(before, edit));
    }
  } catch {
    return false;
  }
  for (const [file, source] of changed) group.sources.set(file, source);
  group.edits.push(...edits);
  return true;
}
