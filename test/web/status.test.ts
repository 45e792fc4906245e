/** What a master says of itself over HTTP, in every state: the words of Apache Atlas, health by status code, and all the rest. */
import { expect, test } from 'vitest';
import { ask, askJson, openWeb, READY_LAG_MAX_MS, type WebMaster, WebMasters } from './web-masters.js';

const soon = { timeout: 8_000, interval: 2 };
const stateOf = async ({ web }: Pick<WebMaster, 'web'>) => (await askJson(web, '/api/atlas/admin/status')).body.Status;
const health = async ({ web }: Pick<WebMaster, 'web'>, of: 'leader' | 'ready' | 'live') => (await ask(web, `/health/${of}`)).status;
const leads = (one: WebMaster) => expect.poll(() => stateOf(one), soon).toBe('ACTIVE');

test('web port: before its master is there, it is alive and passive, and neither leads nor is ready', async () => {
  const web = await openWeb();
  expect((await ask(web, '/api/atlas/admin/status')).body).toBe('{"Status":"PASSIVE"}');
  expect((await askJson(web, '/api/v1/master/status')).body).toMatchObject({ state: 'PASSIVE', because: 'starts', version: '0.0.0' });
  expect(await Promise.all([health({ web }, 'live'), health({ web }, 'ready'), health({ web }, 'leader')])).toEqual([200, 503, 503]);
});

test('leader and standby: each answers about itself', async () => {
  const masters = new WebMasters();
  const leader = await masters.start('a');
  await leads(leader);
  const standby = await masters.start('b');
  await expect.poll(() => health(standby, 'ready'), soon).toBe(200);
  expect((await ask(leader.web, '/api/atlas/admin/status')).body).toBe('{"Status":"ACTIVE"}');
  expect((await ask(standby.web, '/api/atlas/admin/status')).body).toBe('{"Status":"PASSIVE"}');
  expect([await health(leader, 'leader'), await health(leader, 'ready'), await health(standby, 'leader')]).toEqual([200, 200, 503]);
  const told = (await askJson(leader.web, '/api/v1/master/status')).body;
  expect(told).toMatchObject({
    state: 'ACTIVE',
    serves: true,
    epoch: 1,
    lag: { entries: 0, ms: 0 },
    leader: 'a:19998',
    leaderWebAddress: `127.0.0.1:${leader.web.port}`,
    because: 'claimed',
    trouble: '',
  });
  expect(told.sinceMs).toBeGreaterThanOrEqual(told.startedMs as number);
  await expect.poll(() => standby.master.leaderPlace.fedFrom, soon).not.toBe(null);
  const { body } = await askJson(standby.web, '/api/v1/master/status');
  expect(body.leaderWebAddress).toBe(`127.0.0.1:${leader.web.port}`);
  expect(body).toMatchObject({ state: 'PASSIVE', serves: false, epoch: 1, leader: 'a:19998', because: 'started', rpcAddress: 'b:19998' });
});

test('taking the lead and giving it up: both are told, and neither leads', async () => {
  const masters = new WebMasters();
  const claim = masters.hold(({ kind }) => kind === 'take');
  const master = await masters.start('a');
  await expect.poll(() => stateOf(master), soon).toBe('BECOMING_ACTIVE');
  expect([await health(master, 'leader'), await health(master, 'live')]).toEqual([503, 200]);
  claim.release();
  await leads(master);
  expect(await health(master, 'leader')).toBe(200);

  const write = masters.hold(({ kind }) => kind === 'write');
  void master.master.leadership?.append((state) => ({ registerClient: { clientId: state.nextIds().clientId } })).catch(() => {});
  const closed = master.master.close();
  await expect.poll(() => stateOf(master), soon).toBe('BECOMING_PASSIVE');
  expect([await health(master, 'leader'), await health(master, 'ready'), await health(master, 'live')]).toEqual([503, 503, 200]);
  write.release();
  await closed;
});

test('leader: superseded without its knowing, it says so with the next confirm, and no longer than 100 ms after', async () => {
  const masters = new WebMasters();
  const leader = await masters.start('a');
  await leads(leader);
  const claim = masters.hold(({ kind, journal }) => kind === 'take' && journal === 'a');
  await masters.supersede();
  const supersededMs = performance.now();
  const seen: unknown[] = [];
  await expect.poll(async () => seen.push(await health(leader, 'leader')) && seen.at(-1), soon).toBe(503);
  expect(performance.now() - supersededMs).toBeLessThan(900);
  expect(await stateOf(leader)).not.toBe('ACTIVE');
  claim.release();
});

test('leader: a journal that does not answer, it does not serve by it, and says why in time', async () => {
  const masters = new WebMasters();
  const leader = await masters.start('a');
  await leads(leader);
  const check = masters.hold(({ kind }) => kind === 'check');
  await expect.poll(() => health(leader, 'leader'), soon).toBe(503);
  const { status, body } = await askJson(leader.web, '/health/leader');
  expect({ status, body }).toMatchObject({
    status: 503,
    body: { healthy: false, why: expect.stringContaining('has not confirmed in time') },
  });
  expect((await askJson(leader.web, '/api/v1/master/status')).body).toMatchObject({ state: 'ACTIVE', serves: false });
  check.release();
  await expect.poll(() => health(leader, 'leader'), soon).toBe(200);
});

test('health of the leader: however often it is asked, the journal is asked ten times a second', async () => {
  const masters = new WebMasters();
  const leader = await masters.start('a');
  await leads(leader);
  let confirms = 0;
  masters.cluster.journal.intercept = ({ kind }) => {
    if (kind === 'check') confirms += 1;
    return undefined;
  };
  const startedMs = performance.now();
  for (let round = 0; round < 20; round++) {
    const codes = await Promise.all(Array.from({ length: 20 }, () => health(leader, 'leader')));
    expect(new Set(codes)).toEqual(new Set([200]));
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  // And one a second that the leader asks for itself.
  expect(confirms).toBeLessThanOrEqual(Math.ceil(seconds * 11) + 2);
});

test('standby: further behind than is allowed, it is not ready', async () => {
  const masters = new WebMasters();
  const leader = await masters.start('a');
  await leads(leader);
  const standby = await masters.start('b');
  await expect.poll(() => health(standby, 'ready'), soon).toBe(200);
  masters.hold(({ journal }) => journal === 'b');
  masters.cluster.kill('a');
  await expect.poll(() => health(standby, 'ready'), soon).toBe(503);
  expect((await askJson(standby.web, '/health/ready')).body.why).toContain(`max_ms=${READY_LAG_MAX_MS}`);
});
