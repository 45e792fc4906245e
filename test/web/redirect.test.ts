/** Whom a request of the namespace is sent to: the leader, and nobody else, whatever the request says. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { operations } from '../../src/metadata/operations.js';
import { ask, askJson, openWeb, type WebMaster, WebMasters } from './web-masters.js';

const soon = { timeout: 8_000, interval: 2 };

let masters: WebMasters;
let leader: WebMaster;
let standby: WebMaster;

async function pair(): Promise<void> {
  masters = new WebMasters();
  leader = await masters.start('a');
  await expect.poll(async () => (await ask(leader.web, '/health/leader')).status, soon).toBe(200);
  standby = await masters.start('b');
  await expect.poll(async () => standby.master.leaderPlace.fedFrom, soon).not.toBe(null);
}

const location = async (target: string, method = 'GET') => {
  const { status, headers } = await ask(standby.web, target, { method });
  return { status, location: headers.location };
};
const at = (target: string) => `http://127.0.0.1:${leader.web.port}${target}`;

test('standby: what reads is sent on by 302, what changes something by 307, path and query as they came', async () => {
  await pair();
  const target = '/api/v1/files/a%2fb/%C3%A9%2f%252F;x=1/+%20?list=true&startAfter=%26%3D+[]{}|^`"<>&x=//evil&&=';
  for (const method of ['GET', 'HEAD']) expect(await location(target, method)).toEqual({ status: 302, location: at(target) });
  for (const method of ['PUT', 'POST', 'PATCH', 'DELETE'])
    expect(await location(target, method)).toEqual({ status: 307, location: at(target) });
  // Not by what the address holds: by what the route is.
  for (const own of ['/api/v1/files/api/atlas/admin/status', '/api/v1/files/health/leader?x=/health/live'])
    expect(await location(own)).toEqual({ status: 302, location: at(own) });
});

test('standby: a whole request is answered by the leader, with its body', async () => {
  await pair();
  const url = `http://127.0.0.1:${standby.web.port}/api/v1/files/d`;
  expect((await fetch(`${url}?directory=true&user.name=o`, { method: 'PUT' })).status).toBe(201);
  const moved = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"to":"/e"}' };
  expect((await fetch(`${url}?user.name=o`, moved)).status).toBe(200);
  const { body } = await askJson(leader.web, '/api/v1/files/e?user.name=o');
  expect(body).toMatchObject({ path: '/e', type: 'directory' });
});

test('standby: a target with a host of its own, or a strange Host, leads nowhere but to the leader', async () => {
  await pair();
  const targets = [
    'http://evil.example/api/v1/files/x?y',
    'HTTPS://evil.example:1/api/v1/files/x?y',
    'http://a@evil.example/api/v1/files/x?y',
  ];
  for (const target of targets) {
    const { status, location: told } = await location(target);
    expect([302, 404]).toContain(status);
    if (status === 302) expect(told).toBe(at('/api/v1/files/x?y'));
  }
  for (const host of ['evil.example', 'evil.example/', '127.0.0.1@evil.example', '']) {
    const { headers } = await ask(standby.web, '/api/v1/files/x', { headers: { host } });
    expect(headers.location).toBe(at('/api/v1/files/x'));
  }
  for (const target of ['//evil.example/api/v1/files/x', '/\\evil.example', '/@evil.example']) {
    const { status, headers } = await ask(standby.web, target);
    expect(status).toBe(404);
    expect(headers.location).toBeUndefined();
  }
  // As bytes, where a client would see to it that it is not sent.
  for (const target of ['/api/v1/files/x\rSet-Cookie:y', '/api/v1/files/x\tb', '/api/v1/files/x y']) {
    const socket = connect(standby.web.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  }
  const { headers } = await ask(standby.web, '/api/v1/files/x%0d%0aSet-Cookie:y');
  expect(headers.location).toBe(at('/api/v1/files/x%0d%0aSet-Cookie:y'));
  expect(headers['set-cookie']).toBeUndefined();
});

test('standby: what is its own it answers, and an address of nothing too', async () => {
  await pair();
  for (const own of ['/api/atlas/admin/status', '/api/v1/master/status', '/health/live', '/health/ready'])
    expect((await ask(standby.web, own)).status).toBe(200);
  expect((await ask(standby.web, '/no/such')).status).toBe(404);
  expect((await ask(standby.web, '/api/v1/files/%zz')).status).toBe(400);
});

test('standby: answers a read itself that asks for no more than it has', async () => {
  await pair();
  await ask(leader.web, '/api/v1/files/s?directory=true&user.name=o', { method: 'PUT' });
  await expect.poll(async () => (await ask(standby.web, '/api/v1/files/s?stale=true&user.name=o')).status, soon).toBe(200);
  expect((await ask(standby.web, '/api/v1/files/t?directory=true&stale=true', { method: 'PUT' })).status).toBe(307);
});

test('nobody serves: 503, and when to come again', async () => {
  await pair();
  masters.cluster.kill('a');
  masters.hold(({ kind }) => kind === 'take');
  for (const method of ['GET', 'PUT']) {
    await expect.poll(async () => (await ask(standby.web, '/api/v1/files/x', { method })).status, soon).toBe(503);
    const { headers, body } = await ask(standby.web, '/api/v1/files/x', { method });
    expect(headers['retry-after']).toBe('1');
    expect(headers.location).toBeUndefined();
    expect(JSON.parse(body).error).toMatchObject({ code: 'unavailable' });
  }
});

test('web port: before its master is there, nobody serves for all that it knows', async () => {
  const web = await openWeb();
  const { status, headers } = await ask(web, '/api/v1/files/x?stale=true');
  expect([status, headers['retry-after']]).toEqual([503, '1']);
  expect((await ask(web, '/api/v1/files/x', { method: 'PUT' })).status).toBe(503);
});

test('hand-over: at any moment a request is answered, sent on or put off, and never refused for who leads', async () => {
  await pair();
  const codes = new Set<number>();
  let isOver = false;
  const asking = [leader, standby].map(async ({ web }, name) => {
    for (let round = 0; !isOver; round++) {
      const { status, headers } = await ask(web, `/api/v1/files/h${name}-${round}?user.name=o`, { method: 'PUT' });
      codes.add(status);
      if (status === 307) expect([leader.web.port, standby.web.port]).toContain(Number(new URL(headers.location as string).port));
    }
  });
  const lead = (web: WebMaster['web']) => expect.poll(async () => (await ask(web, '/health/leader')).status, soon).toBe(200);
  const options = { peer: 'operator:1', signal: AbortSignal.timeout(15_000) };
  await leader.master.calls.call(operations.transferLeader, { user: 'o' }, options);
  await lead(standby.web);
  isOver = true;
  await Promise.all(asking);
  expect([...codes].filter((code) => ![201, 307, 503].includes(code))).toEqual([]);
});
