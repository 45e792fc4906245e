/** Times to live, as leaders end them: in bounded rounds, by a clock that can be believed, and whatever became of the leader before. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Master } from '../../src/master/master.js';
import { waitUntil } from '../servers/wait-until.js';
import { MemoryCluster } from './memory-cluster.js';

const SETTINGS = { ttlCheckIntervalMs: 100 };
const FILES = 1_000;
const PIECE = 100;

let cluster: MemoryCluster;
beforeEach(() => {
  cluster = new MemoryCluster();
});
afterEach(() => cluster.close());

const leads = (master: Master) => waitUntil('it leads', () => master.leadership !== null && master.role.name === 'leading');
const has = (master: Master, name: string) => master.replica?.state.child(1, name) != null;

/** Files that live for so long, and one more that lives on; in `name`. */
async function makeFiles(master: Master, name: string, count: number, expiresMs: number): Promise<void> {
  const { leadership } = master;
  let parentId = 0;
  await leadership?.append((state) => {
    parentId = state.nextIds().inodeId;
    return { createDirectory: { parentId: 1, names: [name], inode: { id: parentId, directory: true } } };
  });
  for (let at = 0; at < count; at += PIECE) {
    const file = (index: number, id: number) => ({
      createFile: { parentId, name: `f${index}`, inode: { id: id + index - at, more: { ttlMs: 1, expiresMs } } },
    });
    await leadership?.append((state) => {
      const { inodeId } = state.nextIds();
      return { group: { entries: Array.from({ length: PIECE }, (_, more) => file(at + more, inodeId)) } };
    });
  }
  await leadership?.append((state) => ({ createFile: { parentId, name: 'stays', inode: { id: state.nextIds().inodeId } } }));
}

const filesIn = (master: Master, name: string) => master.replica?.state.child(1, name)?.childCount ?? 0;

test('more than one look takes: all that has expired goes, before and after a takeover, and nothing else', async () => {
  const { master: first } = await cluster.start('a', undefined, SETTINGS);
  await leads(first);
  const { master: second } = await cluster.start('b', undefined, SETTINGS);
  await makeFiles(first, 'now', FILES, 1);
  const soonMs = (first.leadership?.nowMs() ?? 0) + 60_000;
  await makeFiles(first, 'later', PIECE, soonMs);
  await waitUntil('they are gone', () => filesIn(first, 'now') === 1);
  await first.leadership?.append((state) => ({
    createFile: { parentId: 1, name: 'left', inode: { id: state.nextIds().inodeId, more: { ttlMs: 1, expiresMs: 1 } } },
  }));
  await cluster.settled();
  cluster.kill('a');
  await leads(second);
  await waitUntil('the next leader goes on', () => !has(second, 'left'));
  expect(filesIn(second, 'now')).toBe(1);
  expect(filesIn(second, 'later')).toBe(PIECE + 1);
});

test('a mount point below what has expired: that stays, the others go', async () => {
  const { master } = await cluster.start('a', undefined, SETTINGS);
  await leads(master);
  const { leadership } = master;
  const directory = (name: string, parentId: number, id: number) => ({
    createDirectory: { parentId, names: [name], inode: { id, directory: true, more: { ttlMs: 1, expiresMs: 1 } } },
  });
  await leadership?.append((state) => {
    const { inodeId } = state.nextIds();
    const point = { id: inodeId + 1, directory: true, more: { mountId: 1 } };
    const mounted = { mount: { parentId: inodeId, name: 'm', inode: point, mount: { id: 1, inodeId: inodeId + 1, uri: 'memory://x' } } };
    return { group: { entries: [directory('held', 1, inodeId), mounted, directory('gone', 1, inodeId + 2)] } };
  });
  await waitUntil('it is gone', () => !has(master, 'gone'));
  const { sn } = master.replica?.state ?? { sn: 0 };
  await waitUntil('another round is over', async () => {
    await leadership?.append((state) => directory('next', 1, state.nextIds().inodeId));
    await waitUntil('it is gone', () => !has(master, 'next'));
    return (master.replica?.state.sn ?? 0) > sn + 4;
  });
  expect(has(master, 'held')).toBe(true);
});
