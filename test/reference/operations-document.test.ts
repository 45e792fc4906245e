import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operations } from '../../src/metadata/operations.js';
import { ERROR_CASES } from './error-cases.js';

const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** Operation, method and kind of each row of the first table. */
const rows = [...text.matchAll(/^\| \[?(\w+)\]?(?:\(#\w+\))? \| (\d+) \| ([a-z ]+) \|/gm)].map(
  ([, name, method, kind]) => `${name} ${method} ${kind}`,
);

it('docs/operations.md: has every operation, with its number and its kind, and no other', () => {
  const all = Object.entries(operations).map(([name, { method, kind }]) => `${name} ${method} ${kind}`);
  expect(rows.sort()).toEqual(all.sort());
});

const served = Object.entries(operations).filter(([, { kind }]) => !kind.startsWith('control'));

it.each(served.map(([name]) => name))('docs/operations.md: the errors of %s are those that the table of cases shows', (name) => {
  const [, section = ''] = text.split(new RegExp(`^### ${name}$`, 'm'));
  const told = [...(section.split(/^##/m)[0] ?? '').matchAll(/^\| (E\w+) \|/gm)].map(([, errno]) => errno);
  const shown = new Set(ERROR_CASES.filter(({ op }) => op === name).map(({ errno }) => errno));
  expect(section).not.toBe('');
  expect(told.sort()).toEqual([...shown].sort());
});
