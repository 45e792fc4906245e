/**
 * Clocks that jump under running masters: libfaketime moves what a process is told of the time, and leaves monotonic time alone.
 */
import { expect, test } from 'vitest';
import { closedWithTest } from '../servers/closed-with-test.js';
import { FakeClock } from '../servers/fake-clock.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { Load } from './load.js';
import type { MasterProcess } from './master-process.js';

const ALARM = /clock is \d+ s (ahead of|behind) the cluster's time/;
/** Leader's time is slewed by a tenth at most: by seconds in such a test. */
const TOLERANCE_MS = 60_000;

test('clock jumps: a day ahead and a day back under load, nothing stamped wrongly, an alarm while it is off, no request fails', async () => {
  const clocks = [closedWithTest(new FakeClock()), closedWithTest(new FakeClock()), closedWithTest(new FakeClock())];
  const cluster = await Cluster.start({ masters: 3, place: (index) => ({ env: clocks[index]?.env ?? {} }) });
  const clockOf = (master: MasterProcess) => clocks[cluster.masters.indexOf(master)] as FakeClock;
  const fs = await cluster.client();
  const load = await Load.start(fs, 16);
  await load.progress(100);
  const first = await cluster.leader();

  for (const jump of ['+1d', '-1d']) {
    clockOf(first).set(jump);
    await waitUntil(`the alarm after ${jump}`, async () => ALARM.test((await first.status()).reason));
    await load.progress(100);
    clockOf(first).set('+0');
    await waitUntil('the alarm ends', async () => (await first.status()).reason === '');
  }
  // A successor whose own clock is far behind goes on from the last entry's time.
  for (const other of cluster.others(first)) clockOf(other).set('-1d');
  await first.end('SIGKILL');
  await load.progress(200);
  await load.stop();

  const next = cluster.others(first);
  await waitUntil('the successor says that its clock is off', async () => {
    const states = await Promise.all(next.map((master) => master.status().catch(() => undefined)));
    return states.some((status) => status?.state === 'ACTIVE' && ALARM.test(status.reason));
  });
  await load.expectAllThere();
  const now = Date.now();
  for await (const { createdMs } of fs.list(load.folder)) expect(Math.abs(createdMs - now)).toBeLessThan(TOLERANCE_MS);
});

test("clock jumps: the standbys' by a day, and one of them has to lead: nothing is stamped by its clock, and it says that it is ahead", async () => {
  const clocks = [closedWithTest(new FakeClock()), closedWithTest(new FakeClock()), closedWithTest(new FakeClock())];
  const cluster = await Cluster.start({ masters: 3, place: (index) => ({ env: clocks[index]?.env ?? {} }) });
  const fs = await cluster.client();
  const load = await Load.start(fs, 16);
  await load.progress(100);
  const first = await cluster.leader();
  for (const other of cluster.others(first)) clocks[cluster.masters.indexOf(other)]?.set('+1d');
  await first.end('SIGKILL');
  await load.progress(200);
  await waitUntil('the successor says that its clock is ahead', async () => {
    const states = await Promise.all(cluster.others(first).map((master) => master.status().catch(() => undefined)));
    return states.some((status) => status?.state === 'ACTIVE' && ALARM.test(status.reason));
  });
  await load.stop();
  await load.expectAllThere();
  const now = Date.now();
  for await (const { createdMs } of fs.list(load.folder)) expect(Math.abs(createdMs - now)).toBeLessThan(TOLERANCE_MS);
});

test('clock jumps: the next leader starts with a clock a day ahead, the others disagree, it says so', async () => {
  const clocks = [closedWithTest(new FakeClock()), closedWithTest(new FakeClock()), closedWithTest(new FakeClock())];
  clocks[0]?.set('+1d');
  const cluster = await Cluster.prepare({ masters: 3, place: (index) => ({ env: clocks[index]?.env ?? {} }) });
  await cluster.format();
  const wrong = cluster.master(0);
  await wrong.start();
  await waitUntil('it leads', async () => (await wrong.status()).state === 'ACTIVE');
  await Promise.all(cluster.others(wrong).map((master) => master.start()));
  await waitUntil('it says that nobody agrees', async () => /no standby's clock agrees/.test((await wrong.status()).reason));
});
