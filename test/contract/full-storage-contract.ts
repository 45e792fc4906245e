/** What a journal keeps whose storage fills up and gets room again: run over storage that is small enough to be filled. */
import { describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import type { Journal, JournalWriter } from '../../src/journal/journal.js';
import { bytesOf, claim, errorOf, readTo, textOf } from './journal-contract.js';

/** One empty journal on storage of its own. Appends are not refused by any reserve. */
export interface FullStorageWorld extends AsyncDisposable {
  open(): Promise<Journal>;
  /** Takes all the room there is. */
  fill(): Promise<void>;
  /** Gives it back. */
  clear(): Promise<void>;
}

const TEXT_BYTES = 5000;
const APPENDS_MAX = 100;

export function fullStorageContract(name: string, make: () => Promise<FullStorageWorld>): void {
  describe(`${name}: storage that fills up`, () => {
    test('full under a leader: nothing is acknowledged that is not kept, no claimant fences, and with room again all goes on', async () => {
      await using world = await make();
      await using a = await world.open();
      await using b = await world.open();
      const { writer } = await claim(a);
      const acknowledged = ['claim 1'];
      for (let i = 0; i < 5; i++) acknowledged.push(await append(writer, `before ${i}`));
      await world.fill();
      const refused = await errorOf(appendUntilRefused(writer, acknowledged));
      expect(isError(refused, 'outcome_unknown') || isError(refused, 'unavailable'), refused.message).toBe(true);

      const claiming = await errorOf(claim(b));
      expect(isError(claiming, 'unavailable'), claiming.message).toBe(true);
      await writer.confirm(); // it was not fenced

      await world.clear();
      const next = await claim(b);
      const adopted = textOf(next.delivered);
      expect(adopted.slice(0, acknowledged.length)).toEqual(acknowledged);
      expect(adopted.length).toBeLessThanOrEqual(acknowledged.length + 2); // the one of unknown outcome, and the claim
      await append(next.writer, 'after');
      expect(textOf(await readTo(a, next.writer.end))).toEqual([...adopted, 'after'.padEnd(TEXT_BYTES)]);
    });
  });
}

async function append(writer: JournalWriter, text: string): Promise<string> {
  const entry = text.padEnd(TEXT_BYTES);
  await writer.append([bytesOf(entry)], 1);
  return entry;
}

/** A page or two that the file has already may take some more. */
async function appendUntilRefused(writer: JournalWriter, acknowledged: string[]): Promise<void> {
  for (let i = 0; i < APPENDS_MAX; i++) acknowledged.push(await append(writer, `full ${i}`));
}
