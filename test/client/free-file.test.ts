import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { Client } from '../../src/client/client.js';
import { freeFile } from '../../src/client/free-file.js';

/** @returns a client whose leaders say that they lead no more, so often. */
function clientOf(superseded: number): Client {
  let left = superseded;
  return {
    settings: { user: 'o' },
    deps: { clock: systemClock },
    leader: async () => ({ address: 'm1:1', webAddress: '', epoch: 1 }),
    async ask() {
      if (left-- > 0) throw new UnderstudyError('not_leader', 'this master has been superseded');
      return { copies: 2, bytes: 3 };
    },
  } as unknown as Client;
}

test('free: asked again while the lead moves, and for no longer than it may take', async () => {
  expect(await freeFile(clientOf(2), '/f', false, {})).toEqual({ copies: 2, bytes: 3 });
  await expect(freeFile(clientOf(Number.POSITIVE_INFINITY), '/f', false, { timeoutMs: 250 })).rejects.toMatchObject({ code: 'not_leader' });
});
