/** What format makes, refuses to touch, and with force takes away. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { SystemFile, systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { deferred } from '../../src/base/wait.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import type { DirectoryJournalSettings } from '../../src/journal/directory-layout.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { bytesOf, claim, errorOf, readTo, textOf } from '../contract/journal-contract.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const force = { entry: () => ({ bytes: bytesOf('format'), timeMs: 1 }) };
let folder: string;
let settings: DirectoryJournalSettings;
const journals: DirectoryJournal[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'understudy-format-'));
  settings = { folder, segmentBytes: 64 << 10, batchBytesMax: 8 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
});
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

async function openJournal(): Promise<DirectoryJournal> {
  const journal = await DirectoryJournal.open(settings, deps);
  journals.push(journal);
  return journal;
}

async function expectRefused(text: string): Promise<void> {
  const error = await errorOf(formatDirectoryJournal(settings, deps));
  expect(isError(error, 'already_exists'), error.message).toBe(true);
  expect(error.message).toContain(text);
}

test('format: where there is a journal, is refused; its leader does not notice', async () => {
  await formatDirectoryJournal(settings, deps);
  const { writer } = await claim(await openJournal());
  await expectRefused('there is a journal already');
  await writer.append([bytesOf('x')], 1);
});

test('format: of a live journal whose FORMAT was lost, removes nothing', async () => {
  await formatDirectoryJournal(settings, deps);
  const journal = await openJournal();
  const { writer } = await claim(journal);
  await writer.append([bytesOf('acknowledged')], 1);
  const format = await readFile(path.join(folder, 'FORMAT'));
  await rm(path.join(folder, 'FORMAT'));
  await expectRefused('found=LEDGER,claims/,log/');
  await writeFile(path.join(folder, 'FORMAT'), format);
  expect(textOf(await readTo(await openJournal(), writer.end))).toEqual(['claim 1', 'acknowledged']);
});

for (const name of ['claims', 'log', 'checkpoint']) {
  test(`format: where ${name}/ is somebody else's folder with files, is refused and leaves them`, async () => {
    await mkdir(path.join(folder, name));
    await writeFile(path.join(folder, name, 'syslog'), 'precious');
    await expectRefused(`found=${name}/`);
    expect(await readdir(path.join(folder, name))).toEqual(['syslog']);
    expect(await readdir(folder)).toEqual([name]);
  });
}

test('format: interrupted before FORMAT, the next is refused and says so, and force makes it', async () => {
  await formatDirectoryJournal(settings, deps);
  await rm(path.join(folder, 'FORMAT'));
  await expectRefused('what an interrupted format left');
  await formatDirectoryJournal(settings, deps, { force });
  expect((await claim(await openJournal())).writer.epoch).toBe(1);
});

test('format: of empty folders that are there, makes a journal in them', async () => {
  for (const name of ['claims', 'log', 'checkpoint', 'election']) await mkdir(path.join(folder, name));
  await formatDirectoryJournal(settings, deps);
  expect((await claim(await openJournal())).writer.epoch).toBe(1);
});

test('format: many at once, one makes the journal and the others change nothing in it', async () => {
  for (let round = 0; round < 10; round++) {
    const at = path.join(folder, String(round));
    const formats = await Promise.allSettled(Array.from({ length: 4 }, () => formatDirectoryJournal({ ...settings, folder: at }, deps)));
    const made = formats.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const one of formats) if (one.status === 'rejected') expect(isError(one.reason, 'already_exists'), String(one.reason)).toBe(true);
    expect(made).toHaveLength(1);
    await using journal = await DirectoryJournal.open({ ...settings, folder: at }, deps);
    expect(journal.incarnationId).toBe(made[0]?.incarnationId);
    expect((await claim(journal)).writer.epoch).toBe(1);
  }
});

test('format: one that stalls before it makes anything while another ends and its leader commits, changes nothing', async () => {
  const [reached, gate] = [deferred<void>(), deferred<void>()];
  const open = SystemFile.open.bind(SystemFile);
  const held = vi.spyOn(SystemFile, 'open').mockImplementation(async (file, options) => {
    if (file.endsWith('LEDGER') && options?.create !== undefined) {
      held.mockRestore();
      reached.resolve();
      await gate.promise;
    }
    return open(file, options);
  });
  const stalled = errorOf(formatDirectoryJournal(settings, deps));
  await reached.promise;
  await formatDirectoryJournal(settings, deps);
  const { writer } = await claim(await openJournal());
  await writer.append([bytesOf('acknowledged')], 1);
  await writer.close();
  gate.resolve();
  expect(isError(await stalled, 'already_exists')).toBe(true);
  expect(textOf((await claim(await openJournal())).delivered)).toEqual(['claim 1', 'acknowledged', 'claim 2']);
});

test('format: with force, fences the leader by the entry it was given, and removes only names of a journal', async () => {
  await formatDirectoryJournal(settings, deps);
  const { writer } = await claim(await openJournal());
  const others = ['election/1', 'log/notes.txt', 'claims/README', 'checkpoint/old.tar'];
  await mkdir(path.join(folder, 'election'));
  for (const name of others) await writeFile(path.join(folder, name), 'kept');
  await writeFile(path.join(folder, 'checkpoint', '12-0123456789abcdef0123456789abcdef.ckpt'), '');
  const entries: number[] = [];
  await formatDirectoryJournal(settings, deps, {
    force: {
      entry(epoch) {
        entries.push(epoch);
        return force.entry();
      },
    },
  });
  expect(entries).toEqual([2]);
  expect(isError(await errorOf(writer.append([bytesOf('x')], 1)), 'fenced')).toBe(true);
  expect((await claim(await openJournal())).writer.epoch).toBe(1);
  for (const name of others) expect(await readFile(path.join(folder, name), 'utf8')).toBe('kept');
  expect(await readdir(path.join(folder, 'log'))).toEqual(['1-0.seg', 'notes.txt']);
  expect(await readdir(path.join(folder, 'checkpoint'))).toEqual(['old.tar']);
  expect((await readdir(folder)).sort()).toEqual(['FORMAT', 'LEDGER', 'checkpoint', 'claims', 'election', 'log']);
});

for (const lost of ['LEDGER', 'FORMAT', 'log/1-0.seg']) {
  test(`format: with force, of a journal without its ${lost}, warns and goes on`, async () => {
    await formatDirectoryJournal(settings, deps);
    const journal = await openJournal();
    await claim(journal);
    await journal.close();
    await rm(path.join(folder, lost));
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (_: unknown, message: string) => void warnings.push(message) };
    await formatDirectoryJournal(settings, { ...deps, log }, { force });
    expect(warnings).toContain('formatting over a journal that cannot be claimed');
    expect((await claim(await openJournal())).writer.epoch).toBe(1);
  });
}

test('format: with force while another one is under way, is refused and changes nothing', async () => {
  await formatDirectoryJournal(settings, deps);
  await writeFile(path.join(folder, 'FORMATTING'), '');
  const { writer } = await claim(await openJournal());
  const error = await errorOf(formatDirectoryJournal(settings, deps, { force }));
  expect(isError(error, 'failed_precondition'), error.message).toBe(true);
  expect(error.message).toContain(`file=${path.join(folder, 'FORMATTING')}`);
  await writer.append([bytesOf('x')], 1);
});
