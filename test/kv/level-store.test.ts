import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LevelStores } from '../../src/kv/level-store.js';
import { allRows, bytes, kvContract, put } from '../contract/kv-contract.js';

const SETTINGS = { writeBufferBytes: 4 << 20, cacheBytes: 8 << 20 };
const run = promisify(execFile);

async function newFolder(root = tmpdir()): Promise<string> {
  return mkdtemp(join(root, 'understudy-kv-'));
}

async function fresh(): Promise<{ folder: string; stores: LevelStores }> {
  const root = await newFolder();
  onTestFinished(() => rm(root, { recursive: true }));
  const folder = join(root, 'a', 'metastore');
  return { folder, stores: new LevelStores(folder, SETTINGS) };
}

kvContract('level store', async () => {
  const root = await newFolder();
  return { stores: new LevelStores(join(root, 'metastore'), SETTINGS), remove: () => rm(root, { recursive: true }) };
});

describe('level store', () => {
  test('open: another process has it, refused in one sentence', async () => {
    const { folder, stores } = await fresh();
    const script = `const { Level } = require('level'); new Level(process.argv[1]).open().then(() => console.log('open')); process.stdin.resume();`;
    const other = spawn(process.execPath, ['-e', script, folder], { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] });
    const gone = once(other, 'exit');
    await once(other.stdout, 'data');
    await expect(stores.open()).rejects.toMatchObject({
      code: 'failed_precondition',
      message: `another process has the metastore folder open: folder=${folder}`,
    });
    other.kill('SIGKILL');
    await gone;
    await (await stores.open()).close();
  });

  test('open: files that the manifest names are gone, corrupt; set aside, an empty one, and one copy is kept', async () => {
    const { folder, stores } = await fresh();
    const store = await stores.open();
    for (let at = 0; at < 8; at++) {
      await store.write(Array.from({ length: 1000 }, (_, row) => put(bytes(at, row >> 8, row & 255), Buffer.alloc(1000, row + at))));
    }
    await store.close();
    // A close breaks compactions off: opened again, LevelDB's manifest names every table that there is.
    await (await stores.open()).close();
    const tables = (await readdir(folder)).filter((name) => name.endsWith('.ldb'));
    expect(tables.length).toBeGreaterThan(0);
    for (const name of tables) await rm(join(folder, name));
    await expect(stores.open()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(folder) });
    await stores.setAside();
    const again = await stores.open();
    expect(await allRows(again)).toEqual([]);
    await again.close();
    await stores.setAside();
    expect(await readdir(join(folder, '..'))).toEqual(['metastore.aside']);
  });

  test('open: CURRENT is garbage, or names a manifest that is not there, corrupt', async () => {
    const { folder, stores } = await fresh();
    await (await stores.open()).close();
    for (const garbage of ['x', 'MANIFEST-000099\n']) {
      await writeFile(join(folder, 'CURRENT'), garbage);
      await expect(stores.open()).rejects.toMatchObject({ code: 'corrupt' });
    }
  });

  test('open: the folder cannot be made, unavailable with the reason', async () => {
    const root = await newFolder();
    onTestFinished(() => rm(root, { recursive: true }));
    await writeFile(join(root, 'file'), '');
    const stores = new LevelStores(join(root, 'file', 'metastore'), SETTINGS);
    await expect(stores.open()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/ENOTDIR|EEXIST/) });
  });

  test('write: the disk is full, unavailable; no later write is taken, and what survives is a prefix', async () => {
    const root = await newFolder('/dev/shm');
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const { stdout: uid } = await run('id', ['-u']);
    if (uid.trim() !== '0') throw new Error('this test mounts a small tmpfs: run it as root');
    await run('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'understudy-test', root]);
    onTestFinished(async () => {
      await run('umount', ['-l', root]);
    });
    const stores = new LevelStores(join(root, 'metastore'), { ...SETTINGS, writeBufferBytes: 64 << 20 });
    const store = await stores.open();
    const row = (at: number) => put(bytes(at >> 8, at & 255), randomBytes(64 * 1024));
    let failedAt = -1;
    for (let at = 0; at < 2000 && failedAt < 0; at++) {
      await store.write([row(at)]).catch((error) => {
        expect(error.code).toBe('unavailable');
        failedAt = at;
      });
    }
    expect(failedAt).toBeGreaterThan(10);
    await run('mount', ['-o', 'remount,size=64m', root]);
    await expect(store.write([put(bytes(255), bytes(1))])).rejects.toMatchObject({ code: 'unavailable' });
    await store.close();
    await using again = await stores.open();
    const keys = (await allRows(again)).map((found) => found.slice(0, 4));
    expect(keys).toEqual(Array.from({ length: keys.length }, (_, at) => at.toString(16).padStart(4, '0')));
  });
});
