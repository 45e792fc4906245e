import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import { GENESIS } from '../../src/journal/journal.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import { parseObject, type SlotObject } from '../../src/journal/object-format.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { journalContract, OBJECT_TRAITS } from '../contract/journal-contract.js';

const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
const settings = { batchBytesMax: 32 << 10, pollIntervalMs: 1, giveUpMs: 2_000 };

journalContract(
  'object journal in memory',
  async () => {
    const objects = new MemoryObjects({ clock: systemClock });
    await formatObjectJournal(settings, { ...surroundings, store: objects.open() });
    return {
      open: (pause) => ObjectJournal.open(settings, { ...surroundings, store: objects.open(), ...(pause === undefined ? {} : { pause }) }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
  OBJECT_TRAITS,
);

// A claim that lost its slot may land there once the slot has been collected. What stands between two objects of one writer is deleted as its
// batches: were that claim one of its objects, other masters' claims would be among them.
test('claim: sent for a second slot, is another writer than the first', async () => {
  const objects = new MemoryObjects({ clock: systemClock });
  await formatObjectJournal(settings, { ...surroundings, store: objects.open() });
  await using leading = await ObjectJournal.open(settings, { ...surroundings, store: objects.open() });
  const claim = { from: GENESIS, entry: () => ({ bytes: Buffer.from('claim'), timeMs: 1 }), deliver: () => undefined };
  const leader = await leading.claim(claim);

  const sent: SlotObject[] = [];
  const store = objects.open();
  const create = store.create.bind(store);
  store.create = (key, bytes, signal) => {
    if (key.includes('/log/')) sent.push(parseObject(Buffer.from(bytes), key));
    return create(key, bytes, signal);
  };
  let isFirst = true;
  const pause = async (step: string): Promise<void> => {
    if (step !== 'read' || !isFirst) return;
    isFirst = false;
    await leader.append([Buffer.from('the leader is faster')], 2);
  };
  await using standing = await ObjectJournal.open(settings, { ...surroundings, store, pause });
  await (await standing.claim(claim)).close();

  expect(sent.map(({ slot }) => slot)).toEqual([2, 3]);
  expect(new Set(sent.map(({ stored }) => Buffer.from(stored.writerId).toString('hex'))).size).toBe(2);
});
