/** Every row of the table of failures in src/master/DESIGN.md names tests that exist. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../servers/built.js';

const DESIGN = path.join(ROOT, 'src', 'master', 'DESIGN.md');

test('table of failures: each row names tests that the linked files have', () => {
  const section = readFileSync(DESIGN, 'utf8').split('## When things go wrong')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.includes('](../'));
  expect(rows.length).toBeGreaterThanOrEqual(14);
  for (const row of rows) {
    const [, , names = '', links = ''] = row.split('|');
    const files = [...links.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => path.resolve(path.dirname(DESIGN), link));
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    for (const name of names.split(';')) expect(text.includes(name.trim()), `${name.trim()} in ${links.trim()}`).toBe(true);
  }
});
