/**
 * Leaders that are killed, stopped and asked to stop while 64 writers write.
 */
import { expect, test } from 'vitest';
import { operations } from '../../src/metadata/operations.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster, SUPERUSER } from './cluster.js';
import { Load } from './load.js';

const WRITERS = 64;
const KILLS = 4;

test('leader: killed under load again and again, everything acknowledged is there once and all masters agree', async () => {
  const cluster = await Cluster.start({ masters: 3 });
  const load = await Load.start(await cluster.client(), WRITERS);
  const gapsMs: number[] = [];
  // Each time with some luck a batch is durable, and its writers are not told: their retries have to get the first answer.
  for (let kill = 0; kill < KILLS; kill++) {
    await load.progress(300);
    const leader = await cluster.leader();
    const killedAt = performance.now();
    await leader.end('SIGKILL');
    await load.progress(300);
    gapsMs.push(load.longestGapMs(killedAt));
    expect(await cluster.leader()).not.toBe(leader);
    await leader.start();
  }
  await load.stop();

  await load.expectAllThere();
  expect(new Set(await cluster.digests()).size).toBe(1);
  console.log(`SIGKILL to the next acknowledged write: ${gapsMs.join(', ')} ms`);
});

test('leader: asked to stop under load, another serves at once and no request fails', async () => {
  const cluster = await Cluster.start({ masters: 3 });
  const load = await Load.start(await cluster.client(), WRITERS);
  await load.progress(500);

  const stopped = await cluster.leader();
  const askedAt = performance.now();
  stopped.signal('SIGTERM');
  await load.progress(500);
  expect(await stopped.end('SIGTERM')).toBe(0);
  await load.progress(500);
  await load.stop();

  await load.expectAllThere();
  expect(new Set(await cluster.digests(cluster.others(stopped))).size).toBe(1);
  const gapMs = load.longestGapMs(askedAt);
  console.log(`SIGTERM to the next acknowledged write: ${gapMs} ms`);
  expect(gapMs).toBeLessThan(2_000);
});

test('leader: stopped until another leads and continued, is fenced, answers nothing stale and becomes a standby in the same process', async () => {
  const cluster = await Cluster.start({ masters: 3 });
  const fs = await cluster.client();
  await fs.createFile('/before', { completeLength: 0 });
  const old = await cluster.leader();
  const { pid } = old;
  const { startedMs, epoch } = await old.status();
  await using connection = await old.connect();
  const { clientId } = operations.registerClient.response.decode(
    await connection.call(operations.registerClient.method, new Uint8Array(), { timeoutMs: 5_000 }),
  );

  old.signal('SIGSTOP');
  // These wait in its socket: the first things that it sees when it wakes, sure that it leads.
  const create = operations.createFile.request.encode({
    caller: { clientId, callId: 1, attempt: 1, lowestUnanswered: 1, user: SUPERUSER },
    path: '/late',
  });
  const late = settled(connection.call(operations.createFile.method, create.finish(), { timeoutMs: 30_000 }));
  const look = operations.exists.request.encode({ path: '/before', user: SUPERUSER });
  const read = settled(connection.call(operations.exists.method, look.finish(), { timeoutMs: 30_000 }));
  const others = cluster.others(old);
  const successor = await cluster.leader(others);
  await fs.remove('/before');

  old.signal('SIGCONT');
  expect(await read).toMatchObject({ code: 'not_leader' });
  expect(await late).toMatchObject({ code: expect.stringMatching(/^(outcome_unknown|not_leader)$/) });
  await waitUntil('it follows its successor', async () => (await old.status()).leader === successor.address);

  expect(old.pid).toBe(pid);
  expect(await old.status()).toMatchObject({ state: 'PASSIVE', startedMs });
  expect((await fs.masterInfo()).find(({ address }) => address === old.address)).toMatchObject({ state: 'PASSIVE' });
  expect(old.stderr).toMatch(/role changed from=leading to=yielding .*fenced/);
  expect((await successor.status()).epoch).toBeGreaterThan(epoch);
  expect(await fs.exists('/late')).toBe(false);
  expect(await fs.exists('/before')).toBe(false);
  expect(new Set(await cluster.digests()).size).toBe(1);
});

/** Resolves with what `call` is answered, or fails with. */
function settled(call: Promise<Uint8Array>): Promise<unknown> {
  return call.catch((error: unknown) => error);
}
