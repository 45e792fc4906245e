import { expect, test } from 'vitest';
import { ChangeLog } from '../../src/worker/change-log.js';
import { ScriptedStore } from './scripted-worker.js';

test('change log: tells changes in order as far back as it goes, and all blocks as they are', () => {
  const store = new ScriptedStore();
  store.add(1);
  const log = new ChangeLog(store, 3);
  expect([log.newest, log.oldest, log.count]).toEqual([1, 1, 1]);
  const block = store.add(2);
  store.add(3);
  store.remove(block.id);
  expect(log.since(1, 2)?.map(({ id, gone }) => [id.inodeId, gone])).toEqual([
    [2, false],
    [3, false],
  ]);
  expect(log.since(3, 9)?.map(({ id, gone }) => [id.inodeId, gone])).toEqual([[2, true]]);
  store.add(4);
  expect([log.oldest, log.since(1, 9)]).toEqual([2, undefined]);
  expect(log.since(5, 9)).toEqual([]);
  // Where they come out even there is an empty one more: it is shorter than a whole one, and says that nothing follows.
  expect([...log.listing(3)].map((piece) => piece.length)).toEqual([3, 0]);
  const pieces = [...log.listing(2)];
  expect(pieces.map((piece) => piece.length)).toEqual([2, 1]);
  expect(
    pieces
      .flat()
      .map(({ id }) => id.inodeId)
      .sort(),
  ).toEqual([1, 3, 4]);
});
