import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { AuditFile } from '../../src/telemetry/audit-file.js';
import { waitUntil } from '../servers/wait-until.js';

const record = (name: string) => ({ user: 'ada', from: '127.0.0.1:1', what: 'remove', paths: [name], result: 'ok', sn: 1 });
const linesOf = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n');

function ownFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('audit: a file that is moved away, goes on in a new one', async () => {
  const folder = ownFolder();
  const file = path.join(folder, 'logs', 'audit.log');
  const moved = path.join(folder, 'audit.1');
  {
    await using audit = new AuditFile(file, { clock: systemClock, log: silentLog });
    audit.note(record('/a'));
    await waitUntil('the first line is written', () => linesIn(file) === 1);
    renameSync(file, moved);
    audit.reopen();
    audit.note(record('/b\n'));
    await waitUntil('the second line is written', () => linesIn(file) === 1);
  }
  expect(JSON.parse(linesOf(moved)[0] ?? '')).toMatchObject({ user: 'ada', paths: ['/a'], result: 'ok', sn: 1 });
  expect(JSON.parse(linesOf(file)[0] ?? '').paths).toEqual(['/b\n']);
});

test('audit: more than can wait, lines are lost and their number is told', async () => {
  const file = path.join(ownFolder(), 'audit.log');
  const long = 'x'.repeat(64 * 1024);
  const made = 400;
  {
    await using audit = new AuditFile(file, { clock: systemClock, log: silentLog });
    for (let i = 0; i < made; i++) audit.note(record(long));
    await waitUntil('what waited is written', () => linesIn(file) > 100);
    audit.note(record('/last'));
  }
  const lines = linesOf(file).map((line) => JSON.parse(line));
  const lost = lines.reduce((sum, { lost: count = 0 }) => sum + count, 0);
  expect(lost).toBeGreaterThan(0);
  expect(lines.filter(({ user }) => user === 'ada').length + lost).toBe(made + 1);
});

test('audit: a file that cannot be made is refused at once', () => {
  const folder = ownFolder();
  writeFileSync(path.join(folder, 'logs'), 'no folder');
  const file = path.join(folder, 'logs', 'audit.log');
  expect(() => new AuditFile(file, { clock: systemClock, log: silentLog })).toThrow(`the audit log cannot be opened: file=${file}`);
});

function linesIn(file: string): number {
  try {
    return linesOf(file).filter((line) => line !== '').length;
  } catch {
    return 0;
  }
}
