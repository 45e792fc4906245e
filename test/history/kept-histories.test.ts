/** Histories of real machines that the checker was wrong about once; what is in `kept/` held. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import glob from 'fast-glob';
import { expect, test } from 'vitest';
import type { HistoryEvent } from './events.js';
import { HistoryCheck } from './history-check.js';

const kept = glob.sync('test/history/kept/*.jsonl.gz');

test('there are some', () => expect(kept.length).toBeGreaterThan(0));

test.each(kept)('%s holds', async (file) => {
  const check = new HistoryCheck();
  for await (const line of createInterface(createReadStream(file).pipe(createGunzip()))) check.take(JSON.parse(line) as HistoryEvent);
  expect(check.end()).toMatchObject({ violations: [], undecided: [], lost: 0, duplicated: 0 });
});
