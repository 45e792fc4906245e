/** Waiting for a file to be in mounted storage: what is not waited for. */
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/system-clock.js';
import { awaitPersisted } from '../../../src/client/data/await-persisted.js';
import type { FileStatus } from '../../../src/client/file-status.js';

const never = new AbortController().signal;

test.each([
  ['LOST', 'unavailable', /^no worker that is there has all blocks of the file: .*: path=\/m\/f$/],
  ['NOT_PERSISTED', 'failed_precondition', /^the file is not to be persisted: path=\/m\/f$/],
] as const)('a file that is %s: is not waited for', async (persistence, code, message) => {
  let asked = 0;
  const names = {
    getStatusById: async () => {
      asked += 1;
      return { persistence, path: '/m/f' } as FileStatus;
    },
    mountWork: async () => [],
  };
  const waiting = awaitPersisted(1, names, systemClock, { timeoutMs: 60_000, troubleMs: 30_000, signal: never });
  await expect(waiting).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(asked).toBe(1);
});
