/** The table of all defects and of what found them, for people. */
import type { Finding } from './find-defect.js';

export const DOCUMENT = 'docs/proof-defects.md';

export interface Circumstances {
  readonly seed: number;
  readonly worlds: number;
  readonly jobs: number;
  readonly cpu: string;
  /** Worlds of the code as it is, none of which told of anything. */
  readonly lived: number;
}

export function document(findings: readonly Finding[], { seed, worlds, jobs, cpu, lived }: Circumstances): string {
  const rows = findings.map(({ defect, worlds: taken, seconds, found }) => {
    const files = [...new Set(defect.edits.map(({ file }) => file.replace(/^src\//, '')))].map((file) => `\`${file}\``).join(', ');
    const violation = found === null ? '**not found**' : cell(shortened(found.violation));
    return `| ${defect.name} | ${cell(defect.what)} | ${files} | ${taken} | ${violation} | ${seconds.toFixed(1)} |`;
  });
  const sorted = findings.map(({ worlds: taken }) => taken).sort((a, b) => a - b);
  return `# Defects on purpose

A check that cannot fail proves nothing. So faults are put into the production code, one at a time: rules of the protocols left out, steps
swapped, answers sent too soon. Simulated worlds ([proof.md](proof.md)) are lived with each of them, until one tells of a violation.

The defects are edits of the source (\`test/simulation/defects/\`), made in a copy of it: nothing of them is in any build. A test holds that
each still fits the code, and finds some of them anew in every run. This file is written by

    npm run simulate:defects -- --seed ${seed} --worlds ${worlds} --jobs ${jobs} --write

${findings.filter(({ found }) => found !== null).length} of ${findings.length} were found; half of them within ${sorted[Math.floor(sorted.length / 2)] ?? 0} worlds, the hardest one in ${sorted.at(-1) ?? 0}. ${lived} worlds of the code as it is told of nothing.
Seconds are real ones, with ${jobs} searches at a time (${cpu}). Another first seed gives other numbers: each says how rare the
circumstances are in which the defect shows, and these are drawn at random.

| defect | what is wrong then | in | worlds | what told of it | seconds |
| --- | --- | --- | ---: | --- | ---: |
${rows.join('\n')}
`;
}

const SHOWN_MAX = 110;

function shortened(violation: string): string {
  return violation.length > SHOWN_MAX ? `${violation.slice(0, SHOWN_MAX)}…` : violation;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
