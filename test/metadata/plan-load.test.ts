/** What an under store tells of a directory, against what the namespace can have. */
import { beforeEach, expect, it } from 'vitest';
import { type LoadedChild, type LoadTally, planLoad } from '../../src/metadata/plan-load.js';
import { inodeCodec } from '../../src/metadata/records.js';
import { Acting, ROOT } from './acting.js';
import { planContext } from './identities.js';

let acting: Acting;
let mountId: number;
let directoryId: number;

beforeEach(async () => {
  acting = await Acting.begin();
  acting.act(ROOT, 'mount', { path: '/m', uri: '/data' });
  const [mount] = acting.state.allMounts();
  mountId = mount!.id;
  directoryId = mount!.inodeId;
});

const file = (name: string, length = 1): LoadedChild => ({ name, directory: false, length, modifiedMs: 7 });
const folder = (name: string): LoadedChild => ({ name, directory: true, length: 0, modifiedMs: 7 });

function load(found: readonly LoadedChild[], gone: readonly string[] = [], below = directoryId): LoadTally {
  const tally = { made: 0, changed: 0, gone: 0 };
  const missing = gone.map((name) => ({ name, id: acting.state.child(below, name)!.id }));
  const { timeMs, settings } = planContext(1_700_000_100_000, ROOT, 0);
  const entry = planLoad({ directoryId: below, mountId, found, gone: missing, completeMs: 1 }, acting.state, timeMs, settings, tally);
  if (entry !== null) acting.append(entry);
  return tally;
}

const children = () => acting.state.directory(directoryId).inode.childCount;

it('a file and a folder under one name: the file, which comes first, counts', () => {
  expect(load([file('a'), folder('a'), file('b')])).toEqual({ made: 2, changed: 0, gone: 0 });
  expect([children(), acting.state.usages.get(directoryId)]).toEqual([2, { files: 2, directories: 0, bytes: 2n }]);
  expect(acting.state.child(directoryId, 'a')?.directory).toBe(false);
});

it('they come and the file changes at the same time: it is changed once', () => {
  load([file('a')]);
  expect(load([file('a', 5), folder('a')])).toEqual({ made: 0, changed: 1, gone: 0 });
  expect([children(), acting.state.child(directoryId, 'a')?.length]).toEqual([1, 5]);
});

it('a name that is there and gone at once goes once', () => {
  load([file('a')]);
  expect(load([file('a', 5)], ['a']).changed).toBe(1);
  expect([children(), acting.state.child(directoryId, 'a')?.length]).toEqual([1, 5]);
});

it('names that the namespace cannot have are left out', () => {
  expect(load([file('a'), folder('x'.repeat(256)), file('..'), file('b/c'), file('')]).made).toBe(1);
  expect(children()).toBe(1);
});

it('what would lie deeper than a path goes is left out', () => {
  let below = directoryId;
  let made = 0;
  for (let depth = 1; depth < 600; depth++) {
    made += load([folder('d')], [], below).made;
    below = acting.state.child(below, 'd')?.id ?? below;
  }
  expect(made).toBe(511);
});

it('times before 1970, at its beginning or of no calendar are no times: rows that every master has alike, and no change at the next look', () => {
  const found = [-86_400_000, 0, 2 ** 64, Number.NaN].map((modifiedMs, at) => ({ ...file(`f${at}`), modifiedMs }));
  load(found);
  for (const { name } of found) {
    const inode = acting.state.child(directoryId, name)!;
    expect(inodeCodec.decode(inodeCodec.encode(inode))).toEqual(inode);
  }
  expect(load(found)).toEqual({ made: 0, changed: 0, gone: 0 });
});
