/** Waiting for a file to be in mounted storage: what is not waited for, or not for long. */
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/system-clock.js';
import { awaitPersisted } from '../../../src/client/data/await-persisted.js';
import type { FileStatus, PersistenceState } from '../../../src/client/file-status.js';

const never = new AbortController().signal;

function waiting(...states: readonly PersistenceState[]): Promise<FileStatus> {
  return waitingIn('', ...states);
}

function waitingIn(persistTrouble: string, ...states: readonly PersistenceState[]): Promise<FileStatus> {
  let asked = 0;
  const names = {
    getStatusById: async () => ({ persistence: states[Math.min(asked++, states.length - 1)], path: '/m/f', persistTrouble }) as FileStatus,
    mountWork: async () => [],
  };
  return awaitPersisted(1, names, systemClock, { timeoutMs: 60_000, troubleMs: 100, signal: never });
}

test('a file that is not to be persisted: is not waited for', async () => {
  const message = 'the file is not to be persisted: path=/m/f';
  await expect(waiting('NOT_PERSISTED')).rejects.toMatchObject({ code: 'failed_precondition', message });
});

test('a file that is LOST: a worker may be back soon; it is waited for a while, and told why', async () => {
  const message = expect.stringMatching(
    /not in mounted storage yet: path=\/m\/f reason=no worker that is there has all blocks of the file$/,
  );
  await expect(waiting('LOST')).rejects.toMatchObject({ code: 'deadline_exceeded', message });
  await expect(waiting('TO_BE_PERSISTED', 'LOST', 'LOST', 'PERSISTED')).resolves.toMatchObject({ persistence: 'PERSISTED' });
});

test('a file that is LOST, and that the storage refuses: its own reason is told', async () => {
  await expect(waitingIn('the storage is full', 'LOST')).rejects.toThrow(/ reason=the storage is full$/);
});
