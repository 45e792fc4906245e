/** Mounted storage in a folder, where folders are peculiar: links, devices, names that are no text, others who change it meanwhile. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/system-random.js';
import { LocalUnderStore } from '../../src/underfs/local-under-store.js';
import { errorOf } from '../contract/journal-contract.js';
import { listAll, namesIn, readAll, text } from '../contract/under-store-contract.js';

let folder: string;
let outside: string;
let store: LocalUnderStore;

beforeEach(async () => {
  const place = mkdtempSync(join(tmpdir(), 'understudy-local-'));
  folder = join(place, 'mounted');
  outside = join(place, 'outside');
  mkdirSync(folder);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'not to be seen');
  store = await LocalUnderStore.open({ folder }, { random: systemRandom });
  return () => rm(place, { recursive: true, force: true });
});

test('links: out of the folder and within it, are told and never followed', async () => {
  mkdirSync(join(folder, 'd'));
  writeFileSync(join(folder, 'd/f'), 'x');
  symlinkSync(outside, join(folder, 'out'));
  symlinkSync(join(outside, 'secret'), join(folder, 'out-file'));
  symlinkSync('d', join(folder, 'in'));
  symlinkSync('..', join(folder, 'd/round'));
  symlinkSync('nowhere', join(folder, 'dangling'));
  const skipped: string[] = [];
  const onSkipped = (name: string, reason: string) => void skipped.push(`${name}: ${reason}`);
  expect(await namesIn(store, '', { recursive: true, onSkipped })).toEqual(['d/', 'd/f']);
  const links = ['d/round', 'dangling', 'in', 'out', 'out-file'];
  expect(skipped.sort()).toEqual(links.map((name) => `${name}: a symbolic link`).sort());

  for (const path of [...links, 'out/secret', 'in/f', 'd/round/d/f', 'out/absent/deeper']) {
    expect(await store.stat(path), path).toBe(undefined);
    expect(await errorOf(listAll(store, path)), path).toMatchObject({ code: 'not_found' });
    expect(await errorOf(readAll(store, path)), path).toMatchObject({ code: 'not_found' });
    const changes = [() => store.create(path, text('y')), () => store.makeDirectory(path), () => store.delete(path, { recursive: true })];
    changes.push(
      () => store.rename(path, 'z'),
      () => store.rename('d/f', path),
      () => store.setAttributes(path, { mode: 0o777 }),
    );
    for (const change of changes) expect(await errorOf(change()), path).toMatchObject({ code: 'permission_denied' });
  }
  expect(readdirSync(outside)).toEqual(['secret']);
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('not to be seen');
});

test('delete: a folder with links in it, removes the links and not what they lead to', async () => {
  mkdirSync(join(folder, 'd/e'), { recursive: true });
  symlinkSync(outside, join(folder, 'd/e/out'));
  await store.delete('d', { recursive: true });
  expect(readdirSync(folder)).toEqual([]);
  expect(existsSync(join(outside, 'secret'))).toBe(true);
});

test('open: the folder itself by a link, is followed; a file or nothing, is refused', async () => {
  symlinkSync(folder, join(outside, 'link'));
  writeFileSync(join(folder, 'f'), 'x');
  const linked = await LocalUnderStore.open({ folder: join(outside, 'link') }, { random: systemRandom });
  expect(await namesIn(linked, '')).toEqual(['f']);
  expect(linked.location).toBe(join(outside, 'link'));
  const open = (path: string) => errorOf(LocalUnderStore.open({ folder: path }, { random: systemRandom }));
  expect(await open(join(folder, 'f'))).toMatchObject({ code: 'failed_precondition' });
  expect(await open(join(folder, 'absent'))).toMatchObject({ code: 'not_found' });
  expect(await open('relative')).toMatchObject({ code: 'invalid_argument' });
});

test('list: what is neither file nor folder, and names that are no UTF-8, are told', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/bad`), Buffer.from([0xff])]), 'x');
  writeFileSync(join(folder, 'replaced-\ufffd'), 'x');
  const skipped: string[] = [];
  const found = await namesIn(store, '', { onSkipped: (name, reason) => void skipped.push(`${name}: ${reason}`) });
  expect(found).toEqual(['replaced-\ufffd']);
  expect(skipped.sort()).toEqual(['bad\ufffd: a name that is not UTF-8', 'pipe: neither a file nor a folder']);
  expect(await store.stat('pipe')).toBe(undefined);
  expect(await errorOf(readAll(store, 'pipe'))).toMatchObject({ code: 'failed_precondition' });
});

test('create: one that was cut short by a crash, is not listed, and the file stays as it was', async () => {
  await store.create('f', text('whole'));
  writeFileSync(join(folder, '.understudy-0123456789abcdef.part'), 'torn');
  writeFileSync(join(folder, '.understudy-other'), 'a file of people');
  expect(await namesIn(store, '')).toEqual(['.understudy-other', 'f']);
  expect(await readAll(store, 'f')).toBe('whole');
});

test('a folder that is removed, or swapped for a file, while it is listed: the rest is listed', async () => {
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'f'), 'x');
  }
  const seen: string[] = [];
  for await (const page of store.list('', { recursive: true })) {
    seen.push(...page.map(({ name }) => name));
    if (seen.length > 3) continue;
    const [first = '', second = ''] = seen;
    await rm(join(folder, first), { recursive: true });
    await rm(join(folder, second), { recursive: true });
    writeFileSync(join(folder, second), 'now a file');
  }
  expect(seen).toHaveLength(4);
  await rm(folder, { recursive: true });
  for (const gone of [() => listAll(store, ''), () => store.stat('a'), () => store.delete('a'), () => store.create('a', text('x'))]) {
    expect(await errorOf(gone())).toMatchObject({ code: 'unavailable' });
  }
});

test('a listing that is given up in the middle: leaves no folder open', async () => {
  for (let at = 0; at < 1500; at++) writeFileSync(join(folder, `f${at}`), '');
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (let round = 0; round < 5; round++) for await (const page of store.list('')) if (page.length > 0) break;
  expect(open()).toBeLessThanOrEqual(before);
});

test('attributes: owner and group by name or number, mode with its high bits; unknown names are refused', async () => {
  await store.create('f', text('x'));
  expect(await store.stat('f')).toMatchObject({ owner: 'root', group: 'root', mode: 0o644 });
  await store.setAttributes('f', { owner: 'daemon', group: '54321', mode: 0o2750 });
  expect(await store.stat('f')).toMatchObject({ owner: 'daemon', group: '54321', mode: 0o2750 });
  expect(statSync(join(folder, 'f')).gid).toBe(54321);
  expect(await errorOf(store.setAttributes('f', { owner: 'nobody-by-this-name' }))).toMatchObject({ code: 'invalid_argument' });
});

test('a full disk: is told as such, and nothing of the file is left', async () => {
  const small = join(folder, 'small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
  try {
    expect(await errorOf(store.create('small/f', new Uint8Array(1 << 20)))).toMatchObject({ code: 'resource_exhausted' });
    expect(readdirSync(small)).toEqual([]);
    await store.create('g', text('x'));
    expect(await errorOf(store.rename('g', 'small/g'))).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('EXDEV'),
    });
  } finally {
    execFileSync('umount', [small]);
  }
});

test('a folder whose file system is unmounted: is unavailable, not empty; mounted again, it is what it was', async () => {
  const place = join(folder, 'disk');
  mkdirSync(place);
  const mount = () => execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', place]);
  const unmount = () => execFileSync('umount', [place]);
  mount();
  const disk = await LocalUnderStore.open({ folder: place }, { random: systemRandom });
  await disk.create('f', text('x'));
  unmount();
  for (const gone of [() => listAll(disk, ''), () => disk.stat('f'), () => disk.delete('f'), () => disk.rename('f', 'g')]) {
    expect(await errorOf(gone())).toMatchObject({ code: 'unavailable' });
  }
  mount();
  try {
    await disk.create('g', text('x'));
    expect(await namesIn(disk, '')).toEqual(['g']);
  } finally {
    unmount();
  }
});
