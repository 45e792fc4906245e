/** How all masters replicate, over HTTP, from any of them. */
import { expect, test } from 'vitest';
import type { ReplicatingMaster, ReplicationShown } from '../../src/client/replication.js';
import { ask, askJson, openWeb, type WebMaster, WebMasters } from './web-masters.js';

const soon = { timeout: 8_000, interval: 20 };
const peers = ['a:19998', 'b:19998', 'c:19998'];
const told = async ({ web }: WebMaster) => (await askJson(web, '/monitor/replication')).body as unknown as ReplicationShown;
const of = (shown: ReplicationShown, name: string) => shown.masters.find(({ address }) => address === `${name}:19998`) as ReplicatingMaster;
const leads = ({ web }: WebMaster) => expect.poll(async () => (await ask(web, '/health/leader')).status, soon).toBe(200);
const registers = async ({ master }: WebMaster, times: number) => {
  for (let count = 0; count < times; count++) {
    await master.leadership?.append((state) => ({ registerClient: { clientId: state.nextIds().clientId } }));
  }
};

test('replication: before its master is there, this is refused', async () => {
  expect((await ask(await openWeb(), '/monitor/replication')).status).toBe(503);
});

test('replication: the leader and a standby tell the same, as the leader sees it', async () => {
  const masters = new WebMasters();
  const a = await masters.start('a', { peers });
  await leads(a);
  const b = await masters.start('b', { peers, isObserver: true });
  await registers(a, 3);
  await expect
    .poll(async () => of(await told(a), 'b'), soon)
    .toMatchObject({ digest: { result: 'agree' }, source: 'stream', lag: { entries: 0 } });
  for (const asked of [a, b]) {
    const shown = await told(asked);
    expect(shown).toMatchObject({ by: 'a:19998', leader: 'a:19998', why: '', epoch: 1 });
    expect(shown.masters.map(({ address, mode, seen }) => ({ address, mode, seen }))).toEqual([
      { address: 'a:19998', mode: 'leader', seen: true },
      { address: 'b:19998', mode: 'observer', seen: true },
      { address: 'c:19998', mode: 'never seen', seen: false },
    ]);
    expect(of(shown, 'a')).toMatchObject({ source: 'itself', state: 'ACTIVE', lag: { entries: 0, bytes: 0, ms: 0, sn: shown.endSn } });
    expect(of(shown, 'b')).toMatchObject({ source: 'stream', state: 'PASSIVE', verified: true, lag: { bytesAtLeast: false } });
    expect(of(shown, 'c')).toMatchObject({ lastSeenMs: null, lag: null, clock: null, knownFrom: 'settings', source: 'not seen' });
    expect(of(shown, 'c').why).not.toBe('');
  }
});

test('replication: a standby that was killed is named as not seen, and is further and further behind', async () => {
  const masters = new WebMasters();
  const a = await masters.start('a', { peers: [] });
  await leads(a);
  await masters.start('b');
  await expect.poll(async () => (await told(a)).masters.length, soon).toBe(2);
  await expect.poll(async () => of(await told(a), 'b').lag?.entries, soon).toBe(0);
  const seen = of(await told(a), 'b');
  expect(seen).toMatchObject({ seen: true, knownFrom: 'election' });
  masters.cluster.kill('b');
  await registers(a, 2);
  await expect.poll(async () => of(await told(a), 'b').seen, soon).toBe(false);
  const gone = of(await told(a), 'b');
  expect(gone).toMatchObject({ source: 'not seen', mode: 'candidate', lag: { entries: 2, bytesAtLeast: false, sn: seen.lag?.sn } });
  expect(gone.lag?.bytes).toBeGreaterThan(0);
  expect(gone.lastSeenMs).toBeGreaterThanOrEqual(seen.lastSeenMs ?? 0);
  expect(gone.why).not.toBe('');
});

test('replication: a master that only the election knows of is named', async () => {
  const masters = new WebMasters();
  const a = await masters.start('a');
  await leads(a);
  masters.cluster.stand('e:19998');
  await expect.poll(async () => of(await told(a), 'e'), soon).toMatchObject({ mode: 'never seen', seen: false, knownFrom: 'election' });
  await masters.start('b');
  await expect.poll(async () => of(await told(a), 'b'), soon).toMatchObject({ seen: true, knownFrom: 'election' });
});

test('replication: while nobody leads, a standby tells what it knows', async () => {
  const masters = new WebMasters();
  const a = await masters.start('a');
  await leads(a);
  const b = await masters.start('b', { isObserver: true });
  await expect.poll(async () => of(await told(b), 'a').mode, soon).toBe('leader');
  // Its claim does not come through: nobody leads.
  masters.hold(({ kind, journal }) => kind === 'take' && journal === 'b');
  masters.cluster.kill('a');
  await expect.poll(async () => of(await told(b), 'a').seen, soon).toBe(false);
  const shown = await told(b);
  expect(shown).toMatchObject({ by: 'b:19998', leader: '', why: expect.stringContaining('does not answer') });
  expect(of(shown, 'a')).toMatchObject({ seen: false, knownFrom: expect.stringMatching(/^(election|journal)$/) });
  expect(of(shown, 'b')).toMatchObject({ seen: true, mode: 'observer' });
  // Nobody feeds it.
  await expect.poll(async () => of(await told(b), 'b').source, soon).toBe('journal');
});
