/**
 * The table of all defects and of what found them, for people: docs/proof-defects.md. What it is made of stands in found.json, so that some
 * defects can be looked for anew, and the rows of the others stay.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Defect, Edit } from './defect.js';
import type { Finding } from './find-defect.js';

export const DOCUMENT = 'docs/proof-defects.md';
const FOUND = 'test/simulation/defects/found.json';

interface Row {
  readonly worlds: number;
  readonly seconds: number;
  /** Null where worlds were lived, and nothing told of it. */
  readonly found: Finding['found'];
  /** What it was found with (`editsOf`). */
  readonly edits: string;
}

export type Found = Readonly<Record<string, Row>>;

/** @returns a short hash of what a search of `defect` goes by: a row found with another one says nothing of this one. */
export function editsOf({ edits, violates, storage }: Defect): string {
  return createHash('sha256')
    .update(JSON.stringify([edits, violates.source, storage]))
    .digest('hex')
    .slice(0, 12);
}

export async function readFound(root: string): Promise<Found> {
  return JSON.parse(await readFile(path.join(root, FOUND), 'utf8')) as Found;
}

/** Takes `findings` in, and writes the table of all `defects` anew. */
export async function writeDocument(root: string, defects: readonly Defect[], findings: readonly Finding[]): Promise<void> {
  const now = Object.fromEntries(
    findings.map(({ defect, worlds, seconds, found }) => [
      defect.name,
      { worlds, seconds: Math.round(seconds * 10) / 10, found, edits: editsOf(defect) },
    ]),
  );
  const known = { ...(await readFound(root)), ...now };
  const all: Found = Object.fromEntries(defects.flatMap(({ name }) => (known[name] === undefined ? [] : [[name, known[name]]])));
  await writeFile(path.join(root, FOUND), `${JSON.stringify(all, null, 2)}\n`);
  await writeFile(path.join(root, DOCUMENT), document(defects, all));
}

/** @returns the contents of `DOCUMENT`. */
export function document(defects: readonly Defect[], all: Found): string {
  const lived = defects.map((defect) => {
    const { worlds, seconds, found } = all[defect.name] ?? { worlds: 0, seconds: 0, found: null };
    return { ...defect, worlds, seconds, found };
  });
  const rows = lived.flatMap(({ name, what, edits, worlds, seconds, found }) =>
    found === null
      ? []
      : [
          `| ${name} | ${cell(what)} | ${places(edits)} | ${worlds} | ${cell(shortened(found.violation))} | ${found.seed} | ${Math.round(seconds)} |`,
        ],
  );
  const open = lived.filter(({ found, elsewhere }) => found === null && elsewhere === undefined);
  const openRows = open.map(({ name, what, edits, worlds }) => `| ${name} | ${cell(what)} | ${places(edits)} | ${worlds} |`);
  const elsewhere = lived.flatMap(({ name, what, elsewhere: by }) =>
    by === undefined ? [] : [`- **${name}**: ${what}. \`${by.file}\`: ${by.test}`],
  );
  const taken = lived.flatMap(({ worlds, found }) => (found === null ? [] : [worlds])).sort((a, b) => a - b);
  return `# Defects on purpose

A check that cannot fail proves nothing. So faults are put into the production code, one at a time: rules of the protocols left out, steps
swapped, answers sent too soon. Simulated worlds ([proof.md](proof.md)) are lived with each of them, until one tells of a violation.

The defects are edits of the source (\`test/simulation/defects/\`), made in a copy of it: nothing of them is in any build. A test holds that
each still fits the code, and finds some of them anew in every run. All of them, and this file, by

    npm run simulate:defects -- --jobs 2 --write

or some, by \`--only PATTERN\`: the rows of the others stay. ${taken.length} were found, half of them within ${taken[Math.floor((taken.length - 1) / 2)] ?? 0} worlds, the hardest one after ${taken.at(-1) ?? 0}.
How many it takes says how rare the circumstances are in which a defect shows, and is drawn at random: other seeds give other numbers, and any
change of the code gives other worlds of the same seeds. Worlds are those of any other run, with whatever faults and settings each draws; a
defect of one kind of journal is lived in worlds on that kind only. Seconds are real ones, of a machine with much else to do. The same
run lives as many worlds of the code as it is, as a control: they have to tell of nothing.

| defect | what is wrong then | in | worlds | what told of it | seed | seconds |
| --- | --- | --- | ---: | --- | ---: | ---: |
${rows.join('\n')}
${open.length === 0 ? '' : `\n${OPEN}${openRows.join('\n')}\n`}
${ELSEWHERE}${elsewhere.join('\n')}
`;
}

const ELSEWHERE = `## Found elsewhere

What shows these takes circumstances that hardly any world has. With each of them the test that is named fails, which

    npm run simulate:defects -- --elsewhere

sees.

`;

const OPEN = `## Not told of yet

So many worlds were lived with these, and none told of them: what shows them is rarer than that, or is no part of any world yet.

| defect | what is wrong then | in | worlds |
| --- | --- | --- | ---: |
`;

function places(edits: readonly Edit[]): string {
  return [...new Set(edits.map(({ file }) => `\`${file.replace(/^src\//, '')}\``))].join(', ');
}

const SHOWN_MAX = 110;

function shortened(violation: string): string {
  return violation.length > SHOWN_MAX ? `${violation.slice(0, SHOWN_MAX)}…` : violation;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
