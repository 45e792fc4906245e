/** The client that is given only URLs: finds the leader, follows it, and sends again what may be sent again, and nothing else. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { HttpFileSystem } from '../../src/cli/understudy.js';
import { operations } from '../../src/metadata/operations.js';
import { ask, openWeb, type WebMaster, WebMasters } from './web-masters.js';

const soon = { timeout: 8_000, interval: 2 };
const urlOf = ({ web }: Pick<WebMaster, 'web'>) => `http://127.0.0.1:${web.port}`;
const leads = (one: WebMaster) => expect.poll(async () => (await ask(one.web, '/health/leader')).status, soon).toBe(200);
const fed = (one: WebMaster) => expect.poll(() => one.master.leaderPlace.fedFrom, soon).not.toBe(null);

/** Answers whoever asks whether it leads; all else as `answer` does. */
async function scripted(answer: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/health/leader') response.end('{}');
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const fast = { user: 'o', timeoutMs: 1_000, attemptTimeoutMs: 300 };

test('http client: finds the leader among masters of which one is gone, and goes with it when it hands over', async () => {
  const masters = new WebMasters();
  const a = await masters.start('a');
  await leads(a);
  const b = await masters.start('b');
  await fed(b);
  const starting = await openWeb();
  const fs = new HttpFileSystem({ urls: ['http://127.0.0.1:1', urlOf(b), urlOf({ web: starting }), urlOf(a)], user: 'o' });
  expect(await fs.client.leader()).toBe(urlOf(a));
  await fs.createDirectory('/d %?#é');
  await a.master.calls.call(operations.transferLeader, { user: 'o' }, { peer: 'operator:1', signal: AbortSignal.timeout(15_000) });
  for (let name = 0; name < 3; name++) await fs.createFile(`/d %?#é/${name}`, { length: name });
  expect(await fs.client.leader()).toBe(urlOf(b));
  const entries = [];
  for await (const { name, length } of fs.list('/d %?#é')) entries.push({ name, length });
  expect(entries).toEqual([0, 1, 2].map((length) => ({ name: String(length), length })));
  await fs.rename('/d %?#é', '/e');
  expect(await fs.status('/e')).toMatchObject({ path: '/e', type: 'directory', childCount: 3 });
  await expect(fs.remove('/e')).rejects.toMatchObject({ code: 'failed_precondition', errno: 'ENOTEMPTY' });
  await fs.remove('/e', { recursive: true });
  await expect(fs.status('/e')).rejects.toMatchObject({ code: 'not_found' });
});

test('http client: given only a standby, it is led to the leader', async () => {
  const masters = new WebMasters();
  const a = await masters.start('a');
  await leads(a);
  const b = await masters.start('b');
  await fed(b);
  const front = await scripted((request, response) => {
    response.writeHead(307, { location: `${urlOf(b)}${request.url}` }).end();
  });
  const fs = new HttpFileSystem({ ...fast, urls: [front] });
  await fs.createDirectory('/x');
  expect(await fs.client.leader()).toBe(urlOf(a));
});

test('http client: a change whose answer is lost is not sent again, unless twice is as good as once', async () => {
  let requests = 0;
  const url = await scripted((request) => {
    requests += 1;
    request.socket.destroy();
  });
  const fs = new HttpFileSystem({ ...fast, urls: [url] });
  await expect(fs.createFile('/x')).rejects.toMatchObject({ code: 'outcome_unknown' });
  expect(requests).toBe(1);
  await expect(fs.createDirectory('/x', { allowExists: true })).rejects.toMatchObject({ code: 'outcome_unknown' });
  expect(requests).toBeGreaterThan(2);
  requests = 0;
  await expect(fs.status('/x')).rejects.toMatchObject({ code: 'unavailable' });
  expect(requests).toBeGreaterThan(2);
});

test.each([
  { code: 503, body: { error: { code: 'unavailable', message: 'm' } }, again: true },
  { code: 503, body: 'from a load balancer', again: true },
  { code: 503, body: { error: { code: 'outcome_unknown', message: 'm' } }, again: false },
  { code: 503, body: { error: { code: 'fenced', message: 'm' } }, again: false },
  { code: 502, body: 'from a load balancer', again: false },
  { code: 504, body: 'from a load balancer', again: false },
  { code: 409, body: { error: { code: 'already_exists', message: 'm', errno: 'EEXIST' } }, again: false, told: 'already_exists' },
  { code: 400, body: '<html>', again: false, told: 'unknown' },
])('http client: $code $body, sent again: $again', async ({ code, body, again, told = 'outcome_unknown' }) => {
  let requests = 0;
  const url = await scripted((_, response) => {
    requests += 1;
    response.writeHead(requests === 1 ? code : 201).end(requests === 1 ? JSON.stringify(body) : '{"name":"x"}');
  });
  const done = new HttpFileSystem({ ...fast, urls: [url] }).createFile('/x');
  if (again) expect(await done).toEqual({ name: 'x' });
  else await expect(done).rejects.toMatchObject({ code: told });
  expect(requests).toBe(again ? 2 : 1);
});

test('http client: masters that send each other round, and one that is silent, end in time', async () => {
  const round: string = await scripted((request, response) => void response.writeHead(302, { location: `${round}${request.url}` }).end());
  await expect(new HttpFileSystem({ ...fast, urls: [round] }).status('/x')).rejects.toMatchObject({ code: 'unavailable' });
  const silent = await scripted(() => {});
  await expect(new HttpFileSystem({ ...fast, urls: [silent] }).status('/x')).rejects.toMatchObject({ code: 'unavailable' });
  const evil = await scripted((_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end('{}'));
  expect(await new HttpFileSystem({ ...fast, urls: [evil] }).client.request({ method: 'GET', target: '/' })).toMatchObject({ status: 302 });
  for (const path of ['/x/../y', '/./x', '/x/..', 'x', ''])
    await expect(new HttpFileSystem({ ...fast, urls: [evil] }).remove(path)).rejects.toMatchObject({ code: 'invalid_argument' });
  expect(() => new HttpFileSystem({ urls: [] })).toThrow(/are to be named/);
  expect(() => new HttpFileSystem({ urls: ['m1:19999'] })).toThrow(/no URL of a master/);
});
