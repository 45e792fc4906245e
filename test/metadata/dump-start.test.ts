/** Where a dump begins to read when a checkpoint cannot be used. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { sequence } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import { GENESIS } from '../../src/journal/journal.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { dumpStart } from '../../src/metadata/dump-start.js';

const CHECKPOINT = readFileSync(path.resolve('test/golden/checkpoint-1.ckpt'));
const SETTINGS = { pollIntervalMs: 1, batchBytesMax: 16 << 10, giveUpMs: 50 };

async function* oneChunk(): AsyncGenerator<Uint8Array> {
  yield CHECKPOINT;
}

test("a checkpoint whose manifest passes for a later version's: the one before is taken, or the log's beginning", async () => {
  const objects = new MemoryObjects({ clock: systemClock });
  const deps = { store: objects.open(), clock: systemClock, random: systemRandom, log: silentLog };
  await formatObjectJournal(SETTINGS, deps);
  await using journal = await ObjectJournal.open(SETTINGS, deps);
  const entry = () => ({ bytes: Buffer.from('claim'), timeMs: 1 });
  const writer = await journal.claim({ from: GENESIS, entry, deliver: () => undefined });
  const before = await journal.checkpoints.write(sequence(writer.end.sn), oneChunk());
  await writer.append([Buffer.from('entry')], 2);
  const newest = await journal.checkpoints.write(sequence(writer.end.sn), oneChunk());
  const refs = [newest, before].map(({ sn, id }) => ({ sn, id }));
  await writer.retain({ checkpoints: refs, boundary: null });

  const sound = await dumpStart(journal, 1_000);
  expect(sound.from.sn).toBeGreaterThan(0);
  flipVersion(objects, newest.id);
  expect(await dumpStart(journal, 1_000)).toEqual(sound);
  flipVersion(objects, before.id);
  expect(await dumpStart(journal, 1_000)).toEqual({ from: GENESIS });
});

/** One bit: `version=1` becomes `version=3`. */
function flipVersion(objects: MemoryObjects, id: string): void {
  const key = [...objects.objects.keys()].find((each) => each.includes(id) && each.endsWith('manifest')) ?? '';
  const flipped = Buffer.from(objects.objects.get(key) ?? '');
  const at = flipped.indexOf('version=') + 'version='.length;
  flipped[at] = (flipped[at] ?? 0) ^ 2;
  objects.objects.set(key, flipped);
}
