/**
 * Numbers that travel or are stored, each with the one meaning that it has for ever: fields, methods, error codes, kinds of frames. A line may
 * be added to test/golden/numbers.txt; none may change. What is not used any more is `reserved` in its message, or stays in its table.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import { ERROR_NUMBERS } from '../../src/base/errors.js';
import { operations } from '../../src/metadata/operations.js';
import { KIND } from '../../src/rpc/frame.js';

const FILE = path.join(import.meta.dirname, 'numbers.txt');
const PROTO = path.join(import.meta.dirname, '../../proto');

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => path.join(PROTO, target);
root.loadSync(['journal.proto', 'records.proto', 'rpc.proto', 'namespace.proto']).resolveAll();

function fieldLines(type: protobuf.Type): string[] {
  return type.fieldsArray.map(({ id, name, type: of, repeated }) => `field ${type.name} ${id} ${name} ${repeated ? 'repeated ' : ''}${of}`);
}

const table = (what: string, numbers: Readonly<Record<string, number>>): string[] =>
  Object.entries(numbers).map(([name, number]) => `${what} ${number} ${name}`);

function currentLines(): string[] {
  return (root.lookup('understudy') as protobuf.Namespace).nestedArray
    .flatMap((one) => {
      if (one instanceof protobuf.Type) return fieldLines(one);
      return one instanceof protobuf.Enum ? table(`value ${one.name}`, one.values) : [];
    })
    .concat(
      table('method', Object.fromEntries(Object.entries(operations).map(([name, { method }]) => [name, method]))),
      table('error', ERROR_NUMBERS),
      table('frame', KIND),
    );
}

const isReserved = (line: string): boolean => {
  const [what, message = '', number] = line.split(' ');
  const type = what === 'field' ? root.lookup(`understudy.${message}`) : null;
  return type instanceof protobuf.Type && type.isReservedId(Number(number));
};

it('numbers: every one that was ever used means what it meant, or is reserved', () => {
  const current = new Set(currentLines());
  const kept = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  const gone = kept.filter((line) => !current.has(line) && !isReserved(line));
  expect(gone, 'numbers are never given up or reused: reserve them in the message, or leave them in their table').toEqual([]);

  const added = [...current].filter((line) => !kept.includes(line));
  if (process.env.WRITE_GOLDEN !== undefined && added.length > 0) writeFileSync(FILE, `${[...kept, ...added].join('\n')}\n`);
  else expect(added, 'new numbers are put down with npm run golden').toEqual([]);
});

it('numbers: none has two meanings', () => {
  const meanings = new Map<string, string[]>();
  for (const line of readFileSync(FILE, 'utf8').trimEnd().split('\n')) {
    const number = /^.*? \d+(?= )/.exec(line)?.[0] ?? line;
    meanings.set(number, [...(meanings.get(number) ?? []), line]);
  }
  expect([...meanings.values()].filter((lines) => lines.length > 1)).toEqual([]);
});
