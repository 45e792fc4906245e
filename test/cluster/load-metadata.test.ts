/**
 * Leaders killed while they load what a mounted folder has, and while the folder changes.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Cluster } from './cluster.js';

const DIRECTORIES = 40;
const FILES = 250;
const KILLS = 2;

test('leaders killed while a mounted folder is loaded: the call goes on at the next one, and all of it is there once', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-loaded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (let at = 0; at < DIRECTORIES; at++) {
    mkdirSync(path.join(folder, `d${at}`));
    for (let file = 0; file < FILES; file++) writeFileSync(path.join(folder, `d${at}`, `f${file}`), 'x');
  }
  const cluster = await Cluster.start({ masters: 3 });
  const fs = await cluster.client();
  await fs.mount('/m', folder);
  for (let kill = 0; kill < KILLS; kill++) {
    let killed: Promise<unknown> | undefined;
    const leader = await cluster.leader();
    const kills = () => {
      killed ??= leader.end('SIGKILL');
    };
    // As soon as some of it is there.
    const watching = (async () => {
      for await (const _ of fs.list('/m/d0', { loadMetadata: 'ALWAYS' })) return kills();
    })();
    const loaded = await fs.loadMetadata('/m', { recursive: true, force: true });
    await watching;
    await killed;
    expect(loaded.looked).toBeGreaterThan(0);
    await leader.start();
  }
  const summary = await fs.contentSummary('/m');
  expect(summary).toMatchObject({ files: DIRECTORIES * FILES, directories: DIRECTORIES + 1 });
  rmSync(path.join(folder, 'd7'), { recursive: true });
  writeFileSync(path.join(folder, 'd8', 'f1'), 'longer');
  await fs.loadMetadata('/m', { recursive: true, force: true });
  expect(await fs.contentSummary('/m')).toMatchObject({ files: (DIRECTORIES - 1) * FILES, directories: DIRECTORIES });
  expect((await fs.getStatus('/m/d8/f1')).length).toBe(6);
  expect(new Set(await cluster.digests()).size).toBe(1);
});
