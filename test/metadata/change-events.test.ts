/** What of an entry is told to watchers, and what is not. */
import { expect, test } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { changesOf, encodeWatchItem } from '../../src/metadata/change-events.js';
import { decodeEntry, type Entry } from '../../src/metadata/entries.js';

/** As a client decodes it. */
function told(entry: Entry) {
  const item = understudy.WatchItem.decode(encodeWatchItem(changesOf(entry, 7), 9));
  expect(item.throughSn).toBe(9);
  return item.events.map(({ sn, step, timeMs, kind, path, toPath, entry: bytes }) => {
    return { event: [sn, step, timeMs, kind, path, toPath], entry: decodeEntry(bytes ?? new Uint8Array(), 7) };
  });
}

const remove: Entry = { path: '/a/b', remove: { parentId: 1, name: 'b' } };

test('an entry: as it is, but for whose call it was', () => {
  const [first, ...more] = told({ ...remove, timeMs: 5, clientId: 3, callId: 4, lowestUnanswered: 2 });
  expect(more).toEqual([]);
  expect(first?.event).toEqual([7, 0, 5, 'remove', '/a/b', '']);
  expect(first?.entry).toMatchObject({ timeMs: 5, path: '/a/b', remove: { parentId: 1, name: 'b' } });
  expect(first?.entry.clientId).toBe(0);
});

test('an entry of several changes: each that has a place, numbered as they stand in it, groups in groups too', () => {
  const rename: Entry = { path: '/x', toPath: '/y', rename: { fromParentId: 1, fromName: 'x', toParentId: 1, toName: 'y' } };
  const work: Entry = { queueWork: { mountId: 1 } };
  const inner: Entry = { path: '/g', toPath: '/h', group: { entries: [{ rename: rename.rename ?? null }, work] } };
  const events = told({ timeMs: 5, group: { entries: [remove, work, inner, { refusal: {} }, rename] } });
  expect(events.map(({ event }) => event)).toEqual([
    [7, 0, 5, 'remove', '/a/b', ''],
    [7, 2, 5, 'rename', '/g', '/h'],
    [7, 5, 5, 'rename', '/x', '/y'],
  ]);
});

test('secrets of mounts and what is the superuser’s: left out', () => {
  const options = [
    { key: 'aws.secretKey', value: 'very-secret' },
    { key: 's3.endpoint', value: 'http://x' },
  ];
  const mount: Entry = { path: '/m', mount: { parentId: 1, name: 'm', mount: { id: 1, uri: 's3://b', options } } };
  const xattrs = [
    { name: 'trusted.key', value: Buffer.from('very-secret') },
    { name: 'user.seen', value: Buffer.from('plain') },
  ];
  const all = [
    mount,
    { path: '/m', updateMount: { mount: { id: 1, options } } },
    { path: '/f', setXattr: { name: 'f', xattrs: { xattrs } } },
  ];
  for (const entry of all) {
    const item = Buffer.from(encodeWatchItem(changesOf(entry, 7), 7));
    expect(item.includes('very-secret')).toBe(false);
    expect(told(entry)).toHaveLength(1);
  }
  expect(JSON.stringify(told(mount)[0]?.entry)).toContain('http://x');
});
