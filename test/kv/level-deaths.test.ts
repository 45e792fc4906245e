/** Processes that die with a metastore that they have open. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LevelStores } from '../../src/kv/level-store.js';
import { mustBeBuilt, ROOT } from '../servers/built.js';

const SETTINGS = { writeBufferBytes: 1 << 20, cacheBytes: 1 << 20 };
const DEATHS = 5;

test('metastore: several processes in a row die before they have proved it, corrupt; set aside, it begins anew', async () => {
  const folder = newFolder();
  for (let death = 0; death < DEATHS; death++) await dieWith(folder);
  await expect(new LevelStores(folder, SETTINGS).open()).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringMatching(/processes died with the metastore again and again: .*times=5/),
  });
  const stores = new LevelStores(folder, SETTINGS);
  await stores.setAside();
  await (await stores.open()).close();
});

test('metastore: proved or closed in order between deaths, is opened again and again', async () => {
  const folder = newFolder();
  for (let round = 0; round < 2; round++) {
    for (let death = 1; death < DEATHS; death++) await dieWith(folder);
    const stores = new LevelStores(folder, SETTINGS);
    const store = await stores.open();
    if (round === 0) await stores.proved();
    else await store.close();
    expect(existsSync(`${folder}.opened`)).toBe(false);
    await store.close();
  }
});

test('metastore: refused since another process has it, does not count', async () => {
  const folder = newFolder();
  const stores = new LevelStores(folder, SETTINGS);
  const store = await stores.open();
  const other = new LevelStores(folder, SETTINGS);
  for (let time = 0; time < 2 * DEATHS; time++) await expect(other.open()).rejects.toMatchObject({ code: 'failed_precondition' });
  await store.close();
  await (await other.open()).close();
});

function newFolder(): string {
  mustBeBuilt();
  const parent = mkdtempSync(path.join(tmpdir(), 'understudy-deaths-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  return path.join(parent, 'metastore');
}

/** A process opens it, and is killed. */
async function dieWith(folder: string): Promise<void> {
  const script = `
    import { LevelStores } from ${JSON.stringify(path.join(ROOT, 'dist', 'kv', 'level-store.js'))};
    await new LevelStores(process.argv[1], ${JSON.stringify(SETTINGS)}).open();
    console.log('open');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
